"""docs/reference-config.md is held against the code: its file loads, and it leaves no key and no alert out."""

import re
from pathlib import Path
from typing import Any

from receiver.config import parse
from receiver.config.build import schema
from receiver.core.alert import KINDS
from receiver.core.plan import Target

PAGE = (Path(__file__).parents[3] / "docs" / "reference-config.md").read_text()


def test_the_file_to_start_from_loads_and_is_sound() -> None:
    text, _ = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    config = parse(text, {"SLACK_WEBHOOK_URL": "https://hooks.example/x"})
    assert config.check(schemes={"s3", "sqs"}, faults=lambda _: []) == []
    assert config.table.routes[1].to[1] == Target(url="sqs://invoices.fifo", options={"group": "type"})


def test_the_rows_with_conditions_that_the_page_shows_are_sound() -> None:
    whole, rows = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    config = parse(
        whole[: whole.index("routes:")] + rows + whole[whole.index("no_match:") :], {"SLACK_WEBHOOK_URL": "x"}
    )
    assert config.check(schemes={"s3", "sqs"}, faults=lambda _: []) == []
    assert [route.name for route in config.table.routes] == ["archive", "invoice", "large", "any"]


def keys(node: Any) -> set[str]:
    """Every key that the schema knows, at any depth."""
    if isinstance(node, list):
        return {key for each in node for key in keys(each)}
    if not isinstance(node, dict):
        return set()
    own = set(node["properties"]) if isinstance(node.get("properties"), dict) else set()
    return own | {key for each in node.values() for key in keys(each)}


def test_every_key_is_explained() -> None:
    quoted = "\n".join(re.findall(r"`([^`\n]+)`", PAGE) + re.findall(r"^## (\w+)$", PAGE, re.MULTILINE))
    assert sorted(key for key in keys(schema()) if not re.search(rf"\b{key}\b", quoted)) == []


def test_every_kind_of_alert_is_explained_in_the_words_of_the_code() -> None:
    listed = dict(re.findall(r"^\| `(\w+\.\w+)` \| (.+) \|$", PAGE, re.MULTILINE))
    assert {kind: listed.get(kind) for kind in KINDS} == KINDS


def test_the_faults_that_the_page_shows_are_those_that_are_told() -> None:
    from tests.unit.config.config_files import refusal, spoilt

    assert refusal(spoilt("0.8", "80"))[0] in PAGE
    assert refusal(spoilt("failed: {to: [s3://mail/failed/]}\n", ""))[0] in PAGE
