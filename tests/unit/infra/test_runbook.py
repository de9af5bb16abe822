"""docs/runbook-aws.md names every alarm, and whoever deploys may do no more than that."""

import json
import re

import pytest

from tests.infra import ROOT, of_type

PAGE = (ROOT / "docs" / "runbook-aws.md").read_text(encoding="utf-8")
POLICY = json.loads((ROOT / "infra" / "deploy-policy.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("alarm", sorted(of_type("AWS::CloudWatch::Alarm")))
def test_every_alarm_says_what_to_do(alarm: str) -> None:
    (row,) = [line for line in PAGE.splitlines() if line.startswith("|") and f"`{alarm}`" in line.split("|")[1]]
    assert all(len(cell.strip()) > 10 for cell in row.split("|")[2:4])


def test_whoever_deploys_can_touch_nothing_that_is_not_named_mailroom() -> None:
    looking = re.compile(r"(Describe|List|Get|Validate)\w*$")
    for statement in POLICY["Statement"]:
        actions = [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
        resources = [statement["Resource"]] if isinstance(statement["Resource"], str) else statement["Resource"]
        named = all("mailroom" in resource for resource in resources)
        bound = "mailroom" in json.dumps(statement.get("Condition", {}))
        # Their ids are made up by AWS, and CloudWatch has one policy for all logs.
        unnamed = statement["Sid"] in ("Apis", "EventSourcesThere", "Subscriptions", "LogsOfApis")
        assert named or bound or unnamed or all(looking.match(item.split(":")[1]) for item in actions), statement["Sid"]


def test_roles_that_are_made_can_be_given_to_functions_and_apis_alone() -> None:
    (passing,) = [item for item in POLICY["Statement"] if "iam:PassRole" in item["Action"]]
    services = ["lambda.amazonaws.com", "apigateway.amazonaws.com"]
    assert passing["Condition"] == {"StringEquals": {"iam:PassedToService": services}}


def test_the_policy_fits_into_a_role() -> None:
    """Source: IAM quotas, inline policies of a role."""
    assert len(json.dumps(POLICY, separators=(",", ":"))) < 10_240
