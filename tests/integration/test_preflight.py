"""What scripts/deploy refuses before anything is uploaded: against a local AWS and a LlamaCloud-compatible server."""

import json
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import boto3
import pytest
from botocore.stub import Stubber

from handlers.demo.local_aws import LocalAws
from llamacloud_sandbox.testing import sandbox_in_thread
from receiver.core.errors import Misconfigured
from scripts.deploying.deployment_file import DeploymentSettings, parse_deployment
from scripts.deploying.outside import Place, existence
from scripts.deploying.preflight import Preflight, preflight, shown
from scripts.deploying.stage import Stage
from scripts.deploying.stage_secrets import plan_secrets, stage_values, write_secrets
from tests.infra import ROOT

pytestmark = pytest.mark.aws
TABLE = (ROOT / "infra" / "mailroom.yaml").read_text(encoding="utf-8")
STAGE = Stage("pre", "us-east-1", "000000000000")
KEY = {"LLAMA_CLOUD_API_KEY": "llx-test"}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[str]:
    with sandbox_in_thread() as url:
        yield url


@pytest.fixture
def session(local_aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> Iterator[boto3.session.Session]:
    for name in [name for name in os.environ if name.startswith(("AWS_", "LLAMA_", "MAILROOM_"))]:
        monkeypatch.delenv(name)
    for name, value in local_aws.env.items():
        monkeypatch.setenv(name, value)
    yield boto3.session.Session()
    keeper = local_aws.client("secretsmanager")
    for which in ("door", "inside"):
        with suppress(keeper.exceptions.ResourceNotFoundException):
            keeper.delete_secret(SecretId=STAGE.secret(which), ForceDeleteWithoutRecovery=True)


@pytest.fixture
def check(session: boto3.session.Session, sandbox: str, tmp_path: Path) -> "Check":
    return Check(session, sandbox, tmp_path)


class Check:
    """A preflight of a stage that is not there yet."""

    def __init__(self, session: boto3.session.Session, sandbox: str, folder: Path) -> None:
        self.session, self.sandbox, self.folder = session, sandbox, folder

    def __call__(
        self, table: str = TABLE, settings: str = "", *, key: str = "llx-test", **parameters: str
    ) -> Preflight:
        path = self.folder / "mailroom.yaml"
        path.write_text(table, encoding="utf-8")
        given: DeploymentSettings = parse_deployment(settings, STAGE.name)
        environ = {"LLAMA_CLOUD_API_KEY": key}
        plans = plan_secrets(self.session.client("secretsmanager"), STAGE, given, environ, lambda _: "")
        return preflight(STAGE, given, {"llamaCloud": self.sandbox, **parameters}, path, plans, self.session.client)


def errors(found: Preflight) -> list[str]:
    return [str(item) for item in found.findings if item.severity == "error"]


def test_the_table_of_the_repository_passes(check: Check) -> None:
    found = check()
    assert errors(found) == []
    assert "takes the key, for Default" in shown(found.findings)
    assert not found.refused


def test_a_wrong_table_is_refused_with_file_line_and_fix(check: Check) -> None:
    found = check(TABLE.replace("type: receipt\n    min", "type: reciept\n    min"))
    assert found.refused
    said = "\n".join(errors(found))
    line = 1 + TABLE[: TABLE.index("type: receipt\n    min")].count("\n")
    assert f"mailroom.yaml:{line}: routes[1].type (reciept): " in said
    assert "type 'receipt' has no row; is the row for 'reciept' meant?" in said


def test_a_table_that_is_no_yaml_is_refused(check: Check) -> None:
    assert "not readable as YAML" in errors(check("routes: [\n"))[0]


SLACK = TABLE + '  - {on: "*", to: "slack:env:SLACK_WEBHOOK_URL"}\n'


def test_a_variable_that_nobody_gives_is_refused(check: Check) -> None:
    (said,) = errors(check(SLACK))
    assert "the variable SLACK_WEBHOOK_URL is not set" in said


def test_a_secret_of_the_table_is_taken_from_the_environment_into_the_stages_own(
    check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = "secrets: {SLACK_WEBHOOK_URL: stage}"
    with pytest.raises(Misconfigured, match=r"mailroom\.deploy\.yaml:1: SLACK_WEBHOOK_URL has no value"):
        check(SLACK, settings)
    client = check.session.client("secretsmanager")
    url = "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"
    given = parse_deployment(settings, STAGE.name)
    plans = plan_secrets(client, STAGE, given, {**KEY, "SLACK_WEBHOOK_URL": url}, lambda _: "")
    write_secrets(client, plans)
    assert errors(check(SLACK, settings)) == []
    assert (
        json.loads(client.get_secret_value(SecretId=STAGE.secret("inside"))["SecretString"])["SLACK_WEBHOOK_URL"] == url
    )


def test_a_secret_elsewhere_that_is_not_there_is_refused_by_line(check: Check) -> None:
    found = check(SLACK, "region: us-east-1\nsecrets:\n  SLACK_WEBHOOK_URL: ssm:/acme/slack")
    assert any(
        "mailroom.deploy.yaml:3: secrets.SLACK_WEBHOOK_URL: the secret ssm:/acme/slack cannot be read" in e
        for e in errors(found)
    )


@pytest.mark.parametrize("path", [".", "./", "infra/..", ".."])
def test_all_of_mailroom_is_no_module(check: Check, path: str) -> None:
    (said,) = errors(check(settings=f'adopt: false\nmodules: ["{path}"]'))
    assert said.startswith("✘ mailroom.deploy.yaml:2: modules[0]: ")


WRONG = """
variables:
  MAIL_BUCKET: mine
  MAILROOM_LOG_LEVL: debug
  AWS_REGION: eu-west-1
  X: ssm:/x
modules: [nowhere, receiver]
concurrency: {process: 900}
"""


def test_all_that_is_wrong_with_a_deployments_settings_is_said_at_once(check: Check) -> None:
    said = "\n".join(errors(check(settings=WRONG)))
    for line, text in (
        (3, "variables.MAIL_BUCKET is set by the deployment itself"),
        (4, "did you mean MAILROOM_LOG_LEVEL?"),
        (5, "Lambda sets AWS's own variables"),
        (6, "variables.X is a pointer to a secret"),
        (7, "modules[0]: there is no"),
        (7, "receiver would hide a module of that name"),
    ):
        assert re.search(rf"mailroom\.deploy\.yaml:{line}: .*{re.escape(text)}", said), text
    assert "functions at the same time, and the stage needs 906" in said


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("variables: {MAILROOM_LOG_LEVEL: loud}", "MAILROOM_LOG_LEVEL=loud is not debug, info, warning or error"),
        ("app: nowhere.app:build", "MAILROOM_APP=nowhere.app:build cannot be imported"),
    ],
)
def test_settings_that_the_functions_would_not_start_with_are_refused(check: Check, settings: str, said: str) -> None:
    assert said in "\n".join(errors(check(settings=settings)))


def test_places_outside_the_stack_must_be_there_and_get_rights(check: Check) -> None:
    table = TABLE.replace("s3://env:MAIL_BUCKET/unsorted/", "s3://acme-unsorted-pre/in/")
    (said,) = errors(check(table))
    assert "s3://acme-unsorted-pre/in/ does not exist; create the bucket" in said
    line = 1 + TABLE[: TABLE.index("no_match:")].count("\n")
    assert f"mailroom.yaml:{line}: " in said
    check.session.client("s3").create_bucket(Bucket="acme-unsorted-pre")
    found = check(table)
    assert errors(found) == []
    assert [place.url for place in found.places] == ["s3://acme-unsorted-pre/in/"]


def test_an_archive_of_records_gets_the_rights_of_the_sweep_in_the_stages_own_bucket_too(check: Check) -> None:
    own = f"{TABLE}\nretention: {{documents_days: 365, archive: 's3://env:MAIL_BUCKET/records/'}}\n"
    found = check(own)
    assert errors(found) == []
    (place,) = found.places
    assert (place.url, place.used_by) == (f"s3://{STAGE.bucket('mail')}/records/", "sweep")
    (said,) = errors(check(own.replace("env:MAIL_BUCKET/records", "acme-archive-pre/records")))
    assert f"mailroom.yaml:{own.count(chr(10))}: s3://acme-archive-pre/records/ does not exist" in said


@pytest.mark.parametrize(
    "url",
    [
        "s3://nobody-has-this-bucket/in/", "sqs://no-queue", "sns://no-topic", "events://no-bus", "states://no-machine",
        "sns:arn:aws:sns:us-east-1:000000000000:no-topic", "events:no-bus",
        "sqs://https://sqs.us-east-1.amazonaws.com/000000000000/no-queue",
    ],
)  # fmt: skip
def test_every_kind_of_place_is_asked_for(url: str, local_aws: LocalAws) -> None:
    (found,) = existence([Place(url, "mailroom.yaml:7")], STAGE, lambda service, **_: local_aws.client(service))
    assert str(found).startswith(f"✘ mailroom.yaml:7: {url} does not exist; create the ")


def test_a_place_that_our_own_credentials_may_not_see_is_a_doubt() -> None:
    client = boto3.client("sqs", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    with Stubber(client) as stub:
        stub.add_client_error("get_queue_url", service_error_code="AccessDenied", http_status_code=403)
        (found,) = existence([Place("sqs://theirs")], STAGE, lambda *_, **__: client)
    assert (found.severity, "AccessDenied" in found.what) == ("warning", True)


def test_a_key_that_llamacloud_refuses_is_refused(session: boto3.session.Session, tmp_path: Path) -> None:
    with sandbox_in_thread(keys=("llx-the-right-one",)) as url:
        check = Check(session, url, tmp_path)
        (said,) = errors(check(settings="alert_email: a@example.com", key="llx-a-wrong-one"))
    assert "refuses the API key" in said
    assert "llx-a-wrong-one" not in said


def test_a_llamacloud_that_cannot_be_reached_from_here_is_a_warning(check: Check, closed_port: int) -> None:
    found = check(llamaCloud=f"http://127.0.0.1:{closed_port}")
    assert errors(found) == []
    assert any("cannot be asked" in item.what for item in found.findings)


def test_own_modules_are_imported_as_the_functions_will(check: Check, tmp_path: Path) -> None:
    """A destination of one's own in the table, and the composition root that knows it."""
    package = tmp_path / "acme_pre"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "app.py").write_text(
        "from handlers.app import open_alert_channel, open_registry\n"
        "from handlers.app import build as ours\nfrom handlers.destinations.registry import destinations\n"
        "class Queue:\n    holds_bytes = True\n    def faults(self, target):\n        return []\n"
        "def open_destinations():\n    return {**destinations(), 'ftp': Queue()}\n"
        "def build(settings):\n    return ours(settings, more={'ftp': Queue()})\n"
    )
    table = TABLE.replace("s3://env:MAIL_BUCKET/unsorted/", "ftp://unsorted/")
    assert any("ftp" in error for error in errors(check(table)))
    assert errors(check(table, f"app: acme_pre.app:build\nmodules: ['{package}']")) == []


class TestSecrets:
    """Made once, restored after a removal, completed, and never replaced."""

    def plan(self, check: Check, **environ: str) -> list[str]:
        client = check.session.client("secretsmanager")
        settings = parse_deployment("", STAGE.name)
        self.plans = plan_secrets(client, STAGE, settings, environ, lambda _: "")
        return write_secrets(client, self.plans)

    def test_they_are_made_once(self, check: Check) -> None:
        assert self.plan(check, **KEY) == ["made the secret mailroom/pre/door", "made the secret mailroom/pre/inside"]
        before = stage_values(self.plans)
        assert self.plan(check, LLAMA_CLOUD_API_KEY="llx-other") == []
        assert stage_values(self.plans) == before

    def test_what_was_interrupted_is_finished(self, check: Check) -> None:
        client = check.session.client("secretsmanager")
        plans = plan_secrets(client, STAGE, parse_deployment("", STAGE.name), KEY, lambda _: "")
        write_secrets(client, plans[:1])
        assert self.plan(check, **KEY) == ["made the secret mailroom/pre/inside"]

    def test_a_removed_stages_secrets_come_back_as_they_were(self, check: Check) -> None:
        self.plan(check, **KEY)
        before = stage_values(self.plans)
        client = check.session.client("secretsmanager")
        for which in ("door", "inside"):
            client.delete_secret(SecretId=STAGE.secret(which))
        found = check(key="")
        assert errors(found) == []
        assert len(self.plan(check)) == 2
        assert stage_values(self.plans) == before

    def test_without_a_key_nothing_is_made(self, check: Check) -> None:
        with pytest.raises(Misconfigured, match="LLAMA_CLOUD_API_KEY has no value"):
            self.plan(check)


def test_an_app_that_reads_the_table_itself_passes_whatever_it_prints(check: Check, tmp_path: Path) -> None:
    module = tmp_path / "acme_prints.py"
    module.write_text("print('hello')\nfrom handlers.app import build\n", encoding="utf-8")
    assert errors(check(settings=f"app: acme_prints:build\nmodules: ['{module}']")) == []


@pytest.mark.parametrize("text", ["import sys; sys.exit(0)", "import os; os._exit(0)", "1/0", "def build(:"])
def test_an_app_that_ends_the_check_is_refused_by_line(check: Check, tmp_path: Path, text: str) -> None:
    module = tmp_path / "acme_ends.py"
    module.write_text(text, encoding="utf-8")
    (said,) = errors(check(settings=f"modules: ['{module}']\napp: acme_ends:build"))
    where, what = said.split(": ", 1)
    assert where == "✘ mailroom.deploy.yaml:2"
    assert what.startswith(
        (
            "the settings cannot be checked with app acme_ends:build: ",
            "MAILROOM_APP=acme_ends:build cannot be imported: ",
        )
    )


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("_HANDLER", "x", "Lambda sets AWS's own variables"),
        ("LAMBDA_TASK_ROOT", "/x", "Lambda sets AWS's own variables"),
        ("_ACME", "x", "Lambda takes no variable of this name"),
        ("X", "x", "Lambda takes no variable of this name"),
        ("ACME", "${env:HOME}", "holds '${'"),
        ("ACME", "a\\0b", "holds"),
        ("ACME", "é" * 2048, "bytes, and Lambda takes 4,096"),
    ],
)
def test_variables_that_lambda_would_not_take_are_refused_by_line(
    check: Check, name: str, value: str, said: str
) -> None:
    found = errors(check(settings=f'adopt: false\nvariables:\n  {name}: "{value}"'))
    assert any(re.match(r"✘ mailroom\.deploy\.yaml:[23]: ", item) and said in item for item in found), found


@pytest.mark.parametrize(
    "url",
    [
        "acme-archive", "s3:acme", "dynamodb://table", "https://example.com/x", "s3://", "sns:arn:", "sns:arn:aws:sns",
        "events://arn:aws:sqs:us-east-1:000000000000:x", "events:a b", "states://arn:x", "sns:*",
        "states://arn:aws:states:us-east-1:000000000000:activity:x", "arn:aws:s3:::x", "arn:aws:iam::*:role/*",
    ],
)  # fmt: skip
def test_a_grant_that_is_no_place_is_refused_by_line(check: Check, url: str) -> None:
    (said,) = errors(check(settings=f'adopt: false\ngrants: ["{url}"]'))
    assert said.startswith("✘ mailroom.deploy.yaml:2: ") and url in said


def test_an_inbox_outside_the_stack_must_be_there(check: Check) -> None:
    settings = "adopt: false\ninbox_buckets: [acme-scans-pre/in/]"
    (said,) = errors(check(settings=settings))
    assert said.startswith("✘ mailroom.deploy.yaml:2: s3://acme-scans-pre does not exist")
    check.session.client("s3").create_bucket(Bucket="acme-scans-pre")
    found = check(settings=settings)
    assert errors(found) == []
    assert found.places == []


def test_a_parameter_that_nothing_reads_is_refused(check: Check) -> None:
    (said,) = errors(check(wrkers="3"))
    assert said == "✘ --param wrkers: serverless.yml has no such parameter; did you mean workers?"


def test_a_certificate_of_another_region_is_refused_by_line(check: Check) -> None:
    arn = "arn:aws:acm:eu-west-1:123456789012:certificate/0f1e2d3c"
    (said,) = errors(check(settings=f"domain:\n  name: mail.example.com\n  certificate: {arn}"))
    assert said.startswith("✘ mailroom.deploy.yaml:3: domain.certificate is in eu-west-1, and the stage in us-east-1")
