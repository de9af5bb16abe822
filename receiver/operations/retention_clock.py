"""The time that retention uses: it follows the machine's clock by a bounded step in each pass.

A removal is final. A machine may start with a clock that is a year ahead, until NTP corrects it a minute later, and
must not remove a year's documents in that minute. A jump ahead may also mean that the machine was off for that long. So
retention follows any jump in steps, and catches up within hours.
"""

from receiver.core.flag import Flag
from receiver.pipeline.context import Context
from receiver.pipeline.flags import put_flag

STEP = 3600.0
"""Maximum seconds by which one pass advances, in addition to the interval between two passes."""
EARLIEST = 1_767_225_600.0
"""2026-01-01. A clock that shows an earlier time is wrong, and its first pass must not set back all later ones. The
retention period of what settled by such a clock begins when that is noticed."""
_FLAG = "clock:retention"


async def retention_time(context: Context, *, every_seconds: float) -> float:
    """The time of this pass, in seconds since 1970; never later than this machine's clock.

    ``every_seconds`` is the interval between two passes. Raises StoreBusy.
    """
    now, last = context.clock(), await context.store.get(Flag, _FLAG)
    step = STEP + 2 * every_seconds
    at = max(now, EARLIEST) if last is None else min(max(now, last.at - step), last.at + step)
    await put_flag(_FLAG, "", last, context, at=at)  # unless another process has just made a pass
    return min(now, at)
