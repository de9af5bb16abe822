"""scripts/deploy says who would hear of alerts, and who does; and takes the shadow table along."""

import importlib.util
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any

import pytest

from scripts.deploying.deploy import heard_by
from scripts.deploying.preflight import watcher_findings
from tests.infra import ROOT


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, ["nobody will hear of alerts", "CloudWatch console alone"]),
        ({"alertEmail": ""}, ["nobody will hear of alerts", "CloudWatch console alone"]),
        ({"alertEmail": "a@b.test"}, ["CloudWatch console alone"]),
        ({"alertEmail": "a@b.test", "watchEmail": "a@b.test"}, ["who does not read the one"]),
        ({"alertEmail": "a@b.test", "watchEmail": "c@d.test"}, []),
    ],
)
def test_a_deploy_without_an_address_warns(given: dict[str, str], said: list[str]) -> None:
    warnings = list(watcher_findings(given))
    assert {item.severity for item in warnings} <= {"warning"}
    assert all(text in item.what for text, item in zip(said, warnings, strict=True))


class Sns:
    def __init__(self, **attributes: str) -> None:
        self._attributes = attributes

    def get_topic_attributes(self, TopicArn: str) -> dict[str, Any]:  # noqa: N803  boto3's own names
        assert TopicArn == "arn:aws:sns:eu-central-1:1:mailroom-dev-alerts"
        return {"Attributes": self._attributes}


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"SubscriptionsConfirmed": "2", "SubscriptionsPending": "1"}, "2 confirmed"),
        ({"SubscriptionsConfirmed": "0", "SubscriptionsPending": "1"}, "NOBODY yet: 1 to be confirmed"),
        ({}, "NOBODY"),
    ],
)
def test_it_says_who_hears_a_topic(attributes: dict[str, str], said: str) -> None:
    assert heard_by(Sns(**attributes), "arn:aws:sns:eu-central-1:1:mailroom-dev-alerts").startswith(said)


def test_a_shadow_table_lies_in_the_zips_of_the_functions_that_decide(tmp_path: Path) -> None:
    loader = SourceFileLoader("package", str(ROOT / "scripts" / "package"))
    spec = importlib.util.spec_from_loader("package", loader)
    assert spec
    package = importlib.util.module_from_spec(spec)
    loader.exec_module(package)
    table, shadow = ROOT / "infra" / "mailroom.yaml", tmp_path / "next.yaml"
    shadow.write_text("the shadow table")
    for name, function in package.specs().items():
        if name == "all":
            continue
        tree = tmp_path / name
        tree.mkdir()
        package.copy_tables(tree, function, table, shadow)
        there = (tree / "shadow.yaml").exists()
        assert there == (tree / "mailroom.yaml").exists() == (name != "receive")
