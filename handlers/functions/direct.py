"""Invokes the function that processes tasks directly, for tasks that the queue does not deliver."""

import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from receiver.aws.service import AwsError, Service, botocore_client
from receiver.core.errors import Misconfigured, Transient

VARIABLE = "PROCESS_FUNCTION"
"""The variable that names the function."""
BATCH = 10
"""Maximum tasks of one invocation, as in a batch from the queue."""


class Direct:
    """Invokes ``function`` with tasks, without waiting for the result."""

    def __init__(self, function: str, *, client: Callable[[], Any] | None = None) -> None:
        self._function = function
        self._client = client or partial(botocore_client, "lambda")

    async def begin(self, task_ids: Sequence[str]) -> None:
        """Raises Misconfigured if no function is named, Transient if AWS does not accept the invocation."""
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
    """An event like those from SQS, except for its source."""
    return json.dumps(
        {"Records": [{"messageId": item, "body": json.dumps({"task": item})} for item in task_ids]}
    ).encode()
