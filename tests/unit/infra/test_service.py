"""serverless.yml says what the code knows, and keeps AWS's rules of thumb."""

import importlib
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from handlers.destinations.registry import destinations
from handlers.functions import direct
from handlers.sources.s3 import DONE
from receiver.aws.boto import Aws
from receiver.config import load as load_table
from receiver.core.alert import KINDS
from receiver.core.event import Event
from receiver.core.job import Job
from receiver.core.task import Task
from receiver.core.verify_webhook import Proof
from receiver.operations.check_config import check_config
from receiver.read_settings import from_environ
from receiver.settings import VARIABLES
from receiver.store.dynamodb.items import pk_of
from tests.infra import ROOT, of_type, param, referred, resources, service

FUNCTIONS: dict[str, dict[str, Any]] = service()["functions"]
KNOWN = {"MAIL_BUCKET": "a-bucket", "ROUTED_QUEUE": "a-queue", "ALERTS_TOPIC": "arn:aws:sns:eu-central-1:1:topic"}
TABLE = (ROOT / "infra" / "mailroom.yaml").read_text()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_handler_can_be_imported(name: str) -> None:
    module, _, attribute = FUNCTIONS[name]["handler"].rpartition(".")
    assert callable(getattr(importlib.import_module(module), attribute))


def test_every_variable_is_a_setting_or_named_by_the_routing_table() -> None:
    named = set(re.findall(r"env:(\w+)", re.sub(r"(?m)^#.*", "", TABLE)))
    given = {*service()["provider"]["environment"], *(v for f in FUNCTIONS.values() for v in f.get("environment", {}))}
    assert given - set(VARIABLES.values()) - {direct.VARIABLE} == named


def test_the_sweep_knows_the_function_that_works_on_tasks_and_alone_may_begin_it() -> None:
    name = "mailroom-${sls:stage}-process"
    assert FUNCTIONS["sweep"]["environment"][direct.VARIABLE] == name
    may = {role: text for role, item in of_type("AWS::IAM::Role").items() if "lambda:" in (text := json.dumps(item))}
    assert set(may) == {"SweepRole"}
    assert f":function:{name}" in may["SweepRole"]


def test_project_and_organization_reach_every_function_that_asks_llamacloud() -> None:
    asking = [f["environment"] for f in FUNCTIONS.values() if "LLAMA_CLOUD_API_KEY" in f.get("environment", {})]
    assert len(asking) == len(FUNCTIONS) - 1  # `receive` asks nobody
    for variable, name in (
        ("LLAMA_CLOUD_PROJECT_ID", "projectId"),
        ("LLAMA_CLOUD_ORGANIZATION_ID", "organizationId"),
    ):
        assert {given[variable] for given in asking} == {f"${{param:{name}}}"}
        assert service()["params"]["default"][name] == ""
    assert from_environ({"LLAMA_CLOUD_PROJECT_ID": ""}) == from_environ({})  # then it is the key's own project


def test_every_proof_is_required_whatever_becomes_of_a_secret() -> None:
    given = service()["provider"]["environment"]
    assert set(given["MAILROOM_REQUIRE"].split(",")) == set(Proof)
    assert not any("MAILROOM_REQUIRE" in function.get("environment", {}) for function in FUNCTIONS.values())


def test_the_routing_table_that_is_deployed_is_one() -> None:
    table = load_table(ROOT / "infra" / "mailroom.yaml", KNOWN)
    aws = Aws()
    schemes = destinations(aws)
    try:
        faults = check_config(table, schemes, adopted=False)
    finally:
        aws.close()
    assert list(faults) == []


def test_a_wrong_table_is_refused_before_it_is_packaged(tmp_path: Path) -> None:
    ours = ROOT / "infra" / "mailroom.yaml"
    wrong = tmp_path / "mailroom.yaml"
    wrong.write_text(ours.read_text().replace("env:MAIL_BUCKET/failed/", "192.168.1.1/failed/"))
    for table, code in ((ours, 0), (wrong, 1)):
        asked = [sys.executable, "-m", "scripts.deploying.check_table", str(table)]
        done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr
        assert ("failed.to[0]" in done.stderr and "must not look like an IP address" in done.stderr) == bool(code)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_alert_is_told_by_mail_and_in_the_log(kind: str) -> None:
    rules = load_table(ROOT / "infra" / "mailroom.yaml", KNOWN).alerts
    assert {rule.to for rule in rules if rule.wants(kind)} == {"sns:env:ALERTS_TOPIC", "log"}


def test_each_function_has_a_role_of_its_own() -> None:
    roles = [function["role"] for function in FUNCTIONS.values()]
    apis = ["WebhookApiRole"]
    assert sorted(set(roles)) == sorted(roles)
    assert sorted([*roles, *apis]) == sorted(of_type("AWS::IAM::Role"))


def test_no_template_is_bound_to_one_partition_of_aws() -> None:
    """China's and GovCloud's ARNs begin otherwise; variables of `scripts/deploy` and of Terraform name them."""
    templates = [ROOT / "serverless.yml", *(ROOT / "infra").glob("*.yml"), *(ROOT / "infra" / "fargate").glob("*.tf")]
    assert len(templates) > 12
    bound = re.compile(r"arn:aws[a-z-]*:|\.amazonaws\.com/")
    assert [path.name for path in templates if bound.search(path.read_text(encoding="utf-8"))] == []


def test_no_role_may_do_everything_anywhere() -> None:
    for name, role in of_type("AWS::IAM::Role").items():
        for given in role["Policies"]:
            policy = given["Fn::If"][1] if "Fn::If" in given else given
            if policy["PolicyName"] == "Trace":  # X-Ray knows no resources
                continue
            for statement in policy["PolicyDocument"]["Statement"]:
                actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
                assert statement["Resource"] != "*", name
                assert {action for action in actions if action.endswith("*")} <= {"sqs:SendMessage*"}, name


def test_what_is_invoked_without_a_queue_is_not_retried_for_hours() -> None:
    """Lambda repeats an asynchronous invocation twice, and keeps one that it throttles for six hours, by default."""
    for name in ("sweep", "process"):
        assert FUNCTIONS[name]["maximumRetryAttempts"] == 0
        assert FUNCTIONS[name]["maximumEventAge"] <= 60


def test_receive_may_write_the_records_of_events_and_read_events_and_no_other() -> None:
    written = {pk_of(kind, "x").partition("#")[0] for kind in (Event, Task, Job)}
    policies = of_type("AWS::IAM::Role")["ReceiveRole"]["Policies"]
    (keep,) = [item for item in policies if item.get("PolicyName") == "KeepEvents"]
    writing, reading = keep["PolicyDocument"]["Statement"]
    assert service()["params"]["default"]["keyConditions"] == "on"
    for statement, kinds in ((writing, ("event", "task", "job")), (reading, ("event",))):
        name, bound, _ = statement["Condition"]["Fn::If"]
        assert name == "KeyConditions"
        assert bound == {
            "ForAllValues:StringLike": {"dynamodb:LeadingKeys": [f"{kind}#*" for kind in kinds]},
            "Null": {"dynamodb:LeadingKeys": "false"},
        }
    assert written == {"event", "task", "job"}
    assert (writing["Action"], reading["Action"]) == (
        ["dynamodb:PutItem", "dynamodb:ConditionCheckItem"],
        "dynamodb:GetItem",
    )


def granted(role: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every action of a role, with the statement that allows it; S3's tagging actions read, too."""
    for given in role["Policies"]:
        policy = given["Fn::If"][1] if "Fn::If" in given else given
        for statement in policy["PolicyDocument"]["Statement"]:
            actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            yield from ((action, statement) for action in actions)


@pytest.mark.parametrize("name", ["ProcessRole", "IntakeRole", "SweepRole", "ConsoleRole"])
def test_a_missing_object_is_told_apart_from_a_missing_permission(name: str) -> None:
    """Without s3:ListBucket S3 answers 403 where nothing is: a repeated notice would be a dead letter."""
    may = list(granted(of_type("AWS::IAM::Role")[name]))
    read = {
        item for action, statement in may if action.startswith("s3:Get") for item in referred(statement["Resource"])
    }
    listed = {
        item for action, statement in may if action == "s3:ListBucket" for item in referred(statement["Resource"])
    }
    assert read
    assert read <= listed


@pytest.mark.parametrize("name", FUNCTIONS)
def test_messages_stay_hidden_for_six_times_the_functions_timeout(name: str) -> None:
    timeout = param(FUNCTIONS[name]["timeout"])
    for event in FUNCTIONS[name].get("events", ()):
        if isinstance(event, dict) and "sqs" in event:
            (queue,) = referred(event["sqs"]["arn"])
            assert param(resources()[queue]["Properties"]["VisibilityTimeout"]) >= 6 * timeout
            assert event["sqs"]["functionResponseType"] == "ReportBatchItemFailures"


def test_every_queue_but_dead_letters_has_a_dead_letter_queue_after_five_attempts() -> None:
    queues = of_type("AWS::SQS::Queue")
    for name, queue in queues.items():
        if not name.endswith("DeadQueue"):
            assert referred(queue["RedrivePolicy"]) == {name.replace("Queue", "DeadQueue")}
            assert param(queue["RedrivePolicy"]["maxReceiveCount"]) >= 5
    assert all(queue["SqsManagedSseEnabled"] for queue in queues.values())


def test_every_bucket_is_private_versioned_encrypted_and_speaks_tls_only() -> None:
    tls = {bucket for policy in of_type("AWS::S3::BucketPolicy").values() for bucket in referred(policy["Bucket"])}
    buckets = of_type("AWS::S3::Bucket")
    assert tls == set(buckets)
    for bucket in buckets.values():
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
        assert bucket["VersioningConfiguration"]["Status"] == "Enabled"
        assert bucket["BucketEncryption"]
        assert bucket["LifecycleConfiguration"]["Rules"]


@pytest.mark.parametrize("bucket", ["InboxBucket", "SpoolBucket"])
def test_no_document_is_removed_for_its_age(bucket: str) -> None:
    """What waits in review for a year is needed all that time. What nobody needs is tagged, or deleted by the sweep."""
    rules = of_type("AWS::S3::Bucket")[bucket]["LifecycleConfiguration"]["Rules"]
    by_age = [rule for rule in rules if {"ExpirationInDays", "ExpirationDate"} & set(rule)]
    assert all(rule["TagFilters"] == [DONE] for rule in by_age)
    if bucket == "InboxBucket":  # a document is a version, and may have been overwritten since
        assert all("NoncurrentVersionExpiration" not in rule or "TagFilters" in rule for rule in rules)
        assert by_age


def test_the_sweep_may_forget_records_and_nobody_else() -> None:
    may = {name for name, role in of_type("AWS::IAM::Role").items() if "dynamodb:DeleteItem" in json.dumps(role)}
    assert may == {"SweepRole"}


def test_every_queue_speaks_tls_only() -> None:
    policies = of_type("AWS::SQS::QueuePolicy").values()
    tls = {
        queue
        for policy in policies
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Deny" and "aws:SecureTransport" in statement["Condition"].get("Bool", {})
        for queue in referred(statement["Resource"])
    }
    assert tls == set(of_type("AWS::SQS::Queue"))


def test_the_table_is_the_one_that_the_store_makes_elsewhere() -> None:
    from receiver.store.dynamodb.table import table_of

    (ours,) = of_type("AWS::DynamoDB::Table").values()
    theirs = table_of("name")
    assert ours["KeySchema"] == theirs["KeySchema"]
    assert ours["AttributeDefinitions"] == theirs["AttributeDefinitions"]
    assert ours["GlobalSecondaryIndexes"] == theirs["GlobalSecondaryIndexes"]
    assert ours["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert ours["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True


def test_what_is_zipped_is_what_is_deployed() -> None:
    zipped = tomllib.loads((ROOT / "infra" / "functions.toml").read_text())
    assert set(zipped) - {"all"} == set(FUNCTIONS)
    for name, function in FUNCTIONS.items():
        assert function["package"]["artifact"].endswith(f"/{name}.zip")
        assert (ROOT / "infra" / "locks" / f"{name}.txt").is_file()


def test_the_unit_gives_its_process_one_folder_to_write_in_and_nobody_else_a_look() -> None:
    text = (ROOT / "infra" / "mailroom.service").read_text()
    said = dict(line.split("=", 1) for line in text.splitlines() if re.match(r"[A-Z]\w+=", line))
    assert said["UMask"] == "0077"
    assert (said["StateDirectory"], said["StateDirectoryMode"]) == ("mailroom", "0700")
    assert (said["ProtectSystem"], said["ProtectHome"], said["DynamicUser"]) == ("strict", "yes", "yes")
    assert said["CapabilityBoundingSet"] == ""


def test_the_one_machine_ways_serve_the_same_command() -> None:
    unit, image = (ROOT / "infra" / "mailroom.service").read_text(), (ROOT / "infra" / "Dockerfile").read_text()
    assert "/mailroom serve" in unit
    assert '"mailroom", "serve"' in image
    variables = set(re.findall(r"MAILROOM_\w+", unit + image + (ROOT / "infra" / "compose.yml").read_text()))
    assert variables <= set(VARIABLES.values())
