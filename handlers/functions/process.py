"""Rings of the doorbell, from SQS: each names a task, which is claimed and worked on.

A ring whose task is settled, in other hands or not due is answered: the store knows, and the sweep rings again. Back to
the queue goes only what this invocation could not settle, and what nobody can read, until it is a dead letter.

A task that may have ended an invocation before is begun only after all others of its batch, alone, so that it cannot
take them down a second time.
"""

import asyncio
import json
import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

from handlers.functions.application import build, close, meter_of
from handlers.functions.warm import Context, Warm
from receiver.bootstrap import App
from receiver.core.errors import MailroomError
from receiver.core.task import Task
from receiver.log import line
from receiver.runner import Worker, owner_name

log = logging.getLogger("mailroom.function")
WARM = Warm(build, close)
ANSWER_SECONDS = 3.0
"""What is left of the invocation's time when it stops waiting: to answer the batch, and to write the metrics."""
RECORD_SECONDS = 7.0
"""What is left besides when a step is ended: to write down that its attempt failed."""


def handler(event: dict[str, Any], context: Context) -> dict[str, Any]:
    """Which messages must come again (ReportBatchItemFailures)."""
    app = WARM.built()
    seconds = context.get_remaining_time_in_millis() / 1000
    failed = WARM.run(work_on(event["Records"], app, seconds=seconds))
    WARM.publish(meter_of(app))
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


async def work_on(records: Sequence[dict[str, Any]], app: App, *, seconds: float) -> list[str]:
    """The ids of the messages whose tasks were not settled within these seconds."""
    batch = Batch(app, until=time.monotonic() + max(seconds - ANSWER_SECONDS, 0.0))
    settled = await batch.work({record["messageId"]: record["body"] for record in records})
    return [message_id for message_id in (record["messageId"] for record in records) if message_id not in settled]


class Batch:
    """The rings of one invocation, which must be over at ``until`` on the monotonic clock."""

    def __init__(self, app: App, *, until: float) -> None:
        self._app = app
        self._until = until
        self._settled: set[str] = set()

    async def work(self, rings: Mapping[str, str]) -> set[str]:
        """The ids of the messages that need not come again, of these (id -> body)."""
        try:
            async with asyncio.timeout(self._until - time.monotonic()):
                await self._all(rings)
        except TimeoutError:
            line(log, logging.ERROR, "function.out_of_time", rings=len(rings), settled=len(self._settled))
        return self._settled

    async def _all(self, rings: Mapping[str, str]) -> None:
        named = {message_id: task_id for message_id, body in rings.items() if (task_id := _named(body))}
        suspected = await asyncio.gather(*(self._suspected(task_id) for task_id in named.values()))
        alone = [pair for pair, suspect in zip(named.items(), suspected, strict=True) if suspect]
        await asyncio.gather(*(self._isolated(*pair) for pair in named.items() if pair not in alone))
        for pair in alone:
            await self._isolated(*pair)

    async def _suspected(self, task_id: str) -> bool:
        """Whether the last attempt at this task was ended by nobody, so that the task itself may be what ended it."""
        try:
            task = await self._app.tools.store.get(Task, task_id)
        except MailroomError:
            return False  # its claim will fail of the same, and say so
        return task is not None and task.cut_off > 0

    async def _isolated(self, message_id: str, task_id: str) -> None:
        """Works on one task; what it raises is its own affair."""
        try:
            if await self._answer(task_id):
                self._settled.add(message_id)
        except MailroomError as error:
            line(log, logging.ERROR, "ring.unanswered", task=task_id, error=str(error), fix=error.fix)
        except Exception:  # the others of the batch go on
            log.exception("fault")

    async def _answer(self, task_id: str) -> bool:
        """Whether the ring need not come again."""
        seconds = self._until - time.monotonic() - RECORD_SECONDS
        if seconds <= 0:
            return False
        lease = self._app.settings.lease_seconds
        tools = self._app.tools
        tasks = await tools.store.claim(owner=owner_name(), now=tools.clock(), lease_seconds=lease, ids=[task_id])
        worker = Worker(tools, lease_seconds=lease, step_seconds=seconds)
        return all([await worker.work_on(task) for task in tasks])


def _named(body: str) -> str:
    """The task that a ring names; "" for what nobody can read."""
    try:
        return str(json.loads(body)["task"])
    except (ValueError, KeyError, TypeError, RecursionError):
        line(log, logging.ERROR, "ring.unreadable", size=len(body))
        return ""
