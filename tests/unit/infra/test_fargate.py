"""The module for ECS on Fargate, and the compose files: parsed, since no registry here has Terraform or its providers.

What a parser can tell is held: names that are declared and used, the table, the rights, and what a container may do.
"""

import re
from itertools import chain
from typing import Any

import pytest
import yaml
from hcl2.api import loads

from receiver.core import timers
from receiver.settings import VARIABLES
from receiver.store.dynamodb.table import table_of
from tests.infra import ROOT

FOLDER = ROOT / "infra" / "fargate"
TEXTS = {path.name: path.read_text() for path in FOLDER.glob("*.tf")}
PARSED: list[dict[str, Any]] = [loads(text) for text in TEXTS.values()]
COMPOSE = ("compose.yml", "compose.aws.yml")


def blocks(kind: str) -> dict[str, Any]:
    """``type.name`` (or the name alone) -> what a block of this kind says."""
    found: dict[str, Any] = {}
    for block in chain.from_iterable(item.get(kind, []) for item in PARSED):
        for first, inside in block.items():
            if kind in ("variable", "output"):
                found[first] = inside
            else:
                found |= {f"{first}.{name}": said for name, said in inside.items()}
    return found


RESOURCES, DATA = blocks("resource"), blocks("data")
(LOCALS,) = chain.from_iterable(item.get("locals", []) for item in PARSED)


def test_every_variable_is_declared_and_used() -> None:
    used = set(re.findall(r"\bvar\.(\w+)", "".join(TEXTS.values())))
    assert used == set(blocks("variable"))


def test_every_reference_leads_to_a_resource() -> None:
    text = "".join(TEXTS.values())
    data = {f"{kind}.{name}" for kind, name in re.findall(r"\bdata\.(aws_\w+)\.(\w+)", text)}
    assert data == set(DATA)
    named = {f"{kind}.{name}" for kind, name in re.findall(r"(?<![\w.\"])(aws_\w+)\.(\w+)", text)}
    assert named - set(RESOURCES) == set()
    assert set(re.findall(r"\blocal\.(\w+)", text)) == set(LOCALS)


def test_the_table_is_the_one_that_the_store_expects() -> None:
    there, wanted = RESOURCES["aws_dynamodb_table.store"], table_of("any")
    assert there["hash_key"] == wanted["KeySchema"][0]["AttributeName"]
    assert [(item["name"], item["type"]) for item in there["attribute"]] == [
        (item["AttributeName"], item["AttributeType"]) for item in wanted["AttributeDefinitions"]
    ]
    assert [
        (item["name"], item["hash_key"], item["range_key"], item["projection_type"])
        for item in there["global_secondary_index"]
    ] == [
        (item["IndexName"], *(key["AttributeName"] for key in item["KeySchema"]), item["Projection"]["ProjectionType"])
        for item in wanted["GlobalSecondaryIndexes"]
    ]
    assert there["ttl"][0] == {"attribute_name": "expires_at", "enabled": True}


def test_the_queue_hides_a_message_for_longer_than_a_lease_and_has_dead_letters() -> None:
    queue = RESOURCES["aws_sqs_queue.tasks"]
    assert queue["visibility_timeout_seconds"] > timers.visibility(timers.LEASE)
    assert '"maxReceiveCount": 5' in queue["redrive_policy"]
    assert "aws_sqs_queue.dead.arn" in queue["redrive_policy"]


def test_a_role_may_do_what_the_page_says_and_nothing_else() -> None:
    page = (ROOT / "docs" / "deploy-aws.md").read_text().partition("A receiver needs")[2].partition("## ")[0]
    receivers, _, workers = page.partition("A worker needs")
    services = {"UpdateItem": "dynamodb", "ConditionCheckItem": "dynamodb", "GetItem": "dynamodb"}

    def named(text: str) -> set[str]:
        said = re.findall(r"`(?:(\w+):)?([A-Z]\w+)`", text)
        return {f"{service or services[action]}:{action}" for service, action in said}

    def actions(name: str) -> set[str]:
        return {action for item in DATA[f"aws_iam_policy_document.{name}"]["statement"] for action in item["actions"]}

    assert actions("receiver") <= named(receivers)
    assert actions("worker") - {"s3:AbortMultipartUpload"} <= named(receivers) | named(workers)
    assert named(workers) <= actions("worker")
    everything = [
        item for name in ("receiver", "worker") for item in DATA[f"aws_iam_policy_document.{name}"]["statement"]
    ]
    assert all("*" not in resource.partition(".arn")[0] for item in everything for resource in item["resources"])


@pytest.mark.parametrize(
    ("given", "resource"),
    [
        ("secretsmanager:eu-central-1:123456789012:secret:mailroom/door-AbCdEf:KEY::", "mailroom/door-AbCdEf"),
        ("secretsmanager:eu-central-1:123456789012:secret:a-AbCdEf:::v1", "a-AbCdEf"),
        ("secretsmanager:eu-central-1:123456789012:secret:a-AbCdEf", "a-AbCdEf"),
        ("ssm:eu-central-1:123456789012:parameter/secret/a", "parameter/secret/a"),
    ],
)
def test_a_secret_with_a_json_key_is_allowed_by_its_arn(given: str, resource: str) -> None:
    (reading,) = DATA["aws_iam_policy_document.secrets"]["statement"]
    (pattern,) = re.findall(
        r'for arn in values\(var\.secrets\) : replace\(arn, "/(.+)/", "\$1"\)', reading["resources"]
    )
    allowed = re.sub(pattern, r"\1", f"arn:aws:{given}")
    assert f"arn:aws:{given}".startswith(allowed)
    assert allowed.rpartition(":")[2] == resource


def test_its_containers_write_nothing_and_are_nobody() -> None:
    container = LOCALS["container"]
    assert container["readonlyRootFilesystem"] is True
    assert container["user"] == "10001"
    assert container["linuxParameters"]["capabilities"]["drop"] == ["ALL"]
    assert container["stopTimeout"] > timers.STOP
    for name in ("receiver", "worker"):
        assert "local.container" in RESOURCES[f"aws_ecs_task_definition.{name}"]["container_definitions"]
    assert "/livez" in RESOURCES["aws_ecs_task_definition.receiver"]["container_definitions"]


@pytest.mark.parametrize("file", COMPOSE)
def test_the_containers_of_compose_write_nothing_either(file: str) -> None:
    for name, service in yaml.safe_load((ROOT / "infra" / file).read_text())["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert all(str(port).startswith("127.0.0.1:") for port in service.get("ports", []))


def test_the_image_is_nobodys_and_says_whether_it_is_well() -> None:
    image = (ROOT / "infra" / "Dockerfile").read_text()
    assert re.findall(r"^USER (\w+)$", image, re.MULTILINE) == ["mailroom"]
    assert "HEALTHCHECK" in image
    assert "python:3.13-slim" in image.rpartition("FROM")[2]
    assert '"/tmp"' in image, "ECS gives a volume the rights that the image has there"


@pytest.mark.parametrize("file", ["fargate/services.tf", "compose.aws.yml"])
def test_every_setting_exists(file: str) -> None:
    named = set(re.findall(r"\b(?:MAILROOM|LLAMA)_\w+", (ROOT / "infra" / file).read_text()))
    assert named - set(VARIABLES.values()) == set()


def test_the_local_aws_of_compose_is_the_one_of_the_tests() -> None:
    pinned = re.findall(r"ministack==[\d.]+", (ROOT / "pyproject.toml").read_text())
    assert re.findall(r"ministack==[\d.]+", (ROOT / "infra" / "compose.aws.yml").read_text()) == pinned
