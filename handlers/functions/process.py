"""Processes messages of the task queue (SQS): each names a task, which is claimed and run.

The message of a finished task is deleted. For a task that is not due, leased by another worker or without room, a new
message is sent for later. Messages that this invocation could not settle, or that cannot be read, return to the queue
until they become dead letters. A task that may have crashed an earlier invocation runs alone, after all others of its
batch, so that it cannot take them down again.
"""

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any

from handlers.functions.application import build, close, meter_of
from handlers.functions.messages import messages_of
from handlers.functions.warm import LambdaContext, Warm
from receiver.bootstrap import App
from receiver.core.bulkhead import Capacity, Room
from receiver.core.errors import MailroomError
from receiver.core.task import Rank, Task, TaskState
from receiver.log import log_line
from receiver.operations.stalled_queue import note_received
from receiver.pipeline.context import Context
from receiver.pipeline.unclaimed import enqueue_again
from receiver.worker import EARLY_SECONDS, Worker, owner_name

log = logging.getLogger("mailroom.function")
WARM = Warm(build, close)
ANSWER_SECONDS = 3.0
"""Seconds before the invocation's end at which it stops waiting, to return the result and write the metrics."""
RECORD_SECONDS = 7.0
"""Further seconds, after a step is stopped, to record its failed attempt."""
FOLLOW_SHARE = 3 / 4
"""Of the invocation's time: while so much is left, deliveries that follow are begun in it. Later ones get their own."""
UNCLAIMED_SECONDS = 60.0
"""Of a result's task: while it is so new, and its message comes for the first time, it needs no claim."""
URGENT = 5
"""Maximum urgent tasks that are started besides those of the batch."""
LOOK_SECONDS = 5.0
"""Seconds between two checks of the store for urgent tasks."""
NOTE_SECONDS = 60.0
"""Seconds between two notes that the queue delivers; the sweep expects one every two minutes."""


class Knowledge:
    """The state that an instance keeps between invocations."""

    def __init__(self) -> None:
        self.capacity = Capacity(10 + URGENT)
        self.looked_at = 0.0
        self.noted_at = -NOTE_SECONDS

    async def note_delivery(self, context: Context) -> None:
        """Records, once in a while, that the queue delivers, which the sweep checks."""
        if time.monotonic() - self.noted_at >= NOTE_SECONDS:
            self.noted_at = time.monotonic()
            with contextlib.suppress(MailroomError):  # then the queue counts as silent, but works
                await note_received(context)

    def room(self) -> Room:
        """The lanes' room for the tasks of this invocation."""
        return self.capacity.room(time.monotonic())


KNOWN = Knowledge()


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Returns which messages must be redelivered (ReportBatchItemFailures)."""
    app = WARM.built()
    seconds = context.get_remaining_time_in_millis() / 1000
    failed = WARM.run(work_on(messages_of(event), app, KNOWN, seconds=seconds))
    WARM.publish(meter_of(app))
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


async def work_on(records: Sequence[dict[str, Any]], app: App, known: Knowledge, *, seconds: float) -> list[str]:
    """The ids of the messages whose tasks were not settled within these seconds."""
    receives = {record["messageId"]: _receives(record) for record in records}
    batch = Batch(app, known, until=time.monotonic() + max(seconds - ANSWER_SECONDS, 0.0), receives=receives)
    if any(record.get("eventSource") == "aws:sqs" for record in records):
        await known.note_delivery(app.context)
    settled = await batch.work({record["messageId"]: record["body"] for record in records})
    return [message_id for message_id in (record["messageId"] for record in records) if message_id not in settled]


class Batch:
    """The messages of one invocation, which must be over at ``until`` on the monotonic clock.

    ``receives`` says how often each was handed out, by its id.
    """

    def __init__(self, app: App, known: Knowledge, *, until: float, receives: Mapping[str, int]) -> None:
        self._context = app.context
        self._lease_seconds = app.settings.lease_seconds
        self._known = known
        self._until = until
        self._follow_until = until - (until - time.monotonic()) * FOLLOW_SHARE
        self._receives = receives
        self._settled: set[str] = set()

    async def work(self, messages: Mapping[str, str]) -> set[str]:
        """The ids of the messages (id -> body) that need not be redelivered."""
        try:
            async with asyncio.timeout(self._until - time.monotonic()):
                await self._all(
                    {message_id: task_id for message_id, body in messages.items() if (task_id := _named(body))}
                )
        except TimeoutError:
            log_line(log, logging.ERROR, "function.out_of_time", messages=len(messages), settled=len(self._settled))
        return self._settled

    async def _all(self, messages: Mapping[str, str]) -> None:
        tasks = dict(zip(messages, await asyncio.gather(*map(self._read, messages.values())), strict=True))
        alone = [message_id for message_id, task in tasks.items() if task and self._is_suspect(task, message_id)]
        together = (
            self._answer(message_id, messages[message_id], tasks[message_id])
            for message_id in messages
            if message_id not in alone
        )
        await asyncio.gather(*together, self._look_for_urgent([task for task in tasks.values() if task]))
        for message_id in alone:
            await self._answer(message_id, messages[message_id], None)

    async def _read(self, task_id: str) -> Task | None:
        try:
            return await self._context.store.get(Task, task_id)
        except MailroomError:
            return None  # the claim will fail for the same reason, and report it

    def _is_suspect(self, task: Task, message_id: str) -> bool:
        """Whether it may have ended an earlier invocation, in an attempt that was taken over or had no claim."""
        return task.cut_off > 0 or (_needs_no_claim(task) and self._receives.get(message_id, 0) > 1)

    async def _answer(self, message_id: str, task_id: str, read: Task | None) -> None:
        unclaimed = read if self._receives.get(message_id) == 1 else None
        if await _isolated(self._settle(task_id, unclaimed), task=task_id):
            self._settled.add(message_id)

    async def _settle(self, task_id: str, read: Task | None) -> bool:
        """Whether the message is settled. ``read`` is its task if it may be begun without a claim."""
        if self._seconds_left <= 0:
            return False
        tasks = self._begun_unclaimed(read) or await self._claim(self._known.room(), ids=[task_id])
        if not tasks:
            await enqueue_again(task_id, self._context, room_in=self._room_in)
        return await self._work_on(tasks)

    def _begun_unclaimed(self, task: Task | None) -> list[Task]:
        """A result's new task, claimed in this process alone: the store hears of it with the end of the attempt.

        Its step changes nothing but the store, and the change needs the task as it was read: whoever else worked on it
        meanwhile, one change is written. An attempt that ends with its process is not counted, but the next one is: its
        message comes for the second time then, and one of the sweep's too late. A long attempt renews its lease, and
        so writes its claim.
        """
        now = self._context.clock()
        if task is None or not _needs_no_claim(task) or task.due_at > now + EARLY_SECONDS:
            return []
        if abs(now - task.created_at) > UNCLAIMED_SECONDS or not self._known.room().take(task):
            return []
        return [task.claim(owner=owner_name(), now=now, lease_seconds=self._lease_seconds)]

    async def _look_for_urgent(self, tasks: Sequence[Task]) -> None:
        """If these tasks can wait, more urgent ones may be far behind them in the queue: starts some of those now."""
        now = time.monotonic()
        if any(task.rank >= Rank.SUBMIT for task in tasks) and now - self._known.looked_at >= LOOK_SECONDS:
            self._known.looked_at = now
            await _isolated(self._begin_urgent())

    async def _begin_urgent(self) -> bool:
        return await self._work_on(await self._claim(self._known.room().urgent(), limit=URGENT))

    async def _claim(self, room: Room, *, limit: int = 1, ids: Sequence[str] | None = None) -> list[Task]:
        return await self._context.store.claim(
            owner=owner_name(),
            now=self._context.clock() + (EARLY_SECONDS if ids else 0.0),
            lease_seconds=self._lease_seconds,
            limit=limit,
            ids=ids,
            room=room,
        )

    async def _work_on(self, tasks: Sequence[Task]) -> bool:
        """Runs these, and what each of them begins; whether the outcome of each could be recorded.

        What a task begins is claimed already, so it does not wait for the other tasks.
        """
        worker = Worker(
            self._context,
            lease_seconds=self._lease_seconds,
            step_seconds=max(self._seconds_left, 0.0),
            capacity=self._known.capacity,
            follow_until=self._follow_until,
        )

        async def work_through(task: Task) -> bool:
            done = await worker.work_on(task)
            if done and done.begun:  # they have no message: should they not be settled, the sweep finds them
                await self._work_on(done.begun)
            return done is not None

        return all(await asyncio.gather(*map(work_through, tasks)))

    @property
    def _seconds_left(self) -> float:
        return self._until - time.monotonic() - RECORD_SECONDS

    def _room_in(self, task: Task) -> float:
        return self._known.capacity.wait_for(task, time.monotonic()) * (1 + self._context.spread())


async def _isolated(work: Awaitable[bool], **facts: str) -> bool:
    """Its result, or False: an error of one task must not stop the others of the batch."""
    try:
        return await work
    except MailroomError as error:
        log_line(log, logging.ERROR, "message.ack_failed", error=str(error), fix=error.fix, **facts)
    except Exception:
        log.exception("unhandled_exception")
    return False


def _needs_no_claim(task: Task) -> bool:
    """Whether it is a result's task that nobody has touched: its attempt changes nothing but the store."""
    return task.kind == "react" and task.version == 0 and task.state is TaskState.READY


def _receives(record: Mapping[str, Any]) -> int:
    """How often SQS has handed this message to anybody; 0 when nobody says so."""
    try:
        return int(record["attributes"]["ApproximateReceiveCount"])
    except (KeyError, TypeError, ValueError):
        return 0


def _named(body: str) -> str:
    """The task that a message names; "" if the message cannot be read."""
    try:
        return str(json.loads(body)["task"])
    except (ValueError, KeyError, TypeError, RecursionError):
        log_line(log, logging.ERROR, "message.unreadable", size=len(body))
        return ""
