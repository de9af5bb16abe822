"""Takes a stage down: functions first, so that nothing is written any more; then what is not retained.

What the deployed template retains (`retention: {data: Retain}`) stays with every version of every object, and so do the
secrets; the next deployment takes it over again (retained_data.py). It can be interrupted and run again at any point.
"""

import contextlib
import subprocess
from collections.abc import Callable
from typing import Any

from receiver.core.errors import Misconfigured
from scripts.deploying.stack import StackResource, deployed_template, settled_state, stack_resources
from scripts.deploying.stage import KEPT, Clients, Stage

ATTEMPTS = 3
"""What still ran when the functions were stopped may write an object after its bucket was emptied."""
DATA = {"AWS::S3::Bucket": "bucket", "AWS::DynamoDB::Table": "table"}


def remove_stage(client: Clients, stage: Stage, take_down: Callable[[], None], *, with_documents: bool) -> list[str]:
    """What was done, in words; ``take_down`` deletes the stack. Raises Misconfigured for what would delete too much."""
    cloudformation = client("cloudformation")
    said = []
    kept: list[StackResource] = []
    if settled_state(cloudformation, stage):
        found = stack_resources(cloudformation, stage.stack)
        kept = retained(deployed_template(cloudformation, stage.stack), found)
        lost = [item for item in found if item.kind in DATA and item not in kept]
        refuse_loss(client, lost, with_documents=with_documents)
        stop_functions(client("lambda"), found)
        _taken_down(client, lost, take_down)
        said = [f"{stage.stack} is gone", *(f"kept: the {DATA[item.kind]} {item.physical_id}" for item in kept)]
    if kept:
        return [*said, "kept: the stage's secrets; the next scripts/deploy takes all of it over again"]
    return [*(said or [f"there is no stack {stage.stack}"]), *_without_secrets(client("secretsmanager"), stage)]


def retained(template: dict[str, Any], found: list[StackResource]) -> list[StackResource]:
    """The data that deleting the stack leaves alone."""
    policies = {name: item.get("DeletionPolicy") for name, item in template["Resources"].items()}
    return [item for item in found if item.kind in DATA and policies.get(item.logical_id) == "Retain"]


def refuse_loss(client: Clients, lost: list[StackResource], *, with_documents: bool) -> None:
    """Raises Misconfigured before documents or records are lost that nobody meant to lose."""
    names = ", ".join(item.physical_id for item in lost)
    if lost and not with_documents:
        raise Misconfigured(
            f"this deletes every document and record of the stage: {names}",
            fix="if that is meant: --with-all-documents. To keep them: deploy with retention: {data: Retain} first",
        )
    for item in lost:
        if item.kind == "AWS::DynamoDB::Table" and _protected(client("dynamodb"), item.physical_id):
            raise Misconfigured(
                f"the table {item.physical_id} is protected from deletion",
                fix="deploy with retention: {deletion_protection: false} first",
            )


def _protected(client: Any, table: str) -> bool:
    with contextlib.suppress(client.exceptions.ResourceNotFoundException):
        return bool(client.describe_table(TableName=table)["Table"].get("DeletionProtectionEnabled"))
    return False


def stop_functions(client: Any, found: list[StackResource]) -> None:
    """No function begins any more: a reserved concurrency of none is how Lambda spells that."""
    for item in found:
        if item.kind == "AWS::Lambda::Function":
            with contextlib.suppress(client.exceptions.ResourceNotFoundException):
                client.put_function_concurrency(FunctionName=item.physical_id, ReservedConcurrentExecutions=0)


def start_functions(client: Any, found: list[StackResource]) -> None:
    """Takes back what a removal that was interrupted left; other reservations are the template's."""
    for item in found:
        if item.kind == "AWS::Lambda::Function":
            with contextlib.suppress(client.exceptions.ResourceNotFoundException):
                if (
                    client.get_function_concurrency(FunctionName=item.physical_id).get("ReservedConcurrentExecutions")
                    == 0
                ):
                    client.delete_function_concurrency(FunctionName=item.physical_id)


def _taken_down(client: Clients, lost: list[StackResource], take_down: Callable[[], None]) -> None:
    for attempt in range(1, ATTEMPTS + 1):
        for item in lost:
            if item.kind == "AWS::S3::Bucket":
                empty_bucket(client("s3"), item.physical_id)
        try:
            take_down()
        except subprocess.CalledProcessError:
            if attempt == ATTEMPTS:
                raise
        else:
            return


def empty_bucket(client: Any, bucket: str) -> None:
    """Deletes every version of every object. A bucket that is gone is empty."""
    with contextlib.suppress(client.exceptions.NoSuchBucket):
        for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket):
            found = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
            objects = [{"Key": item["Key"], "VersionId": item["VersionId"]} for item in found]
            if objects:
                client.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})


def _without_secrets(client: Any, stage: Stage) -> list[str]:
    for which in KEPT:
        with contextlib.suppress(
            client.exceptions.ResourceNotFoundException, client.exceptions.InvalidRequestException
        ):
            client.delete_secret(SecretId=stage.secret(which))
    return ["its secrets are scheduled for deletion in 30 days; the next scripts/deploy restores them until then"]
