"""The worker: waits for the bell, claims what is due, processes it, and sweeps now and then. Stops cleanly.

Any number of workers may run on one store; a lease keeps them apart.
"""

import asyncio
import contextlib
import logging
import os
import socket
import time
from collections.abc import AsyncIterator

from receiver.core.errors import MailroomError, StoreBusy
from receiver.core.task import Task
from receiver.flow.process import Done, process
from receiver.flow.sweep import sweep
from receiver.flow.tools import Tools
from receiver.log import line
from receiver.ports import Ring

log = logging.getLogger("mailroom.task")
PAUSE_AFTER_FAULT = 1.0


def owner_name() -> str:
    """Who holds a lease: this host and process."""
    return f"{socket.gethostname()}:{os.getpid()}"


class Worker:
    """Works on up to ``concurrency`` tasks at a time."""

    def __init__(
        self, tools: Tools, *, concurrency: int = 16, lease_seconds: float = 120.0, sweep_seconds: float = 60.0
    ) -> None:
        self._tools = tools
        self._concurrency = concurrency
        self._lease_seconds = lease_seconds
        self._sweep_seconds = sweep_seconds
        self._owner = owner_name()
        self._busy: set[asyncio.Task[bool]] = set()
        self._free = asyncio.Event()
        self._free.set()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The worker and its sweep, while the block lasts; tasks in hand are finished before it returns."""
        loops = [asyncio.create_task(self._work()), asyncio.create_task(self._sweep())]
        try:
            yield
        finally:
            for loop in loops:
                loop.cancel()
            await asyncio.gather(*loops, return_exceptions=True)
            await self.finish()

    async def finish(self) -> None:
        """Waits for the tasks in hand."""
        while self._busy:
            await asyncio.gather(*self._busy, return_exceptions=True)

    async def _work(self) -> None:
        while True:
            await self._free.wait()
            try:
                found = await self._take()
            except MailroomError as error:
                line(log, logging.ERROR, "worker.stalled", error=str(error), fix=error.fix)
                await asyncio.sleep(PAUSE_AFTER_FAULT)
                continue
            if not found:
                await self._listen()

    async def _take(self) -> int:
        """Claims what fits into the free hands, and starts on it."""
        tasks = await self._tools.store.claim(
            owner=self._owner,
            now=self._tools.clock(),
            lease_seconds=self._lease_seconds,
            limit=self._concurrency - len(self._busy),
        )
        for task in tasks:
            self._start(task)
        return len(tasks)

    async def _listen(self) -> None:
        rings: list[Ring] = await self._tools.bell.wait(timeout_seconds=20.0)
        await self._tools.bell.answered(*rings)

    def _start(self, task: Task) -> None:
        job = asyncio.create_task(self.work_on(task))
        self._busy.add(job)
        if len(self._busy) >= self._concurrency:
            self._free.clear()
        job.add_done_callback(self._ended)

    def _ended(self, job: asyncio.Task[bool]) -> None:
        self._busy.discard(job)
        self._free.set()

    async def work_on(self, task: Task) -> bool:
        """One attempt at a claimed task, with its line in the log and its metric; False when the store was too busy."""
        begun = time.perf_counter()
        try:
            done = await process(task, self._tools, lease_seconds=self._lease_seconds)
        except StoreBusy as error:
            # Its lease runs out and it is taken up again: nothing was written.
            line(log, logging.ERROR, "task.unsettled", task=task.id, error=str(error), fix=error.fix)
            return False
        seconds = time.perf_counter() - begun
        self._tools.meter.count("mailroom_tasks", kind=task.kind, outcome=done.outcome)
        self._tools.meter.observe("mailroom_task_seconds", seconds, kind=task.kind)
        _report(done, seconds)
        return True

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(self._sweep_seconds)
            try:
                swept = await sweep(self._tools)
            except MailroomError as error:
                line(log, logging.ERROR, "sweep.failed", error=str(error), fix=error.fix)
                continue
            line(log, logging.INFO, "sweep", rung=swept.rung, overdue=swept.overdue, finished=swept.finished)


def _report(done: Done, seconds: float) -> None:
    """The canonical line of a task. An error that is not one of ours is a fault of ours, and shows its trace."""
    ours = done.error is None or isinstance(done.error, MailroomError)
    level = logging.INFO if done.error is None else logging.WARNING
    if not ours:
        log.error("fault", exc_info=done.error)
    line(
        log, level, f"task.{done.outcome}", task=done.task.id, kind=done.task.kind, subject=done.task.subject,
        attempt=done.task.attempts, note=done.note, ms=round(seconds * 1000, 1),
    )  # fmt: skip
