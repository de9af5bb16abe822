"""A stage's whole life: deployed, a wrong table refused, taken down with its data kept, and back with that data."""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from handlers.demo.local_aws import LocalAws, local_aws
from llamacloud_sandbox.testing import start_sandbox
from scripts.deploying.stack import stack_resources
from tests.deployed import DEPLOY, ROOT, Domain, tools_or_skip
from tests.servers import serve

pytestmark = [pytest.mark.slow, pytest.mark.deploy, pytest.mark.aws, pytest.mark.timeout(1800)]
ARCH = "arm64" if platform.machine() in {"aarch64", "arm64"} else "x86_64"
Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAws]:
    tools_or_skip()
    with local_aws(enforce_iam=True) as found:
        yield found


@pytest.fixture(scope="module")
def command(aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Command]:
    """scripts/deploy of a stage with settings in a file; its first run makes everything."""
    ours = ("AWS_", "LLAMA_", "MAILROOM_")
    env = {name: value for name, value in os.environ.items() if not name.startswith(ours)} | aws.env
    env |= {"LLAMA_CLOUD_API_KEY": "llx-test", "TEAM_HOOK": "https://hooks.slack.com/services/T0/B0/XXXXXXXXXXXX"}
    env |= whoever_deploys(aws)
    settings = tmp_path_factory.mktemp("settings") / "mailroom.deploy.yaml"
    with ExitStack() as stack:
        sandbox = stack.enter_context(start_sandbox())
        public = stack.enter_context(serve(Domain(aws, "HttpApi").application()))
        settings.write_text(
            f"llama_cloud: {sandbox.url}\npublic_url: {public}\narch: {ARCH}\n"
            f'python: "{sys.version_info.major}.{sys.version_info.minor}"\n'
            "secrets: {TEAM_HOOK: stage}\nconcurrency: {process: 2, intake: 2}\n"
        )

        def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
            given = [
                "--stage",
                "e2e",
                "--settings",
                str(settings),
                "--param=metricMath=off",
                "--param=keyConditions=off",
                *arguments,
            ]
            return subprocess.run([*DEPLOY, *given], cwd=ROOT, env=env, capture_output=True, text=True, timeout=1200)

        yield run


def whoever_deploys(aws: LocalAws) -> dict[str, str]:
    """Credentials that may do what infra/deploy-policy.json says, and nothing else."""
    iam = aws.client("iam")
    policy = (ROOT / "infra" / "deploy-policy.json").read_text().replace("REGION", "us-east-1")
    iam.create_user(UserName="ci")
    iam.put_user_policy(UserName="ci", PolicyName="deploy", PolicyDocument=policy.replace("ACCOUNT", "000000000000"))
    key = iam.create_access_key(UserName="ci")["AccessKey"]
    return {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}


def ran(done: "subprocess.CompletedProcess[str]") -> str:
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def secret(aws: LocalAws, which: str) -> dict[str, Any]:
    text = aws.client("secretsmanager").get_secret_value(SecretId=f"mailroom/e2e/{which}")["SecretString"]
    found: dict[str, Any] = json.loads(text)
    return found


def test_a_stage_is_deployed_refused_taken_down_and_comes_back(aws: LocalAws, command: Command, tmp_path: Path) -> None:
    mail = "mailroom-e2e-mail-000000000000-us-east-1"
    cloudformation, s3 = aws.client("cloudformation"), aws.client("s3")

    said = ran(command("--param=data=Retain"))
    assert "with every proof: 202" in said
    assert "with a wrong signature: 401" in said
    before = secret(aws, "inside")
    assert before["TEAM_HOOK"].startswith("https://hooks.slack.com/")
    pointer = aws.client("lambda").get_function_configuration(FunctionName="mailroom-e2e-process")
    assert pointer["Environment"]["Variables"]["TEAM_HOOK"] == "secretsmanager:mailroom/e2e/inside#TEAM_HOOK"

    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(
        (ROOT / "infra" / "mailroom.yaml").read_text().replace("- type: receipt\n    min", "- type: rec\n    min")
    )
    updated = cloudformation.describe_stacks(StackName="mailroom-e2e")["Stacks"][0].get("LastUpdatedTime")
    refused = command("--config", str(wrong))
    assert (refused.returncode, "wrong.yaml:28: routes[1].type" in refused.stdout) == (2, True), refused.stdout
    assert cloudformation.describe_stacks(StackName="mailroom-e2e")["Stacks"][0].get("LastUpdatedTime") == updated

    s3.put_object(Bucket=mail, Key="kept.pdf", Body=b"%PDF")
    said = ran(command("--remove", "--with-all-documents"))
    assert f"kept: the bucket {mail}" in said
    assert "kept: the table mailroom-e2e" in said
    assert aws.objects(mail) == ["kept.pdf"]

    said = ran(command("--param=data=Delete", "--param=webhookQueue=on"))
    assert "taking over what an earlier stack left: mailroom-e2e, " in said
    assert "with every proof: 202" in said
    assert (aws.objects(mail), secret(aws, "inside")) == (["kept.pdf"], before)
    made = [item.logical_id for item in stack_resources(cloudformation, "mailroom-e2e")]
    assert {"WebhookApiMethod", "WebhookQueueSource"} <= set(made)

    changes = ran(command("--dry-run", "--param=logDays=60"))
    assert "~ Logs LogGroup ProcessLogGroup: RetentionInDays 30 -> 60" in changes
    assert "- SQS Queue WebhookQueue is DELETED" in changes

    refused = command("--remove")
    assert (refused.returncode, "--with-all-documents" in refused.stderr) == (2, True)
    assert aws.objects(mail) == ["kept.pdf"]
    assert "scheduled for deletion" in ran(command("--remove", "--with-all-documents"))
    assert mail not in [item["Name"] for item in s3.list_buckets()["Buckets"]]
    assert "there is no stack" in ran(command("--remove", "--with-all-documents"))
