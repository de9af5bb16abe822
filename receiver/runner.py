"""The worker: waits for the bell, claims what is due, processes it, and sweeps now and then. Stops cleanly.

Any number of workers may run on one store; a lease keeps them apart.
"""

import asyncio
import contextlib
import logging
import os
import socket
import time
from collections.abc import AsyncIterator, Sequence

from receiver.core import timers
from receiver.core.errors import MailroomError, StoreBusy, Transient
from receiver.core.task import Task
from receiver.flow.process import Done, process
from receiver.flow.retention import Tidied, tidy
from receiver.flow.sweep import sweep
from receiver.flow.takeover import Takeover
from receiver.flow.tools import Tools
from receiver.flow.turn import our_turn
from receiver.log import line
from receiver.ports import Meter, Ring
from receiver.supervisor import Supervisor

log = logging.getLogger("mailroom.task")
retention_log = logging.getLogger("mailroom.retention")
PAUSE_AFTER_FAULT = 1.0
LISTEN_SECONDS = 20.0


def owner_name() -> str:
    """Who holds a lease: this host and process."""
    return f"{socket.gethostname()}:{os.getpid()}"


class Worker:
    """Works on up to ``concurrency`` tasks at a time."""

    def __init__(
        self,
        tools: Tools,
        *,
        concurrency: int = 16,
        lease_seconds: float = timers.LEASE,
        step_seconds: float = 900.0,
        sweep_seconds: float = 60.0,
    ) -> None:
        self._tools = tools
        self._concurrency = concurrency
        self._lease_seconds = lease_seconds
        self._step_seconds = step_seconds
        self._sweep_seconds = sweep_seconds
        self._owner = owner_name()
        self._takeover = Takeover()
        self._busy: set[asyncio.Task[None]] = set()
        self._free = asyncio.Event()
        self._free.set()
        self._taking: asyncio.Task[None] | None = None
        self._stopping = False

    @contextlib.asynccontextmanager
    async def running(self, supervisor: Supervisor | None = None) -> AsyncIterator[None]:
        """The worker and its sweep, while the block lasts; tasks in hand are finished before it returns."""
        supervisor = supervisor or Supervisor(self._tools.meter)
        loops = {"worker": self._work, "sweep": self._look_round, "tidy": self._keep_tidy}
        async with supervisor.running({"doorbell": self._tools.bell.tend}):  # until the last task in hand is done
            try:
                async with supervisor.running(loops):
                    yield
            finally:
                self._stopping = True
                await self.finish()

    async def finish(self) -> None:
        """Waits for the tasks in hand, and for those that were just being claimed."""
        if self._taking:
            await asyncio.gather(self._taking, return_exceptions=True)
        while self._busy:
            await asyncio.gather(*self._busy, return_exceptions=True)

    async def _work(self) -> None:
        rings = [Ring()]  # what was left from before
        while True:
            try:
                self._taking = asyncio.create_task(self._take_up(rings))
                await asyncio.shield(self._taking)  # what was claimed is worked on, whoever is told to stop
                rings = await self._tools.bell.wait(timeout_seconds=LISTEN_SECONDS, limit=await self._free_hands())
            except Exception as error:  # noqa: BLE001 - whatever it was, what is due must go on
                _tell("worker.stalled", error)
                await asyncio.sleep(PAUSE_AFTER_FAULT)
                rings = [Ring()]  # a broken bell must not keep us from what is due

    async def _free_hands(self) -> int:
        """How many more tasks may be begun, once it is one at least."""
        await self._free.wait()
        return self._concurrency - len(self._busy)

    async def _take_up(self, rings: Sequence[Ring]) -> None:
        """Begins what was rung for: certain tasks, or whatever is due until nothing is."""
        named = [ring for ring in rings if ring.task_id]
        if named:
            await self._take(named)
        if len(named) < len(rings):
            while await self._take_due():
                pass

    async def _take(self, rings: Sequence[Ring]) -> None:
        """Rings whose tasks cannot be claimed are answered: done, in other hands, or not due, the store knows."""
        try:
            tasks = await self._claim(len(rings), ids=[ring.task_id for ring in rings])
        except MailroomError:
            await self._tools.bell.unanswered(*rings)
            raise
        by_id = {task.id: task for task in tasks}
        begun = [self._start(task, ring) for ring in rings if (task := by_id.pop(ring.task_id, None))]
        await self._tools.bell.answered(*(ring for ring in rings if ring not in begun))

    async def _take_due(self) -> int:
        hands = await self._free_hands()
        tasks = [] if self._stopping else await self._claim(hands)
        for task in tasks:
            self._start(task, Ring())
        return len(tasks)

    async def _claim(self, limit: int, *, ids: Sequence[str] | None = None) -> list[Task]:
        return await self._tools.store.claim(
            owner=self._owner, now=self._tools.clock(), lease_seconds=self._lease_seconds, limit=limit, ids=ids
        )

    def _start(self, task: Task, ring: Ring) -> Ring:
        job = asyncio.create_task(self._answer(task, ring))
        self._busy.add(job)
        if len(self._busy) >= self._concurrency:
            self._free.clear()
        job.add_done_callback(self._ended)
        return ring

    def _ended(self, job: asyncio.Task[None]) -> None:
        self._busy.discard(job)
        self._free.set()
        if not job.cancelled() and (error := job.exception()):
            log.error("fault", exc_info=error)

    async def _answer(self, task: Task, ring: Ring) -> None:
        """Works on the task, and only then answers its ring: what dies on the way is rung for again."""
        settled = False
        try:
            settled = await self.work_on(task)
        finally:
            await self._say(task, ring, settled=settled)

    async def _say(self, task: Task, ring: Ring, *, settled: bool) -> None:
        try:
            await (self._tools.bell.answered(ring) if settled else self._tools.bell.unanswered(ring))
        except Transient as error:
            # It rings once more, and the store knows that the task is settled.
            line(log, logging.WARNING, "ring.unanswered", task=task.id, error=str(error), fix=error.fix)

    async def work_on(self, task: Task) -> bool:
        """One attempt at a claimed task, with its line in the log and its metric; False when the store was too busy."""
        begun = time.perf_counter()
        try:
            done = await process(task, self._tools, lease_seconds=self._lease_seconds, step_seconds=self._step_seconds)
        except StoreBusy as error:
            # Its lease runs out and it is taken up again: nothing was written.
            line(log, logging.ERROR, "task.unsettled", task=task.id, error=str(error), fix=error.fix)
            return False
        seconds = time.perf_counter() - begun
        self._tools.meter.observe("mailroom_task_seconds", seconds, kind=task.kind)
        report(done, self._tools.meter, seconds)
        return True

    async def _look_round(self) -> None:
        """Takes over from dead workers, and sweeps in its turn.

        It looks more often than either is due: whoever died over it, nobody waits much longer.
        """
        while True:
            await asyncio.sleep(timers.look_every(self._lease_seconds, self._sweep_seconds))
            for what, look in (("takeover", self._take_over), ("sweep", self._sweep)):
                try:
                    await look()
                except Exception as error:  # noqa: BLE001 - a look that ended for good would be missed by nobody
                    _tell(f"{what}.failed", error)

    async def _take_over(self) -> None:
        for done in await self._takeover.look(self._tools):
            report(done, self._tools.meter)

    async def _sweep(self) -> None:
        if await our_turn("sweep", self._owner, self._tools, every_seconds=self._sweep_seconds):
            swept = await sweep(self._tools)
            line(log, logging.INFO, "sweep", rung=swept.rung, overdue=swept.overdue, finished=swept.finished)

    async def _keep_tidy(self) -> None:
        """Forgets what is over, beside the sweep: a disk or bucket that does not answer holds up nothing else."""
        while True:
            await asyncio.sleep(self._sweep_seconds / timers.LOOKS)
            try:
                if await our_turn("retention", self._owner, self._tools, every_seconds=self._sweep_seconds):
                    report_tidied(await tidy(self._tools))
            except Exception as error:  # noqa: BLE001 - it must not end for good
                _tell("retention.failed", error)


def report_tidied(tidied: Tidied) -> None:
    """What was done away with, where there was anything, and what a person should know."""
    if counts := {name: count for name, count in tidied.counts.items() if count}:
        line(retention_log, logging.INFO, "retention", **counts)
    for trouble in tidied.troubles:
        line(retention_log, logging.WARNING, "retention.trouble", error=trouble)


def _tell(what: str, error: Exception) -> None:
    """An error that is not one of ours is a fault of ours, and shows its trace."""
    if isinstance(error, MailroomError):
        line(log, logging.ERROR, what, error=str(error), fix=error.fix)
    else:
        log.error(what, exc_info=error)


def report(done: Done, meter: Meter, seconds: float = 0.0) -> None:
    """Counts an attempt, and writes its line into the log. An error that is none of ours shows its trace."""
    meter.count("mailroom_tasks", kind=done.task.kind, outcome=done.outcome)
    ours = done.error is None or isinstance(done.error, MailroomError)
    level = logging.INFO if done.error is None else logging.WARNING
    if not ours:
        log.error("fault", exc_info=done.error)
    line(
        log, level, f"task.{done.outcome}", task=done.task.id, kind=done.task.kind, subject=done.task.subject,
        attempt=done.task.attempts, note=done.note, ms=round(seconds * 1000, 1),
    )  # fmt: skip
