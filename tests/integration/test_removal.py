"""Taking a stage down, in a local AWS: functions stop first, retained data stays, and it can be run again."""

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from handlers.demo.local_aws import LocalAws
from receiver.core.errors import Misconfigured
from scripts.deploying.removal import remove_stage, start_functions
from scripts.deploying.stack import stack_resources
from scripts.deploying.stage import Stage

pytestmark = pytest.mark.aws
STAGE = Stage("life", "us-east-1", "000000000000")
KEY_SCHEMA = [{"AttributeName": "pk", "KeyType": "HASH"}]


def template(*, protected: bool) -> dict[str, Any]:
    def bucket(name: str, policy: str) -> dict[str, Any]:
        properties = {"BucketName": name, "VersioningConfiguration": {"Status": "Enabled"}}
        return {"Type": "AWS::S3::Bucket", "DeletionPolicy": policy, "Properties": properties}

    table = {
        "TableName": "mailroom-life",
        "BillingMode": "PAY_PER_REQUEST",
        "DeletionProtectionEnabled": protected,
        "KeySchema": KEY_SCHEMA,
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
    }
    function = {
        "FunctionName": "mailroom-life-process",
        "Runtime": "python3.13",
        "Handler": "index.handler",
        "Role": "arn:aws:iam::000000000000:role/any",
        "Code": {"ZipFile": "def handler(event, context):\n    return {}\n"},
    }
    return {
        "Resources": {
            "MailBucket": bucket("life-mail", "Delete"),
            "InboxBucket": bucket("life-inbox", "Retain"),
            "StoreTable": {"Type": "AWS::DynamoDB::Table", "DeletionPolicy": "Delete", "Properties": table},
            "ProcessLambdaFunction": {"Type": "AWS::Lambda::Function", "Properties": function},
        }
    }


@pytest.fixture
def aws(local_aws: LocalAws) -> Iterator[LocalAws]:
    yield local_aws
    delete_stack(local_aws)
    local_aws.client("s3").delete_bucket(Bucket="life-inbox")


def make(aws: LocalAws, *, protected: bool = False) -> None:
    cloudformation, s3 = aws.client("cloudformation"), aws.client("s3")
    cloudformation.create_stack(StackName=STAGE.stack, TemplateBody=json.dumps(template(protected=protected)))
    cloudformation.get_waiter("stack_create_complete").wait(StackName=STAGE.stack, WaiterConfig={"Delay": 1})
    for bucket in ("life-mail", "life-inbox"):
        for body in (b"one", b"two"):
            s3.put_object(Bucket=bucket, Key="a", Body=body)


def delete_stack(aws: LocalAws) -> None:
    cloudformation = aws.client("cloudformation")
    cloudformation.delete_stack(StackName=STAGE.stack)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=STAGE.stack, WaiterConfig={"Delay": 1})


def empty(aws: LocalAws, bucket: str) -> None:
    for page in aws.client("s3").get_paginator("list_object_versions").paginate(Bucket=bucket):
        for item in [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]:
            aws.client("s3").delete_object(Bucket=bucket, Key=item["Key"], VersionId=item["VersionId"])


def test_functions_stop_first_retained_data_stays_and_late_objects_do_not_matter(aws: LocalAws) -> None:
    make(aws)
    calls: list[int] = []

    def take_down() -> None:
        stopped = aws.client("lambda").get_function_concurrency(FunctionName="mailroom-life-process")
        calls.append(stopped["ReservedConcurrentExecutions"])
        assert aws.objects("life-mail") == []
        if len(calls) == 1:  # an invocation that was under way writes after its bucket was emptied
            aws.client("s3").put_object(Bucket="life-mail", Key="late", Body=b"x")
            raise subprocess.CalledProcessError(1, "osls")
        delete_stack(aws)

    said = remove_stage(aws.client, STAGE, take_down, with_documents=True)
    assert calls == [0, 0]
    assert said[:2] == ["mailroom-life is gone", "kept: the bucket life-inbox"]
    assert "the next scripts/deploy takes all of it over again" in said[-1]
    versions = aws.client("s3").list_object_versions(Bucket="life-inbox")["Versions"]
    assert [item["Key"] for item in versions] == ["a", "a"]
    again = remove_stage(aws.client, STAGE, take_down, with_documents=True)
    assert again[0] == "there is no stack mailroom-life"
    assert len(calls) == 2
    empty(aws, "life-inbox")


@pytest.mark.parametrize(
    ("protected", "flag", "said"), [(False, False, "deletes every document"), (True, True, "protected")]
)
def test_what_nobody_meant_to_lose_is_not_touched(aws: LocalAws, protected: bool, flag: bool, said: str) -> None:
    make(aws, protected=protected)
    with pytest.raises(Misconfigured, match=said):
        remove_stage(aws.client, STAGE, lambda: pytest.fail("nothing is to be taken down"), with_documents=flag)
    assert aws.objects("life-mail") == ["a"]
    function = aws.client("lambda").get_function_concurrency(FunctionName="mailroom-life-process")
    assert "ReservedConcurrentExecutions" not in function
    aws.client("dynamodb").update_table(TableName="mailroom-life", DeletionProtectionEnabled=False)
    for bucket in ("life-mail", "life-inbox"):
        empty(aws, bucket)


def test_a_removal_that_was_interrupted_leaves_no_function_stopped_after_the_next_deployment(aws: LocalAws) -> None:
    make(aws)

    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        remove_stage(aws.client, STAGE, interrupted, with_documents=True)
    start_functions(aws.client("lambda"), stack_resources(aws.client("cloudformation"), STAGE.stack))
    function = aws.client("lambda").get_function_concurrency(FunctionName="mailroom-life-process")
    assert "ReservedConcurrentExecutions" not in function
    empty(aws, "life-inbox")
