"""Supervises background tasks, so that none of them ends unnoticed.

A task that ends is logged with its traceback, counted and started again after a pause; until then it counts as down.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from receiver.ports import Meter

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 60.0
"""Seconds before an ended task is started again; doubled each time, until the task has run that long."""

Background = Callable[[], Awaitable[object]]
"""A task that never ends by itself."""

log = logging.getLogger("mailroom.background")


class Ended(Exception):
    """A background task returned."""


class Supervisor:
    """Runs background tasks by name, and knows which of them are down."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._down: set[str] = set()

    def down(self) -> frozenset[str]:
        """The names of the tasks that ended and do not run again yet."""
        return frozenset(self._down)

    @asynccontextmanager
    async def running(self, tasks: Mapping[str, Background]) -> AsyncIterator[None]:
        """Runs these tasks during the block."""
        started = [asyncio.create_task(self._keep(name, task), name=name) for name, task in tasks.items()]
        try:
            yield
        finally:
            for item in started:
                item.cancel()
            await asyncio.gather(*started, return_exceptions=True)
            self._down -= tasks.keys()

    async def _keep(self, name: str, task: Background) -> None:
        loop, pause = asyncio.get_running_loop(), FIRST_PAUSE
        while True:
            begun = loop.time()
            await self._run(name, task)
            pause = FIRST_PAUSE if loop.time() - begun > LONGEST_PAUSE else pause
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _run(self, name: str, task: Background) -> None:
        """Runs a task until it ends, and reports that."""
        up = asyncio.get_running_loop().call_later(FIRST_PAUSE, self._down.discard, name)
        try:
            await task()
            raise Ended(f"{name} returned, which it never should")
        except asyncio.CancelledError as error:
            if (ours := asyncio.current_task()) and ours.cancelling():
                raise
            self._report(name, error)  # it was cancelled from within
        except Exception as error:  # noqa: BLE001 - whatever it was, the task goes on
            self._report(name, error)
        finally:
            up.cancel()

    def _report(self, name: str, error: BaseException) -> None:
        self._down.add(name)
        self._meter.count("mailroom_background_failures", task=name)
        log.error("background.failed", exc_info=error, extra={"facts": {"task": name}})
