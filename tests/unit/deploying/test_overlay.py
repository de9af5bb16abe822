"""What a deployment file adds: variables where they are needed, and exactly the rights that follow from the places."""

import json
import re
from fnmatch import fnmatchcase

from hypothesis import given
from hypothesis import strategies as st

from handlers.destinations.registry import destinations
from scripts.deploying.deployment_file import DeploymentSettings, parse_deployment
from scripts.deploying.outside import Place, outside, statements
from scripts.deploying.overlay import overlay
from scripts.deploying.stage import INSIDE, TAKEN, Stage, environment
from tests.infra import ROOT, service

STAGE = Stage("prod", "eu-central-1", "123456789012")
WHOLE = parse_deployment((ROOT / "infra" / "mailroom.deploy.example.yaml").read_text(encoding="utf-8"), "prod")
EMPTY = parse_deployment("", "prod")


def allowed(places: list[Place]) -> set[tuple[str, str]]:
    return {
        (action, resource)
        for item in statements(places, STAGE)
        for action in item["Action"]
        for resource in item["Resource"]
    }


def test_a_bucket_outside_may_be_written_below_its_prefix_and_asked_for_missing_keys() -> None:
    (put, read, listed) = (
        ("s3:PutObject", "arn:aws:s3:::acme/finance/*"),
        ("s3:GetObject", "arn:aws:s3:::acme/finance/*"),
        ("s3:ListBucket", "arn:aws:s3:::acme"),
    )
    found = allowed([Place("s3://acme/finance/{yyyy}/{filename}")])
    assert {put, read, listed} <= found
    assert not any(resource == "arn:aws:s3:::acme/*" for _, resource in found)


def test_a_key_of_ones_own_may_be_used() -> None:
    key = "arn:aws:kms:eu-central-1:123456789012:key/abc"
    assert ("kms:GenerateDataKey", key) in allowed([Place("s3://acme/", options={"kms_key": key})])


def test_a_destination_with_a_role_needs_to_assume_it_and_nothing_else() -> None:
    role = "arn:aws:iam::210987654321:role/partner"
    assert allowed([Place("s3://theirs/in/", options={"role": role})]) == {("sts:AssumeRole", role)}


def test_queues_topics_and_buses_are_named_by_their_account_and_region() -> None:
    assert allowed([Place("sqs://https://sqs.us-east-1.amazonaws.com/210987654321/theirs")]) == {
        (action, "arn:aws:sqs:us-east-1:210987654321:theirs") for action in ("sqs:SendMessage", "sqs:GetQueueUrl")
    }
    assert ("sqs:SendMessage", "arn:aws:sqs:eu-central-1:123456789012:mine") in allowed([Place("sqs://mine")])
    topic = "arn:aws:sns:eu-central-1:123456789012:oncall"
    assert allowed([Place(f"sns:{topic}")]) == {("sns:Publish", topic), ("sns:GetTopicAttributes", topic)}
    assert allowed([Place("sns://oncall")]) == allowed([Place(f"sns:{topic}")]) == allowed([Place(f"sns://{topic}")])
    bus = "arn:aws:events:eu-central-1:123456789012:event-bus/ops"
    assert {("events:PutEvents", bus), ("events:DescribeEventBus", bus)} <= allowed([Place("events:ops")])
    assert allowed([Place("events://ops")]) == allowed([Place("events:ops")])
    machine = "arn:aws:states:eu-central-1:123456789012:stateMachine:filing"
    assert ("states:StartExecution", machine) in allowed([Place("states://filing")])
    assert ("states:StartExecution", machine) in allowed([Place(f"states://{machine}:live")])


def test_every_destination_on_aws_has_rights_that_follow() -> None:
    without = {"folder", "http", "https"}
    schemes = set(destinations()) - without
    assert {scheme for scheme in schemes if not allowed([Place(f"{scheme}://name")])} == set()


def test_the_stacks_own_places_other_services_and_other_schemes_need_nothing() -> None:
    places = [
        Place("s3://mailroom-prod-mail-123456789012-eu-central-1/a/"),
        Place("sqs://mailroom-prod-routed"),
        Place("sns:arn:aws:sns:eu-central-1:123456789012:mailroom-prod-alerts"),
        Place("s3://there/", options={"endpoint": "https://minio.example.com"}),
        Place("https://example.com/hook"),
        Place("folder:///out/"),
    ]
    assert outside(places, STAGE) == []


NAMES = st.text("abcdefghij0123456789", min_size=3, max_size=20)
PATHS = st.lists(st.sampled_from(["finance", "{type}", "{yyyy}", "x{mm}", "{filename}"]), max_size=4)


@given(NAMES, PATHS, st.booleans())
def test_every_key_that_a_target_can_make_may_be_written_and_no_other_bucket(
    bucket: str, parts: list[str], slash: bool
) -> None:
    url = f"s3://{bucket}/{'/'.join(parts)}" + "/" * slash
    filled = url.replace("{type}", "invoice").replace("{yyyy}", "2026").replace("{mm}", "11")
    key = filled.replace("{filename}", "a.pdf").removeprefix(f"s3://{bucket}/")
    key += "a.pdf" if not key or key.endswith("/") else ""
    may = [resource for action, resource in allowed([Place(url)]) if action == "s3:PutObject"]
    assert any(fnmatchcase(f"arn:aws:s3:::{bucket}/{key}.mailroom.json", item) for item in may)
    assert all(item.startswith(f"arn:aws:s3:::{bucket}/") for item in may)


KEY = "arn:aws:kms:eu-central-1:123456789012:key/4f9e"
CONSOLE_READS = ("OutsideDocumentsPolicy", "OutsideInboxConsolePolicy")


def test_a_file_that_says_nothing_adds_nothing() -> None:
    assert overlay(STAGE, EMPTY, []) == {
        "functions": {name: {} for name in INSIDE},
        "resources": {"Resources": {}, "Outputs": {}},
    }


def test_variables_and_pointers_reach_every_function_but_the_one_on_the_internet() -> None:
    added = overlay(STAGE, WHOLE, [])["functions"]
    for name in INSIDE:
        assert added[name]["environment"] == {
            "MAILROOM_LOG_LEVEL": "info",
            "FINANCE_BUCKET": "acme-finance",
            "SLACK_WEBHOOK_URL": "secretsmanager:mailroom/prod/inside#SLACK_WEBHOOK_URL",
            "PAGERDUTY_KEY": "secretsmanager:acme/pagerduty#routing_key",
            "MAILROOM_APP": "acme.app:build",
        }
    assert set(added["receive"]) == {"vpc"}


def test_secrets_elsewhere_may_be_read_by_name_alone() -> None:
    policy = overlay(STAGE, WHOLE, [])["resources"]["Resources"]["OutsideSecretsPolicy"]["Properties"]
    assert {role["Ref"] for role in policy["Roles"]} == {"ProcessRole", "IntakeRole", "SweepRole", "ConsoleRole"}
    assert policy["PolicyDocument"]["Statement"] == [
        {
            "Effect": "Allow",
            "Action": ["secretsmanager:GetSecretValue"],
            "Resource": ["arn:aws:secretsmanager:eu-central-1:123456789012:secret:acme/pagerduty-??????"],
        },
        {
            "Effect": "Allow",
            "Action": ["ssm:GetParameter"],
            "Resource": ["arn:aws:ssm:eu-central-1:123456789012:parameter/acme/mailroom-heartbeat"],
        },
    ]


def test_a_second_address_is_told_too() -> None:
    added = overlay(STAGE, WHOLE, [])["resources"]["Resources"]
    assert added["AlertsByEmail2"]["Properties"]["Endpoint"] == "manager@example.com"
    assert WHOLE.parameters("eu-central-1")["alertEmail"] == "desk@example.com"


def test_documents_are_taken_from_a_bucket_outside_below_its_prefix() -> None:
    added = overlay(STAGE, WHOLE, [])["resources"]["Resources"]
    said = json.dumps(added["OutsideInboxIntakePolicy"])
    assert '"arn:aws:s3:::acme-scans/in/*"' in said
    assert "s3:DeleteObjectVersion" not in said


def test_the_operator_reads_what_was_delivered_or_taken_outside_and_writes_nothing_there() -> None:
    places = [Place("s3://acme/in/", options={"kms_key": KEY}), Place("sqs://acme")]
    added = overlay(STAGE, WHOLE, places)["resources"]["Resources"]
    policies = [item["Properties"] for name, item in added.items() if name in CONSOLE_READS]
    assert len(policies) == len(CONSOLE_READS)
    assert all(policy["Roles"] == [{"Ref": "ConsoleRole"}] for policy in policies)
    may = {action for policy in policies for item in policy["PolicyDocument"]["Statement"] for action in item["Action"]}
    assert may == {
        "s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket", "s3:ListBucketVersions", "kms:Decrypt",
    }  # fmt: skip


def test_a_bucket_of_another_partition_is_named_by_its_arn_there() -> None:
    settings = parse_deployment("inbox_buckets: [acme-scans/in/]", "prod")
    assert settings.parameters("cn-north-1")["inboxArns"] == ",arn:aws-cn:s3:::acme-scans"
    assert settings.parameters("eu-central-1")["inboxArns"] == ",arn:aws:s3:::acme-scans"


def test_what_is_checked_is_what_the_functions_find() -> None:
    """Stand-ins of the check, variable by variable, are those that serverless.yml sets."""
    given = service()["provider"]["environment"]
    inside = given | service()["functions"]["console"]["environment"]
    checked = environment(STAGE, EMPTY, EMPTY.parameters(STAGE.region), dict.fromkeys(TAKEN, "x"))
    assert set(inside) == set(checked) - {"MAILROOM_APP", "PROCESS_FUNCTION"}


def test_a_heartbeat_in_the_stages_secret_replaces_the_parameter() -> None:
    settings: DeploymentSettings = parse_deployment("secrets: {MAILROOM_HEARTBEAT_URL: stage}", "prod")
    found = environment(STAGE, settings, {}, {"MAILROOM_HEARTBEAT_URL": "https://watch.example.com/x"})
    assert found["MAILROOM_HEARTBEAT_URL"] == "https://watch.example.com/x"


def test_the_sweep_may_write_the_archive_of_records_wherever_it_is_and_process_may_not() -> None:
    own = "s3://mailroom-prod-mail-123456789012-eu-central-1/records/"
    for url in (own, "s3://acme-archive/records/"):
        places = outside([Place(url, used_by="sweep"), Place("s3://acme/in/")], STAGE)
        made = overlay(STAGE, EMPTY, places)["resources"]["Resources"]
        archiving, other = made["OutsideArchivePolicy"]["Properties"], made["OutsidePlacesPolicy"]["Properties"]
        assert archiving["Roles"] == [{"Ref": "SweepRole"}]
        keys = f"arn:aws:s3:::{url.removeprefix('s3://')}*"
        assert ("s3:PutObject", keys) in {
            (action, resource)
            for item in archiving["PolicyDocument"]["Statement"]
            for action in item["Action"]
            for resource in item["Resource"]
        }
        assert keys not in json.dumps(other)


def test_every_arn_is_of_the_regions_partition() -> None:
    china = Stage("prod", "cn-north-1", "123456789012")
    text = "inbox_buckets: [acme-in]\nsecrets: {A: 'secretsmanager:acme#A', B: 'ssm:/b'}\n"
    text += "vpc: {subnets: [subnet-0a], security_groups: [sg-0a]}\n"
    places = [Place(url) for url in ("s3://acme/in/", "sqs://acme", "sns://acme", "events://acme", "states://acme")]
    made = json.dumps(overlay(china, parse_deployment(text, "prod"), places))
    assert set(re.findall(r"arn:([a-z-]+):", made)) == {"aws-cn"}
    assert {name.split(":")[1] for name in (china.topic("alerts"),)} == {"aws-cn"}
    assert environment(china, EMPTY, {}, {})["MAILROOM_PUBLIC_URL"].endswith(".cn-north-1.amazonaws.com.cn")


def test_a_domain_leads_to_the_address_that_llamacloud_calls() -> None:
    domain = "domain: {name: mail.example.com, certificate: 'arn:aws:acm:eu-central-1:123456789012:certificate/a'}\n"
    for more, api in (("", "HttpApi"), ("webhook_queue: true\n", "WebhookApi")):
        made = overlay(STAGE, parse_deployment(domain + more, "prod"), [])["resources"]["Resources"]
        mapping = made["PublicDomainMapping"]["Properties"]
        assert (mapping["ApiId"], mapping["Stage"]) == ({"Ref": api}, {"Ref": f"{api}Stage"})
