"""The task queue on SQS: each message names one task, and the worker that runs the task acknowledges it.

A message stays invisible while a worker has it. After a crash it becomes visible again when the lease of the dead
worker's task has expired, too. A message that cannot be read is left to the queue's redrive policy.
"""

import asyncio
import contextlib
import json
import logging
import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from receiver.aws.service import AwsError, Service, botocore_client
from receiver.core.errors import Misconfigured, Transient
from receiver.ports import Message, TaskQueue

log = logging.getLogger("mailroom.queue")

LONGEST_DELAY = 900
"""Maximum seconds for which SQS delays a message (SendMessage, DelaySeconds); the sweep enqueues tasks due later."""
BATCH = 10
POLL_SECONDS = 5
"""Seconds of a long poll. SQS allows 20, but a worker that is told to stop must wait for the current poll."""
ACTIONS = (
    "sqs:SendMessage",
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibility",
    "sqs:GetQueueUrl",
)
"""Permissions that a worker needs on the queue; a process that only enqueues needs the first and the last."""
TRIES = 3
RETRY_SECONDS = 0.2

Entry = dict[str, Any]


class SqsQueue:
    """Enqueues to the standard queue ``name``, or to the one at the address ``https://…``."""

    names_tasks = True

    def __init__(
        self, queue: str, *, visibility_seconds: float = 125.0, client: Callable[[], Any] | None = None
    ) -> None:
        """``visibility_seconds`` is how long a message stays invisible without an extension by its worker.

        Raises Misconfigured for a FIFO queue: one slow task would block all tasks behind it.
        """
        if queue.endswith(".fifo"):
            raise Misconfigured(
                f"{queue} is a FIFO queue, which cannot delay single messages", fix="use a standard queue"
            )
        self._queue = queue
        self._url = _address(queue)
        self._visibility = math.ceil(visibility_seconds)
        self._service = Service(client or partial(botocore_client, "sqs", read_seconds=2.0 * POLL_SECONDS))
        self._in_hand: set[str] = set()
        self._abandoned: list[asyncio.Task[list[Message]]] = []

    async def enqueue(self, *task_ids: str, delay_seconds: float = 0) -> None:
        """Enqueues these tasks, after the delay at the earliest. Raises Transient if SQS did not accept all of them."""
        delay = max(0, math.ceil(delay_seconds))
        if delay <= LONGEST_DELAY:
            messages = [{"MessageBody": json.dumps({"task": item}), "DelaySeconds": delay} for item in task_ids]
            try:
                await self._send("send_message_batch", messages)
            except Transient as error:
                # Logged here because the caller continues: the sweep enqueues the tasks again.
                log.warning("enqueue.failed", extra={"facts": {"error": str(error), "fix": error.fix}})
                raise

    async def receive(self, *, timeout_seconds: float, limit: int = 10) -> list[Message]:
        """Up to ten messages, as soon as there are any; [] after the timeout, or after a poll of a few seconds."""
        poll = asyncio.create_task(self._poll(min(POLL_SECONDS, math.floor(timeout_seconds)), min(limit, BATCH)))
        try:
            return await asyncio.shield(poll)
        except asyncio.CancelledError:
            self._abandoned.append(poll)  # messages that this poll still receives are returned at close
            raise

    async def ack(self, *messages: Message) -> None:
        handles = [message.handle for message in messages if message.handle]
        self._in_hand.difference_update(handles)
        await self._send("delete_message_batch", [{"ReceiptHandle": handle} for handle in handles])

    async def nack(self, *messages: Message) -> None:
        """Stops extending these messages, so they become visible again after ``visibility_seconds``."""
        self._in_hand.difference_update(message.handle for message in messages)

    async def close(self) -> None:
        """Returns the messages of abandoned polls to the queue."""
        for poll in self._abandoned:
            with contextlib.suppress(Transient):
                await self._see([message.handle for message in await poll], after_seconds=0)
        self._abandoned.clear()
        await self._service.close()

    async def _poll(self, seconds: int, limit: int) -> list[Message]:
        answer = await self._call(
            "receive_message",
            QueueUrl=await self._found(),
            MaxNumberOfMessages=limit,
            WaitTimeSeconds=seconds,
            VisibilityTimeout=self._visibility,
        )
        messages = [queue_message for message in answer.get("Messages", []) if (queue_message := _read(message))]
        self._in_hand.update(queue_message.handle for queue_message in messages)
        return messages

    async def keep_leased(self) -> None:
        """Extends the invisibility of the messages in hand."""
        while True:
            await asyncio.sleep(self._visibility / 3)
            try:
                await self._see(list(self._in_hand), after_seconds=self._visibility)
            except Transient as error:
                log.warning("message.lease_failed", extra={"facts": {"error": str(error)}})

    async def _see(self, handles: Sequence[str], *, after_seconds: int) -> None:
        entries = [{"ReceiptHandle": handle, "VisibilityTimeout": after_seconds} for handle in handles]
        await self._send("change_message_visibility_batch", entries)

    async def _send(self, operation: str, entries: Sequence[Entry]) -> None:
        """Sends the entries, ten a request; those that SQS rejects are sent again. Raises Transient."""
        batches = [entries[start : start + BATCH] for start in range(0, len(entries), BATCH)]
        failed = sum(await asyncio.gather(*(self._send_ten(operation, batch) for batch in batches)))
        if failed:
            raise Transient(f"sqs://{self._queue} rejected {failed} of {len(entries)} ({operation})")

    async def _send_ten(self, operation: str, entries: Sequence[Entry]) -> int:
        """How many entries were rejected in the end. One that SQS calls the sender's fault is not sent again."""
        left = {str(number): {"Id": str(number), **entry} for number, entry in enumerate(entries)}
        for attempt in range(TRIES):
            answer = await self._call(operation, QueueUrl=await self._found(), Entries=list(left.values()))
            refused = answer.get("Failed", [])
            left = {item["Id"]: left[item["Id"]] for item in refused if not item.get("SenderFault")}
            self._forget(entries[int(item["Id"])] for item in refused if item.get("SenderFault"))
            if not left:
                break
            await asyncio.sleep(RETRY_SECONDS * attempt)
        return len(left)

    def _forget(self, entries: Iterable[Entry]) -> None:
        self._in_hand.difference_update(entry.get("ReceiptHandle", "") for entry in entries)

    async def _found(self) -> str:
        """The queue's address, asked for once."""
        if not self._url:
            self._url = str((await self._call("get_queue_url", QueueName=self._queue))["QueueUrl"])
        return self._url

    async def _call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        try:
            return await self._service.call(operation, **arguments)
        except AwsError as error:
            raise Transient(f"sqs://{self._queue}: {error}", fix=self._fix(error)) from error

    def _fix(self, error: AwsError) -> str:
        if "NonExistentQueue" in error.code or "QueueDoesNotExist" in error.code:
            return f"create the queue (aws sqs create-queue --queue-name {self._queue}), or correct MAILROOM_QUEUE"
        if error.passes:
            return "no action needed: Mailroom retries"
        return f"give the key or role {', '.join(ACTIONS)} on the queue {self._queue}"


def _address(queue: str) -> str:
    """The queue's address, if the setting is one; "" for a name."""
    if queue.startswith(("https://", "http://")):
        return queue
    return f"https://{queue}" if "/" in queue else ""


def _read(message: dict[str, Any]) -> Message | None:
    try:
        task_id = json.loads(message["Body"])["task"]
    except (ValueError, KeyError, TypeError, RecursionError):
        task_id = None
    if not isinstance(task_id, str) or not task_id:
        facts = {"message": message["MessageId"], "size": len(message["Body"])}
        log.error("message.unreadable", extra={"facts": facts})
        return None
    return Message(task_id=task_id, handle=message["ReceiptHandle"])


_: type[TaskQueue] = SqsQueue
