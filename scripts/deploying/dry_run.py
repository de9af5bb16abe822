"""What a deployment would do, in words, without doing it: nothing is uploaded, and nothing in AWS is changed."""

import base64
import hashlib
from pathlib import Path
from typing import Any

from scripts.deploying.change_words import change_lines
from scripts.deploying.overlay import ROLES
from scripts.deploying.retained_data import left_behind
from scripts.deploying.stack import deployed_template
from scripts.deploying.stage import Clients, Stage


def changes(client: Clients, stage: Stage, status: str, new: dict[str, Any], zips: Path) -> list[str]:
    """What would change; ``status`` is the stack's, ``new`` its next template, ``zips`` the folder of its code."""
    if status in ("", "ROLLBACK_COMPLETE"):
        data = left_behind(client, stage)
        made = {"Resources": {name: item for name, item in new["Resources"].items() if name not in data}}
        kept = [f"= takes over {name}, which an earlier stack left" for name in data.values()]
        return [f"the stack {stage.stack} would be made:", *kept, *change_lines({}, made, ())]
    old = deployed_template(client("cloudformation"), stage.stack)
    lines = change_lines(old, new, changed_code(client("lambda"), stage, zips))
    return [f"the stack {stage.stack} would be changed:", *lines] if lines else [f"{stage.stack}: nothing would change"]


def changed_code(client: Any, stage: Stage, zips: Path) -> list[str]:
    """The functions whose zip is another one than what runs; the same content is the same zip."""
    found = []
    for name in ROLES:
        digest = hashlib.sha256((zips / f"{name}.zip").read_bytes()).digest()
        try:
            runs = client.get_function_configuration(FunctionName=f"mailroom-{stage.name}-{name}")["CodeSha256"]
        except client.exceptions.ResourceNotFoundException:
            continue
        if runs != base64.b64encode(digest).decode():
            found.append(f"{name.capitalize()}LambdaFunction")
    return found
