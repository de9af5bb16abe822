"""scripts/deploy says who would hear of alerts, and who does; and takes the shadow table along."""

import importlib.util
from argparse import Namespace
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.infra import ROOT


@pytest.fixture(scope="module")
def deploy() -> ModuleType:
    spec = importlib.util.spec_from_file_location("deploy", ROOT / "scripts" / "deploying" / "deploy.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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
def test_a_deploy_without_an_address_warns(given: dict[str, str], said: list[str], deploy: ModuleType) -> None:
    warnings = deploy.warnings(given)
    assert len(warnings) == len(said)
    assert all(text in warning for text, warning in zip(said, warnings, strict=True))


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
def test_it_says_who_hears_a_topic(attributes: dict[str, str], said: str, deploy: ModuleType) -> None:
    assert deploy.heard_by(Sns(**attributes), "arn:aws:sns:eu-central-1:1:mailroom-dev-alerts").startswith(said)


def test_a_shadow_table_is_named_to_the_functions_where_one_is_packaged(deploy: ModuleType) -> None:
    given = ["python=3.13", "data=Retain"]
    assert deploy.params(Namespace(param=given, shadow=None)) == {"python": "3.13", "data": "Retain"}
    with_one = deploy.params(Namespace(param=given, shadow=Path("next.yaml")))
    assert with_one == {"python": "3.13", "data": "Retain", "shadow": "shadow.yaml"}


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
