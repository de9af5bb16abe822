"""Limits how long tasks may wait, by one periodic check instead of a timer for each task.

``asyncio.timeout`` sets and clears a timer, which at some thousand requests a second costs more than reading them.
"""

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

T = TypeVar("T")


class DeadlineTracker:
    """The deadlines of the tasks of one event loop. A task waits for one thing at a time."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._waiting: dict[asyncio.Task[Any], float] = {}
        self._lost: set[asyncio.Task[Any]] = set()
        self._looking = False

    async def wait(self, awaitable: Awaitable[T]) -> T:
        """The awaited result. Raises TimeoutError after ``seconds``, or up to a quarter more."""
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task is not None
        self._waiting[task] = loop.time() + self._seconds
        if not self._looking:
            self._look(loop)
        try:
            return await awaitable
        except asyncio.CancelledError:
            if task in self._lost and task.uncancel() == 0:
                raise TimeoutError from None
            raise
        finally:
            self._waiting.pop(task, None)
            self._lost.discard(task)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        """Cancels the tasks that have waited too long, and checks again while others are waiting."""
        now = loop.time()
        for task in [task for task, until in self._waiting.items() if until <= now]:
            del self._waiting[task]
            self._lost.add(task)
            task.cancel()
        self._looking = bool(self._waiting)
        if self._looking:
            loop.call_later(self._seconds / 4, self._look, loop)
