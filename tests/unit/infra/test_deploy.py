"""scripts/deploy says who would hear of alerts, and who does."""

import importlib.util
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
