"""Data that an earlier stack of the stage left behind: imported into the new stack, under the names that it has.

Source: CloudFormation User Guide, "Import AWS resources into a CloudFormation stack". The import template has what
identifies each resource (of the table all: a missing index would be created); the deployment after it sets the rest.
"""

import contextlib
import json
import uuid
from collections.abc import Iterator
from typing import Any

from receiver.aws.errors import code_of, is_absent
from scripts.deploying.stage import Clients, Stage

Template = dict[str, Any]
BUCKETS = {"InboxBucket": "inbox", "SpoolBucket": "spool", "MailBucket": "mail"}
TABLE = "StoreTable"
KEYS = {"AWS::S3::Bucket": "BucketName", "AWS::DynamoDB::Table": "TableName"}


def left_behind(client: Clients, stage: Stage) -> dict[str, str]:
    """Logical id -> name of the data that is there. To be asked where there is no stack."""
    found = {}
    with contextlib.suppress(client("dynamodb").exceptions.ResourceNotFoundException):
        client("dynamodb").describe_table(TableName=stage.table)
        found[TABLE] = stage.table
    return found | {
        logical: stage.bucket(which)
        for logical, which in BUCKETS.items()
        if _is_there(client("s3"), stage.bucket(which))
    }


def _is_there(client: Any, bucket: str) -> bool:
    from botocore.exceptions import ClientError

    try:
        client.head_bucket(Bucket=bucket)
    except ClientError as error:
        if is_absent(code_of(error)):
            return False
        raise
    return True


def import_template(found: dict[str, str], template: Template) -> Template:
    """The resources that are there, of the template that is about to be deployed."""
    return {"Resources": dict(_imported(found, template))}


def _imported(found: dict[str, str], template: Template) -> Iterator[tuple[str, Template]]:
    for logical, name in found.items():
        kind = template["Resources"][logical]["Type"]
        whole = template["Resources"][logical]["Properties"] if logical == TABLE else {}
        properties = {**whole, KEYS[kind]: name}
        policies = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
        yield logical, {"Type": kind, **policies, "Properties": properties}


def take_over(client: Clients, stage: Stage, found: dict[str, str], template: Template) -> None:
    """Makes the stack, of what is there alone. Repeatable: without a stack nothing has been imported yet."""
    cloudformation, name = client("cloudformation"), f"take-over-{uuid.uuid4().hex[:8]}"
    importing = import_template(found, template)
    cloudformation.create_change_set(
        StackName=stage.stack,
        ChangeSetName=name,
        ChangeSetType="IMPORT",
        TemplateBody=json.dumps(importing),
        ResourcesToImport=[
            {
                "ResourceType": item["Type"],
                "LogicalResourceId": logical,
                "ResourceIdentifier": {KEYS[item["Type"]]: found[logical]},
            }
            for logical, item in importing["Resources"].items()
        ],
    )
    cloudformation.get_waiter("change_set_create_complete").wait(StackName=stage.stack, ChangeSetName=name)
    cloudformation.execute_change_set(StackName=stage.stack, ChangeSetName=name)
    cloudformation.get_waiter("stack_import_complete").wait(StackName=stage.stack)
