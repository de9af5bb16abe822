"""The worker: waits for the task queue, claims due tasks that have room, and processes them. Stops cleanly.

Any number of workers may run on one store; a lease keeps them apart.
"""

import asyncio
import contextlib
import logging
import math
import os
import socket
import time
from collections.abc import AsyncIterator, Sequence

from receiver.background import BackgroundLoops, count_attempt, log_error
from receiver.core import timers
from receiver.core.bulkhead import Begun, Capacity, Room
from receiver.core.errors import MailroomError, StoreBusy, Transient
from receiver.core.task import Rank, Task
from receiver.log import log_line
from receiver.operations.stalled_queue import SWEEPS, note_received
from receiver.pipeline.context import Context
from receiver.pipeline.process import Done, process
from receiver.pipeline.unclaimed import enqueue_again
from receiver.ports import Message
from receiver.stopping import Stopping
from receiver.supervisor import Supervisor

log = logging.getLogger("mailroom.task")
PAUSE_AFTER_FAULT = 1.0
LISTEN_SECONDS = 20.0
LOOK_SECONDS = 1.0
"""Seconds between two checks of the store for urgent tasks, if the queue names tasks: it cannot be asked for those."""
EARLY_SECONDS = 2.0
"""By how many seconds a task that a message names may start early: the sender's clock may be ahead."""


def owner_name() -> str:
    """The owner of this process's leases: its host and process id."""
    return f"{socket.gethostname()}:{os.getpid()}"


class Worker:
    """Works on up to ``concurrency`` tasks at a time."""

    def __init__(
        self,
        context: Context,
        *,
        concurrency: int = 16,
        lease_seconds: float = timers.LEASE,
        step_seconds: float = 900.0,
        sweep_seconds: float = 60.0,
        capacity: Capacity | None = None,
        follow_until: float = math.inf,
    ) -> None:
        """``capacity`` is what is known of the partners, if that outlives the worker.

        Deliveries that follow from a task are begun at once until ``follow_until`` on the monotonic clock.
        """
        self._context = context
        self._lease_seconds = lease_seconds
        self._step_seconds = step_seconds
        self._sweep_seconds = sweep_seconds
        self._follow_until = follow_until
        self._owner = owner_name()
        self._capacity = capacity or Capacity(concurrency)
        self._busy: set[asyncio.Task[None]] = set()
        self._ended_one = asyncio.Event()
        self._taking: asyncio.Task[None] | None = None
        self._short_of_room = False
        self._in_vain = 0.0
        """Seconds of polling without a message since the last message or the last sweep."""
        self._silent_sweeps = 0
        self._queue_silent = False
        """Whether the queue accepts messages but delivers none: then the store is polled instead."""
        self._received = False
        """Whether the queue delivered a message since the last sweep."""
        self._looked_at = 0.0
        self._stopping = False

    @contextlib.asynccontextmanager
    async def running(self, supervisor: Supervisor | None = None, stop: Stopping | None = None) -> AsyncIterator[None]:
        """Runs the worker and its background loops during the block, or until ``stop``; then no task is started.

        It returns when the running tasks are done, or their time is over.
        """
        supervisor, stop = supervisor or Supervisor(self._context.meter), stop or Stopping()
        rounds = BackgroundLoops(
            self._context,
            self._owner,
            lease_seconds=self._lease_seconds,
            sweep_seconds=self._sweep_seconds,
            begin=self.begin_overlooked if self._context.queue.names_tasks else None,
        )
        loops = {"worker": self._work, **rounds.loops()}
        async with supervisor.running(
            {"queue": self._context.queue.keep_leased}
        ):  # until the last running task is done
            try:
                async with supervisor.running(loops):
                    watcher = asyncio.create_task(self._begin_nothing_after(stop))
                    yield
            finally:
                watcher.cancel()
                self._stopping = True
                await self.finish(seconds=stop.for_work)

    async def _begin_nothing_after(self, stop: Stopping) -> None:
        await stop.wait()
        self._stopping = True

    async def finish(self, *, seconds: float) -> None:
        """Waits this long for the running tasks, and those being claimed; then releases them."""
        until = time.monotonic() + seconds
        while hands := {*self._busy, *({self._taking} if self._taking and not self._taking.done() else ())}:
            if not (await asyncio.wait(hands, timeout=max(0.0, until - time.monotonic())))[0]:
                break
        for item in hands:
            item.cancel()
        if hands:
            log_line(
                log,
                logging.WARNING,
                "worker.tasks_released",
                tasks=len(self._busy),
                fix="another worker repeats them",
            )
            await asyncio.wait(hands, timeout=timers.RELEASE)

    async def _work(self) -> None:
        messages = [Message()]  # tasks from before the start
        while True:
            try:
                self._taking = asyncio.create_task(self._take_up(messages))
                await asyncio.shield(self._taking)  # claimed tasks are started even if the worker stops
                messages = await self._listen()
            except Exception as error:  # noqa: BLE001 - whatever it is, due tasks must continue
                log_error("worker.stalled", error)
                await asyncio.sleep(PAUSE_AFTER_FAULT)
                messages = [Message()]  # a broken queue must not hold up due tasks

    async def _listen(self) -> list[Message]:
        """The messages that arrived, as soon as there is room for their tasks or for those that waited for room."""
        if self._stopping:
            await asyncio.Event().wait()  # until this loop is cancelled
        return await (self._listen_by_name() if self._context.queue.names_tasks else self._listen_for_any())

    async def _listen_by_name(self) -> list[Message]:
        """Polls a queue that names tasks when there is room for any task; meanwhile the store is checked for urgent
        ones."""
        while True:
            looks, hands = self._short_of_room or self._queue_silent, self._room().for_rank(Rank.BULK)
            if looks and time.monotonic() - self._looked_at >= LOOK_SECONDS:
                # A worker that finds all its tasks in the store must still notice when the queue delivers again.
                heard = (
                    await self._context.queue.receive(timeout_seconds=0, limit=hands)
                    if self._queue_silent and hands
                    else []
                )
                return [*heard, Message()]
            if hands:
                seconds = LOOK_SECONDS if looks else LISTEN_SECONDS
                return await self._receive(seconds, hands)
            self._short_of_room = True
            await self._freed()

    async def _receive(self, seconds: float, hands: int) -> list[Message]:
        since = time.monotonic()
        messages = await self._context.queue.receive(timeout_seconds=seconds, limit=hands)
        self._in_vain = 0.0 if messages else self._in_vain + time.monotonic() - since
        return messages

    async def _listen_for_any(self) -> list[Message]:
        heard = asyncio.create_task(self._context.queue.receive(timeout_seconds=LISTEN_SECONDS))
        freed = asyncio.create_task(self._freed(LISTEN_SECONDS)) if self._short_of_room else None
        try:
            await asyncio.wait({heard, freed or heard}, return_when=asyncio.FIRST_COMPLETED)
            return await heard if heard.done() else [Message()]
        finally:
            for item in (heard, freed):
                if item is not None:
                    item.cancel()

    async def _freed(self, seconds: float = LOOK_SECONDS) -> None:
        """Waits until a step ends, or this long, in which a long step may give up its slot."""
        self._ended_one.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._ended_one.wait()

    def _room(self) -> Room:
        return self._capacity.room(time.monotonic())

    async def _take_up(self, messages: Sequence[Message]) -> None:
        """Starts the named tasks, or any due tasks, until none is due or there is no room."""
        named = [message for message in messages if message.task_id]
        if named and await self._take(named) and time.monotonic() - self._looked_at >= LOOK_SECONDS:
            await self._take_due(self._room().urgent())
        if len(named) < len(messages):
            while await self._take_due(self._room()):
                pass  # it was as much as one claim takes: there may be more

    async def _take(self, messages: Sequence[Message]) -> bool:
        """Starts the named tasks; whether urgent ones may be waiting behind them, because some of these are not
        urgent."""
        self._in_vain, self._silent_sweeps, self._queue_silent, self._received = 0.0, 0, False, True
        if self._stopping:
            await self._context.queue.nack(*messages)
            return False
        try:
            tasks = await self._claim(len(messages), self._room(), ids=[message.task_id for message in messages])
        except MailroomError:
            await self._context.queue.nack(*messages)
            raise
        by_id = {task.id: task for task in tasks}
        begun = [self._start(task, message) for message in messages if (task := by_id.pop(message.task_id, None))]
        await asyncio.gather(*(self._put_back(message) for message in messages if message not in begun))
        return any(task.rank >= Rank.SUBMIT for task in tasks)

    async def begin_overlooked(self, ids: Sequence[str]) -> int:
        """Starts those of these overdue tasks for which there is room; returns how many if the queue is silent."""
        if self._received:
            await note_received(self._context)  # it is not silent any more, whichever process reported that
            self._received = False
        tasks = await self._claim(len(ids), self._room(), ids=ids) if ids and not self._stopping else []
        for task in tasks:
            self._start(task, Message())
        listened, self._in_vain = self._in_vain, 0.0
        self._silent_sweeps = self._silent_sweeps + 1 if listened >= self._sweep_seconds / 2 else 0
        self._queue_silent = self._queue_silent or (bool(tasks) and self._silent_sweeps >= SWEEPS)
        return len(tasks) if self._queue_silent else 0

    async def _put_back(self, message: Message) -> None:
        """For a task that is not started now: its message is sent again for when it can be claimed, or deleted if it is
        done."""
        try:
            await enqueue_again(message.task_id, self._context, room_in=self._room_in)
            await self._context.queue.ack(message)
        except MailroomError as error:
            await self._context.queue.nack(message)
            log_error("message.requeue_failed", error)

    def _room_in(self, task: Task) -> float:
        return self._capacity.wait_for(task, time.monotonic()) * (1 + self._context.spread())

    async def _take_due(self, room: Room) -> bool:
        """Begins what is due and has room; whether more may be due."""
        self._looked_at = time.monotonic()
        hands = room.for_rank(Rank.DELIVER)
        tasks = await self._claim(hands, room) if hands and not self._stopping else []
        for task in tasks:
            self._start(task, Message())
        self._short_of_room = room.is_short
        return bool(tasks) and len(tasks) == hands

    async def _claim(self, limit: int, room: Room, *, ids: Sequence[str] | None = None) -> list[Task]:
        now = self._context.clock() + (EARLY_SECONDS if ids else 0.0)
        return await self._context.store.claim(
            owner=self._owner, now=now, lease_seconds=self._lease_seconds, limit=limit, ids=ids, room=room
        )

    def _start(self, task: Task, message: Message) -> Message:
        step = self._capacity.begin(task, time.monotonic())
        job = asyncio.create_task(self._answer(task, step, message))
        self._busy.add(job)
        job.add_done_callback(self._ended)
        return message

    def _ended(self, job: asyncio.Task[None]) -> None:
        self._busy.discard(job)
        self._ended_one.set()
        if not job.cancelled() and (error := job.exception()):
            log.error("unhandled_exception", exc_info=error)

    async def _answer(self, task: Task, step: Begun, message: Message) -> None:
        """Processes the task, and only then acknowledges its message, so that after a crash the message is
        redelivered."""
        done: Done | None = None
        try:
            done = await self._attempt(task, step)
            for following in done.begun if done else ():
                self._start(following, Message())
        finally:
            await self._say(task, message, settled=done is not None)

    def _note(self, task: Task, step: Begun, done: Done | None) -> None:
        """Notes the result for the step's partner, unless it could not be written."""
        error = done.error if done else StoreBusy()
        what = self._capacity.end(step, error, time.monotonic())
        if what is not None:
            level = logging.WARNING if what == "down" else logging.INFO
            if what == "down":
                self._context.meter.count("mailroom_partner_failures", partner=task.partner)
            log_line(
                log, level, f"partner.{what}", partner=task.partner, kind=task.kind, error=done.note if done else ""
            )

    async def _say(self, task: Task, message: Message, *, settled: bool) -> None:
        try:
            await (self._context.queue.ack(message) if settled else self._context.queue.nack(message))
        except Transient as error:
            # The message is redelivered, and the store knows that the task is settled.
            log_line(log, logging.WARNING, "message.ack_failed", task=task.id, error=str(error), fix=error.fix)

    async def work_on(self, task: Task) -> Done | None:
        """One attempt at a claimed task, logged and counted; None if the store was too busy to record it.

        The caller works on what was begun with its end.
        """
        return await self._attempt(task, self._capacity.begin(task, time.monotonic()))

    def _claimed(self, following: Sequence[Task]) -> list[Task]:
        """Those of these tasks, which are about to be written, that can be begun at once; none before older ones."""
        now, at = self._context.clock(), time.monotonic()
        if self._stopping or at > self._follow_until:
            return []
        room = self._room()
        return [
            task.claim(owner=self._owner, now=now, lease_seconds=self._lease_seconds)
            for task in following
            if task.due_at <= now and self._capacity.may_follow(task, at) and room.take(task)
        ]

    async def _attempt(self, task: Task, step: Begun) -> Done | None:
        late = max(0.0, self._context.clock() - task.due_at)
        self._context.meter.observe("mailroom_task_lateness_seconds", late, kind=task.kind)
        begun, done = time.perf_counter(), None
        try:
            done = await process(
                task,
                self._context,
                lease_seconds=self._lease_seconds,
                step_seconds=self._step_seconds,
                begin=self._claimed,
            )
        except StoreBusy as error:
            # Nothing was written: the attempt fails when its lease expires.
            log_line(log, logging.ERROR, "task.unsettled", task=task.id, error=str(error), fix=error.fix)
            return None
        finally:
            self._note(task, step, done)
        seconds = time.perf_counter() - begun
        self._context.meter.observe("mailroom_task_seconds", seconds, kind=task.kind)
        count_attempt(done, self._context.meter, seconds)
        return done
