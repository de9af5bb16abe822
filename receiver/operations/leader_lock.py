"""The lock for periodic work that one of the workers on a store does.

A flag records the last turn. The turn is over when this process has seen the flag unchanged for the whole interval, on
a monotonic clock. The time that another machine wrote is believed once, by a process that has just started and has seen
nothing yet.
"""

import time

from receiver.core.flag import Flag
from receiver.pipeline.context import Context
from receiver.pipeline.flags import put_flag
from receiver.ports import Clock

EARLY = 0.02
"""The part of an interval by which a turn may come early: sleeps are not that precise."""


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

    async def acquired(self, context: Context) -> bool:
        """Whether to do it now: true for one worker, once an interval. A worker that then fails has used its turn."""
        last = await context.store.get(Flag, self._id)
        if last is not None and not self._is_over(last, context.clock()):
            return False
        if not await put_flag(self._id, self._owner, last, context):
            return False
        self._see(last.version + 1 if last else 0)
        return True

    def _is_over(self, last: Flag, now: float) -> bool:
        if last.version == self._version:
            return self._clock() - self._since >= self._every
        first = self._version < 0
        self._see(last.version)
        return first and now - last.at >= self._every

    def _see(self, version: int) -> None:
        self._version, self._since = version, self._clock()
