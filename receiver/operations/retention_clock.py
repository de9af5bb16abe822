"""The time that retention uses: it follows the machine's clock, by a bounded step a pass.

What was removed does not come back. A machine may start with a clock that is a year ahead, until NTP corrects it a
minute later. It must not have removed a year's documents by then. Its own clock cannot tell how long a machine was off,
so no gap is believed at once: after a long time off, retention catches up within hours.
"""

from receiver.core.flag import Flag
from receiver.pipeline.context import Context
from receiver.pipeline.flags import put_flag

STEP = 3600.0
"""Seconds that one pass believes at most, beyond what lies between two passes."""
EARLIEST = 1_767_225_600.0
"""2026-01-01: a clock that shows less is wrong. A first pass by it must not set back all later ones; what settled by it
is kept for its time from when that is seen."""
_FLAG = "clock:retention"


async def retention_time(context: Context, *, every_seconds: float) -> float:
    """The time, in seconds since 1970, by which this pass may judge; never later than the clock of this machine.

    ``every_seconds`` lie between two passes. Raises StoreBusy.
    """
    now, last = context.clock(), await context.store.get(Flag, _FLAG)
    step = STEP + 2 * every_seconds
    at = max(now, EARLIEST) if last is None else min(max(now, last.at - step), last.at + step)
    await put_flag(_FLAG, "", last, context, at=at)  # unless another process just had a pass, and took its step
    return min(now, at)
