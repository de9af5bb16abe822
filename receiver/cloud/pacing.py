"""Keeps calls within LlamaCloud's rate limits.

A slot is taken when a request leaves, and is free again a whole window after its response came. The request arrived at
some moment between the two, so the vendor's count is kept however long the way is. A bucket (aiolimiter was considered)
lets up to twice the limit into one window, and counting departures fails when a burst arrives unevenly.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple

from receiver.ports import Clock


class RequestRate(NamedTuple):
    """At most ``limit`` requests in any ``seconds``; 0 means no limit."""

    limit: int
    seconds: float


JOB_RATE = RequestRate(40, 1.0)
"""Creations of jobs (reference 1.8; published for classify, none for split: both share this one)."""
UPLOAD_RATE = RequestRate(50, 5.0)
"""Uploads of files (reference 1.8)."""


class Pace:
    """Delays callers, first come first served, to keep within a rate."""

    def __init__(
        self,
        rate: RequestRate,
        *,
        clock: Clock = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._seconds = rate.seconds
        self._unlimited = not rate.limit
        self._clock = clock
        self._sleep = sleep
        self._closed_until = clock()
        self._free_from: asyncio.Queue[float] = asyncio.Queue()  # one moment per slot; wakes its waiters in order
        for _ in range(rate.limit):
            self._free_from.put_nowait(self._closed_until)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """A slot for one request; the block starts when it may leave."""
        if self._unlimited:
            await self._not_held()
            yield
            return
        free_from = await self._free_from.get()
        try:
            await self._not_held(free_from)
            free_from = float("inf")  # while the request is in progress, it is unknown when the slot is free
            yield
        finally:
            self._free_from.put_nowait(min(free_from, self._clock() + self._seconds))

    async def _not_held(self, free_from: float = 0.0) -> None:
        while (wait := max(free_from, self._closed_until) - self._clock()) > 0:
            await self._sleep(wait)

    def hold(self, seconds: float) -> None:
        """Holds all requests for this long: after a 429, because another client shares the limit."""
        self._closed_until = max(self._closed_until, self._clock() + seconds)
