"""One budget for all that shares a limit at LlamaCloud: nobody is refused for having asked too fast.

A sliding window and not a leaky bucket: a bucket that starts full lets twice the limit through in its first window,
and the vendor counts windows (reference 1.8: 40 classify creations in 1 s, 50 uploads in 5 s).
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from receiver.ports import Clock


class Rate(NamedTuple):
    """At most ``limit`` in any ``seconds``."""

    limit: int
    seconds: float


JOB_RATE = Rate(40, 1.1)
"""Job creations. A tenth more than the vendor's second: requests that leave evenly do not arrive evenly."""
UPLOAD_RATE = Rate(50, 5.5)
"""Uploads, with the same margin."""


class Pace:
    """Makes callers wait, first come first served, so that a rate is kept."""

    def __init__(
        self,
        rate: Rate,
        *,
        clock: Clock = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._rate = rate
        self._clock = clock
        self._sleep = sleep
        self._turn = asyncio.Lock()  # wakes its waiters in the order they came
        self._taken: deque[float] = deque(maxlen=rate.limit)
        self._closed_until = float("-inf")

    async def take(self) -> None:
        """Returns when one more fits the rate, and counts it."""
        async with self._turn:
            while (wait := self._free_at() - self._clock()) > 0:
                await self._sleep(wait)
            self._taken.append(self._clock())

    def hold(self, seconds: float) -> None:
        """Nobody passes for so long: the vendor said "too fast", so somebody else shares the budget."""
        self._closed_until = max(self._closed_until, self._clock() + seconds)

    def _free_at(self) -> float:
        full = len(self._taken) == self._rate.limit
        return max(self._closed_until, self._taken[0] + self._rate.seconds if full else self._closed_until)
