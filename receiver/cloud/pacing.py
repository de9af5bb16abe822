"""Keeps calls within LlamaCloud's rate limits.

A slot is taken when a request is sent, and is free again a whole window after its response. LlamaCloud counts the
request at some moment between the two, so its limit is kept whatever the network delay is. A token bucket (aiolimiter
was considered) allows up to twice the limit in one window, and counting sent requests fails when a burst arrives
unevenly.
"""

import asyncio
import math
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
"""Creations of jobs (reference 1.8). The limit is published for classify only; split shares it here."""
UPLOAD_RATE = RequestRate(50, 5.0)
"""Uploads of files (reference 1.8)."""

REQUEST_RATE = RequestRate(0, 60.0)
"""All requests, where a plan limits them. LlamaCloud publishes no such limit for paid plans."""


class Pace:
    """Delays callers, first come first served, to keep within a rate."""

    def __init__(
        self,
        rate: RequestRate,
        *,
        clock: Clock = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._rate = rate
        self._seconds = rate.seconds
        self.is_unlimited = not rate.limit
        self._clock = clock
        self._sleep = sleep
        self._closed_until = clock()
        self._free_from = asyncio.PriorityQueue[float]()  # per slot: free from when; wakes waiters in order
        self._slots = rate.limit
        self._sending, self._sent_at = 0, -math.inf
        self._surplus = 0
        """Slots in use that are not put back, because the share has become smaller."""
        for _ in range(rate.limit):
            self._free_from.put_nowait(self._closed_until)

    def use(self, share: float, *, at_once: bool) -> None:
        """Uses this share of the rate from now on, at least one slot.

        New slots are free after a whole window, when requests that other processes made with them no longer count;
        with ``at_once`` immediately, because there were no other processes.
        """
        slots = min(self._rate.limit, max(1, int(self._rate.limit * share + 1e-6)))
        more, self._slots = slots - self._slots, slots
        free_from = self._clock() if at_once else self._clock() + self._seconds
        for _ in range(more):
            self._put_back(free_from)
        for _ in range(-more):
            if self._free_from.empty():
                self._surplus += 1
            else:
                self._free_from.get_nowait()

    def is_quiet(self) -> bool:
        """Whether no request was sent for a whole window, and none is in progress."""
        return self.is_unlimited or (not self._sending and self._clock() - self._sent_at >= self._seconds)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """A slot for one request. The block begins when the request may be sent."""
        if self.is_unlimited:
            await self._not_held()
            yield
            return
        self._sending += 1
        try:
            await self._slot()
            try:
                yield
            finally:  # only now is it known from when the slot is free
                self._sent_at = self._clock()
                self._put_back(self._sent_at + self._seconds)
        finally:
            self._sending -= 1

    async def _slot(self) -> None:
        """Takes a slot that is free, and still part of our share."""
        while True:
            free_from = await self._free_from.get()
            try:
                await self._not_held(free_from)
            except BaseException:
                self._put_back(free_from)
                raise
            if not self._surplus:
                return
            self._surplus -= 1

    def _put_back(self, free_from: float) -> None:
        if self._surplus:
            self._surplus -= 1
        else:
            self._free_from.put_nowait(free_from)

    async def _not_held(self, free_from: float = 0.0) -> None:
        while (wait := max(free_from, self._closed_until) - self._clock()) > 0:
            await self._sleep(wait)

    def hold(self, seconds: float) -> None:
        """Holds back all requests for this long, after a 429: another client shares the limit."""
        self._closed_until = max(self._closed_until, self._clock() + seconds)
