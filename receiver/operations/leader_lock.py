"""The lock for periodic work that one of the workers on a store does.

A flag records the last turn. The turn is over when this process has seen the flag unchanged for the whole interval, on
a monotonic clock. Only a process that has just started, and has seen nothing yet, uses the time that another machine
wrote.

The flag also shows how far apart the clocks of two workers are: a worker that finds the flag changed knows, on its own
clock, between which two checks it was written.
"""

import time

from receiver.core.flag import Flag
from receiver.pipeline.context import Context
from receiver.pipeline.flags import put_flag
from receiver.ports import Clock

EARLY = 0.02
"""Fraction of an interval by which a turn may come early, because sleeps are not that precise."""


class LeaderLock:
    """What one process has seen of the turns at ``what``; it must check several times in an interval."""

    def __init__(self, what: str, owner: str, *, every_seconds: float, clock: Clock = time.monotonic) -> None:
        """``clock`` measures how long the flag was seen unchanged."""
        self._id = f"turn:{what}"
        self._owner = owner
        self._every = every_seconds * (1 - EARLY)
        self._clock = clock
        self._version = -1
        self._since = 0.0
        self._checked = 0.0
        self._ahead = (0.0, 0.0)
        self.other = ""
        """The worker with which ``ahead`` compared this one."""

    async def acquired(self, context: Context) -> bool:
        """Whether to do the work now: true for one worker, once an interval. A worker that fails has used its turn."""
        began, last = self._clock(), await context.store.get(Flag, self._id)
        if last is not None:
            self._compare(last, context.clock())
        self._checked = began
        if last is not None and not self._is_over(last, context.clock()):
            return False
        if not await put_flag(self._id, self._owner, last, context):
            return False
        self._see(last.version + 1 if last else 0)
        return True

    def ahead(self) -> float:
        """By how many seconds our clock is ahead of that of ``other``, at least; negative where it is behind.

        0 unless two turns in a row showed it: a single one may come from a machine that was suspended while it wrote.
        """
        return min(self._ahead, key=abs) if self._ahead[0] * self._ahead[1] > 0 else 0.0

    def _compare(self, last: Flag, now: float) -> None:
        if self._version < 0 or last.version == self._version or last.value == self._owner:
            return
        self.other, earliest = last.value, now - (self._clock() - self._checked)
        self._ahead = self._ahead[1], max(earliest - last.at, 0.0) or min(now - last.at, 0.0)

    def _is_over(self, last: Flag, now: float) -> bool:
        if last.version == self._version:
            return self._clock() - self._since >= self._every
        first = self._version < 0
        self._see(last.version)
        return first and now - last.at >= self._every

    def _see(self, version: int) -> None:
        self._version, self._since = version, self._clock()
