"""The template that osls makes, before the judges: cfn-lint, checkov, and parliament on each role.

The tools live in environments of their own (scripts/infra-tools). Without them these tests are skipped and say so; in
CI that is a failure.
"""

import json
import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scripts.deploying.deploy import FUNCTION_URL
from scripts.deploying.deployment_file import parse_deployment
from scripts.deploying.outside import Place
from scripts.deploying.overlay import overlay
from scripts.deploying.stage import Stage

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".cache"
CHECKS: dict[str, dict[str, str]] = tomllib.loads((ROOT / "infra" / "checks.toml").read_text())
MORE = {
    "dev": (),
    "prod": (
        "snapStart=true", "xray=Active", "receiveConcurrency=5", "publicUrl=https://mail.example.com",
        "inboxSource=moved", "operator=off", "webhookQueue=on",
    ),
}  # fmt: skip
"""Stages, and parameters that are not tried at the other one."""

EXAMPLE = ROOT / "infra" / "mailroom.deploy.example.yaml"
pytestmark = [pytest.mark.slow, pytest.mark.deploy]


def tool(path: Path) -> Path:
    """A tool that scripts/infra-tools made; skips the test without it, fails it in CI."""
    if path.exists() and shutil.which("node"):
        return path
    said = f"{path.name} or node is missing: run scripts/infra-tools"
    if os.environ.get("CI"):
        pytest.fail(said)
    pytest.skip(said)


def run(*command: Path | str, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, input=text, capture_output=True, text=True, timeout=600, cwd=ROOT)


@pytest.fixture(scope="module", params=MORE)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template as it would be deployed to this stage, without the zips."""
    folder = tmp_path_factory.mktemp(request.param)
    osls = tool(CACHE / "osls" / "node_modules" / ".bin" / "osls")
    shutil.copytree(ROOT / "infra", folder / "infra")
    shutil.copyfile(ROOT / "serverless.yml", folder / "serverless.yml")
    for name in ("receive", "process", "intake", "sweep", "console"):
        zipped = folder / "build" / "lambda" / f"{request.param}-3.13-arm64" / f"{name}.zip"
        zipped.parent.mkdir(parents=True, exist_ok=True)
        zipped.write_bytes(b"PK\x05\x06" + bytes(18))
    options = [f"--param={item}" for item in ("alertEmail=desk@example.com", "functionUrl=true", *MORE[request.param])]
    if request.param == "prod":
        options = [*added(folder / "build" / "lambda" / "prod-3.13-arm64"), *options]
    command = [osls, "package", "--stage", request.param, *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / ".serverless" / "cloudformation-template-update-stack.json"


def added(folder: Path) -> list[str]:
    """Writes what the example of a deployment file adds, and gives its parameters."""
    settings = parse_deployment(EXAMPLE.read_text(encoding="utf-8"), "prod")
    stage = Stage("prod", "eu-central-1", "123456789012")
    key = "arn:aws:kms:eu-central-1:123456789012:key/0f1e2d3c"
    places = [
        Place("s3://acme-finance/invoices/{yyyy}/", options={"kms_key": key}),
        Place("sqs://https://sqs.eu-west-1.amazonaws.com/210987654321/acme.fifo"),
        Place("sns:arn:aws:sns:eu-central-1:123456789012:oncall"),
        Place("events:ops"),
        *(Place(url) for url in settings.values.grants or ()),
    ]
    (folder / "overlay.json").write_text(json.dumps(overlay(stage, settings, places)))
    return [f"--param={name}={value}" for name, value in settings.parameters(stage.region).items()]


def template(made: Path) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(made.read_text())
    return said


def test_cfn_lint_finds_nothing(made: Path) -> None:
    lint = tool(CACHE / "templates" / "venv" / "bin" / "cfn-lint")
    found = json.loads(run(lint, "--format", "json", made).stdout or "[]")
    heard = [item for item in found if item["Rule"]["Id"] not in CHECKS["cfn-lint"]]
    assert [f"{item['Rule']['Id']} {item['Message']}" for item in heard] == []
    assert {item["Rule"]["Id"] for item in found} == set(CHECKS["cfn-lint"]), "a reason that is not needed any more"


def test_checkov_finds_nothing_in_the_module_for_fargate() -> None:
    checkov = tool(CACHE / "templates" / "venv" / "bin" / "checkov")
    done = run(checkov, "--directory", "infra/fargate", "--framework", "terraform", "--compact", "-o", "json")
    results = json.loads(done.stdout)["results"]
    assert results["passed_checks"]
    found = {f"{item['check_id']} {item['resource']}" for item in results["failed_checks"]}
    known = CHECKS["checkov-fargate"]
    assert {item for item in found if item.split()[0] not in known} == set()
    assert {item.split()[0] for item in found} == set(known), "a reason that is not needed any more"


def test_checkov_finds_nothing(made: Path) -> None:
    checkov = tool(CACHE / "templates" / "venv" / "bin" / "checkov")
    done = run(checkov, "--framework", "cloudformation", "--skip-download", "--quiet", "-o", "json", "-f", made)
    failed = json.loads(done.stdout)["results"]["failed_checks"]
    heard = [item for item in failed if item["check_id"] not in CHECKS["checkov"]]
    allowed = [item for item in heard if (item["check_id"], item["resource"].rpartition(".")[2]) not in OPEN_DOORS]
    assert [f"{item['check_id']} {item['check_name']}: {item['resource']}" for item in allowed] == []
    elsewhere = {"CKV_AWS_117"} if "prod" in str(made) else set()  # this stage runs in a VPC
    assert {item["check_id"] for item in failed} >= set(CHECKS["checkov"]) - elsewhere, (
        "a reason that is not needed any more"
    )


OPEN_DOORS = {
    ("CKV_AWS_258", "ReceiveLambdaFunctionUrl"),
    ("CKV_AWS_59", "WebhookApiMethod"),
    ("CKV_AWS_73", "WebhookApiStage"),
    ("CKV_AWS_76", "WebhookApiStage"),
    ("CKV_AWS_120", "WebhookApiStage"),
}
"""Two are open on purpose, when they are asked for: LlamaCloud signs for itself, not for IAM. A REST API writes access
logs only with a role of the whole account, its traces follow the parameter xray, and it has nothing to cache."""


PARLIAMENT = """
import json, sys
from parliament import analyze_policy_string
for name, policy in json.load(sys.stdin).items():
    for finding in analyze_policy_string(json.dumps(policy)).findings:
        print(name, finding)
"""


def test_parliament_finds_nothing_in_any_role(made: Path) -> None:
    python = tool(CACHE / "policies" / "venv" / "bin" / "python")
    policies = dict(roles(template(made)))
    ours = {name.split(".")[0] for name in policies if not name.partition(".")[0].endswith("Policy")}
    assert ours == {f"{name}Role" for name in ("Receive", "Process", "Intake", "Sweep", "Console", "WebhookApi")}
    done = run(python, "-W", "ignore", "-c", PARLIAMENT, text=json.dumps(policies))
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_parliament_finds_nothing_in_the_policy_of_whoever_deploys() -> None:
    python = tool(CACHE / "policies" / "venv" / "bin" / "python")
    text = (ROOT / "infra" / "deploy-policy.json").read_text().replace("REGION", "eu-central-1")
    policy = json.loads(text.replace("ACCOUNT", "123456789012"))
    done = run(python, "-W", "ignore", "-c", PARLIAMENT, text=json.dumps({"deploy": policy}))
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_parliament_would_find_something(made: Path) -> None:
    python = tool(CACHE / "policies" / "venv" / "bin" / "python")
    wrong = {"Effect": "Allow", "Action": "s3:GetObjct", "Resource": "*"}
    policies = {"role": {"Version": "2012-10-17", "Statement": [wrong]}}
    assert "GetObjct" in run(python, "-W", "ignore", "-c", PARLIAMENT, text=json.dumps(policies)).stdout


def roles(said: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every inline policy, with real-looking ARNs in the place of CloudFormation's functions."""
    resources = said["Resources"]
    for name, resource in resources.items():
        if resource["Type"] == "AWS::IAM::Policy":
            yield f"{name}.{resource['Properties']['PolicyName']}", resource["Properties"]["PolicyDocument"]
        if resource["Type"] == "AWS::IAM::Role":
            for policy in resource["Properties"]["Policies"]:
                chosen = policy["Fn::If"][1] if "Fn::If" in policy else policy
                yield f"{name}.{chosen['PolicyName']}", resolved(chosen["PolicyDocument"], resources)


ARNS = {
    "AWS::DynamoDB::Table": "arn:aws:dynamodb:eu-central-1:123456789012:table/name",
    "AWS::SQS::Queue": "arn:aws:sqs:eu-central-1:123456789012:name",
    "AWS::S3::Bucket": "arn:aws:s3:::name",
    "AWS::SNS::Topic": "arn:aws:sns:eu-central-1:123456789012:name",
}
PSEUDO = {"AWS::Partition": "aws", "AWS::Region": "eu-central-1", "AWS::AccountId": "123456789012"}


def resolved(value: Any, resources: dict[str, Any]) -> Any:
    if isinstance(value, list):
        return [resolved(item, resources) for item in value]
    if not isinstance(value, dict):
        return value
    if "Fn::Sub" in value:
        return re.sub(r"\$\{([\w:]+)\}", lambda found: PSEUDO[found[1]], value["Fn::Sub"])
    if "Fn::If" in value:
        return resolved(value["Fn::If"][1], resources)
    if "Fn::Join" in value:
        return value["Fn::Join"][0].join(resolved(value["Fn::Join"][1], resources))
    if "Fn::GetAtt" in value or "Ref" in value:
        return ARNS[resources[value["Ref"] if "Ref" in value else value["Fn::GetAtt"][0]]["Type"]]
    return {key: resolved(item, resources) for key, item in value.items()}


def test_every_function_has_its_own_zip_and_runs_on_the_runtime_asked_for(made: Path) -> None:
    resources = template(made)["Resources"]
    lambdas = {name: item["Properties"] for name, item in resources.items() if item["Type"] == "AWS::Lambda::Function"}
    functions = lambdas.values()
    zips = [json.dumps(item["Code"]["S3Key"]).rpartition("/")[2] for item in functions]
    assert len(set(zips)) == 5
    expected = {"ReceiveLambdaFunction", "ConsoleLambdaFunction"} if "prod" in str(made) else set()
    assert {name for name, item in lambdas.items() if "SnapStart" in item} == expected
    assert {(item["Runtime"], *item["Architectures"]) for item in functions} == {("python3.13", "arm64")}


def test_the_public_api_answers_events_and_health_and_nothing_else(made: Path) -> None:
    resources = template(made)["Resources"]
    routes = {
        name: item["Properties"] for name, item in resources.items() if item["Type"] == "AWS::ApiGatewayV2::Route"
    }
    apis = {item["ApiId"]["Ref"] for item in routes.values()}
    assert apis == {"HttpApi", "OperatorApi"}
    public = {item["RouteKey"] for item in routes.values() if item["ApiId"]["Ref"] == "HttpApi"}
    assert public == {"POST /webhooks/llamacloud", "GET /livez", "GET /readyz"}
    targets = {name: item["Properties"] for name, item in resources.items() if "Integration" in name}
    called = {item["ApiId"]["Ref"]: json.dumps(item["IntegrationUri"]) for item in targets.values()}
    assert "Receive" in called["HttpApi"]
    assert "Console" in called["OperatorApi"]


def test_a_function_url_may_be_called_as_lambda_asks_since_october_2025(made: Path) -> None:
    said = template(made)
    permissions = [
        item["Properties"] for item in said["Resources"].values() if item["Type"] == "AWS::Lambda::Permission"
    ]
    public = {item["Action"]: item for item in permissions if item["Principal"] == "*"}
    assert public["lambda:InvokeFunctionUrl"]["FunctionUrlAuthType"] == "NONE"
    assert public["lambda:InvokeFunction"]["InvokedViaFunctionUrl"] is True
    assert FUNCTION_URL in said["Outputs"]


def test_every_api_is_throttled(made: Path) -> None:
    stages = [item for item in template(made)["Resources"].values() if item["Type"] == "AWS::ApiGatewayV2::Stage"]
    assert {item["Properties"]["ApiId"]["Ref"] for item in stages} == {"HttpApi", "OperatorApi"}
    for stage in stages:
        bounds = stage["Properties"]["DefaultRouteSettings"]
        rate, burst = int(bounds["ThrottlingRateLimit"]), int(bounds["ThrottlingBurstLimit"])
        assert 0 < rate <= 100
        assert rate < burst <= 500


def test_the_operators_api_can_be_left_out(made: Path) -> None:
    said = template(made)
    ours = {name: item for name, item in said["Resources"].items() if name.startswith("OperatorApi")}
    assert len(ours) == 7
    assert {item.get("Condition") for item in ours.values()} == {"OperatorApi"}
    assert said["Outputs"]["OperatorUrl"]["Condition"] == "OperatorApi"
    shown = "off" if "prod" in str(made) else "on"
    assert said["Conditions"]["OperatorApi"] == {"Fn::Equals": [shown, "on"]}


def test_production_keeps_its_data(made: Path) -> None:
    said = template(made)["Resources"]
    kept = {name for name, item in said.items() if item.get("DeletionPolicy") == "Retain"}
    expected = {"StoreTable", "InboxBucket", "SpoolBucket", "MailBucket"} if "prod" in str(made) else set()
    assert kept == expected
