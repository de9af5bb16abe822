"""Whether events can be stored. Anybody may ask, so the response is the result of the last check, and costs nothing.

A server checks periodically, by a write. In Lambda, which has no background task, the first request checks, and the
result is reused for a while; ``readiness_by_reading`` writes nothing there, because strangers can cause the checks.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection

from receiver.core.errors import StoreBusy
from receiver.core.event import Event
from receiver.http.problems import INTERNAL, ErrorReply, problem_of
from receiver.ports import Store

log = logging.getLogger("mailroom.http")
LOOK_SECONDS = 5.0
"""Seconds between two checks by a server."""
GOOD_SECONDS = 15.0
"""Maximum age of a result, in seconds."""
PATIENCE_SECONDS = 10.0
"""Seconds without a response after which the store counts as busy."""


def _nothing() -> Collection[str]:
    return ()


class Readiness:
    """The result of the last check, and the background tasks that are down. A failed check raises StoreBusy."""

    def __init__(
        self,
        check: Callable[[], Awaitable[object]],
        *,
        down: Callable[[], Collection[str]] = _nothing,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.down = down
        self._check = check
        self._clock = clock
        self._looked_at = float("-inf")
        self._problem: ErrorReply | None = None
        self._look: asyncio.Task[None] | None = None

    async def problem(self) -> ErrorReply | None:
        """Why no event could be stored at the last check; None if one could."""
        if self._clock() - self._looked_at > GOOD_SECONDS:
            await self.look()
        return self._problem

    async def look(self) -> None:
        """Makes a check. Concurrent callers wait for the same one."""
        if self._look is None or self._look.done():
            self._look = asyncio.create_task(self._try())
        await asyncio.shield(self._look)

    async def keep_looking(self) -> None:
        """Checks periodically; never returns."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_SECONDS)

    async def _try(self) -> None:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._check()
        except StoreBusy as error:
            self._problem = problem_of(error)
        except TimeoutError:
            self._problem = problem_of(StoreBusy())
        except Exception:
            log.exception("unhandled_exception")
            self._problem = INTERNAL
        else:
            self._problem = None
        self._looked_at = self._clock()


def readiness_by_reading(store: Store) -> Readiness:
    """Readiness by a read of an event that does not exist, which each of our roles is allowed."""
    return Readiness(lambda: store.get(Event, "readiness"))
