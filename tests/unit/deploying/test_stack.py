"""The stack is read whole, and waited for."""

import boto3
import pytest
from botocore.stub import Stubber

from receiver.core.errors import Misconfigured
from scripts.deploying.stack import settled_state, stack_resources
from scripts.deploying.stage import Stage

STAGE = Stage("dev", "eu-central-1", "123456789012")
KEYS = {"aws_access_key_id": "x", "aws_secret_access_key": "x", "region_name": "eu-central-1"}


def summary(number: int, status: str = "CREATE_COMPLETE") -> dict[str, str]:
    return {
        "LogicalResourceId": f"R{number}",
        "PhysicalResourceId": f"r-{number}",
        "ResourceType": "AWS::SQS::Queue",
        "ResourceStatus": status,
        "LastUpdatedTimestamp": "2026-11-26T00:00:00Z",
    }


def test_more_than_a_hundred_resources_are_listed() -> None:
    client = boto3.client("cloudformation", **KEYS)
    with Stubber(client) as stub:
        pages = [[summary(number) for number in range(100)], [summary(100), summary(101, "DELETE_COMPLETE")]]
        stub.add_response("list_stack_resources", {"StackResourceSummaries": pages[0], "NextToken": "more"})
        stub.add_response("list_stack_resources", {"StackResourceSummaries": pages[1]})
        found = stack_resources(client, STAGE.stack)
        stub.assert_no_pending_responses()
    assert [item.physical_id for item in found] == [f"r-{number}" for number in range(101)]


class Stacks:
    """CloudFormation, as far as a stack's status goes."""

    class exceptions:  # noqa: N801  boto3's own name
        class ClientError(Exception):
            pass

    def __init__(self, *statuses: str) -> None:
        self._statuses = list(statuses)

    def describe_stacks(self, StackName: str) -> dict[str, list[dict[str, str]]]:  # noqa: N803  boto3's own names
        assert StackName == STAGE.stack
        status = self._statuses.pop(0) if len(self._statuses) > 1 else self._statuses[0]
        if not status:
            raise self.exceptions.ClientError(f"Stack with id {StackName} does not exist")
        return {"Stacks": [{"StackStatus": status}]}


def test_a_deployment_that_was_interrupted_is_waited_for() -> None:
    slept: list[float] = []
    stacks = Stacks("UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE")
    assert settled_state(stacks, STAGE, sleep=slept.append) == "UPDATE_COMPLETE"
    assert len(slept) == 2


def test_one_that_never_ends_is_said() -> None:
    with pytest.raises(Misconfigured, match="is still UPDATE_IN_PROGRESS"):
        settled_state(Stacks("UPDATE_IN_PROGRESS"), STAGE, sleep=lambda _: None)


@pytest.mark.parametrize("status", ["", "REVIEW_IN_PROGRESS", "DELETE_COMPLETE"])
def test_a_stack_that_is_not_there_is_none(status: str) -> None:
    assert settled_state(Stacks(status), STAGE, sleep=lambda _: None) == ""
