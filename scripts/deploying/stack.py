"""The stage's stack: what is in it, waiting for it, and getting it ready for a deployment."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from receiver.core.errors import Misconfigured
from scripts.deploying.account import stack_state
from scripts.deploying.stage import Stage

LOOK_SECONDS = 5.0
WAIT_SECONDS = 3600.0
"""For another deployment to finish: more than CloudFormation needs for this stack."""


@dataclass(frozen=True)
class StackResource:
    """One resource of the stack. Source: CloudFormation, ListStackResources."""

    logical_id: str
    kind: str
    physical_id: str


def stack_resources(client: Any, stack: str) -> list[StackResource]:
    """All of them: DescribeStackResources gives the first hundred."""
    pages = client.get_paginator("list_stack_resources").paginate(StackName=stack)
    return [
        StackResource(item["LogicalResourceId"], item["ResourceType"], item.get("PhysicalResourceId", ""))
        for page in pages
        for item in page["StackResourceSummaries"]
        if item["ResourceStatus"] != "DELETE_COMPLETE"
    ]


def deployed_template(client: Any, stack: str) -> dict[str, Any]:
    """The template as it was uploaded."""
    body = client.get_template(StackName=stack, TemplateStage="Original")["TemplateBody"]
    found: dict[str, Any] = json.loads(body) if isinstance(body, str) else dict(body)
    return found


def settled_state(client: Any, stage: Stage, *, sleep: Callable[[float], None] = time.sleep) -> str:
    """The stack's status when nothing is under way. Raises Misconfigured when that takes too long."""
    for _ in range(int(WAIT_SECONDS / LOOK_SECONDS)):
        if not (status := stack_state(client, stage)).endswith("_IN_PROGRESS"):
            return status
        sleep(LOOK_SECONDS)
    raise Misconfigured(f"the stack {stage.stack} is still {status}", fix="look at its events in the console")


def make_ready(client: Any, stage: Stage) -> str:
    """Waits for what is under way, and clears away a first deployment that failed; the status then, "" for none."""
    status = settled_state(client, stage)
    if status != "ROLLBACK_COMPLETE":
        return status
    client.delete_stack(StackName=stage.stack)
    client.get_waiter("stack_delete_complete").wait(StackName=stage.stack)
    return ""
