"""The way to the function that works on tasks, past the queue: for what the queue does not bring."""

import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from receiver.aws.service import AwsError, Service, botocore_client
from receiver.core.errors import Misconfigured, Transient

VARIABLE = "PROCESS_FUNCTION"
"""What names the function."""
BATCH = 10
"""Tasks that one invocation works on, as many as a batch of the queue has."""


class Direct:
    """Invokes ``function`` with tasks, and does not wait for what it makes of them."""

    def __init__(self, function: str, *, client: Callable[[], Any] | None = None) -> None:
        self._function = function
        self._client = client or partial(botocore_client, "lambda")

    async def begin(self, task_ids: Sequence[str]) -> None:
        """Raises Misconfigured without a function, Transient when AWS does not take it."""
        if not self._function:
            raise Misconfigured(f"{VARIABLE} is empty", fix=f"set {VARIABLE} as serverless.yml does")
        service = Service(self._client)
        try:
            for place in range(0, len(task_ids), BATCH):
                payload = _event(task_ids[place : place + BATCH])
                await service.call("invoke", FunctionName=self._function, InvocationType="Event", Payload=payload)
        except AwsError as error:
            raise Transient(f"{self._function} cannot be invoked: {error}") from error
        finally:
            await service.close()


def _event(task_ids: Sequence[str]) -> bytes:
    """As SQS sends it, but for where it is from."""
    return json.dumps(
        {"Records": [{"messageId": item, "body": json.dumps({"task": item})} for item in task_ids]}
    ).encode()
