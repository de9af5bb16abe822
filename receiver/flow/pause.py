"""Pauses: submission when the credits are used up, a destination when a person says so. The backlog is kept."""

import math

from receiver.core.change import Insert, Update, Write
from receiver.core.flag import Flag
from receiver.flow.tools import Tools

SUBMISSION = "submission"
FOR_EVER = math.inf
LOOK_AGAIN = 60.0
"""Seconds after which a paused task looks again."""


async def paused_until(what: str, tools: Tools) -> float | None:
    """Until when ``what`` (SUBMISSION, or a destination's place) is paused; None when it is not."""
    flag = await tools.store.get(Flag, _id(what))
    until = float(flag.value) if flag else 0.0
    return until if until > tools.clock() else None


async def pause(what: str, until: float, tools: Tools) -> Write:
    """The write that pauses it; ``until`` 0 resumes it."""
    flag = await tools.store.get(Flag, _id(what))
    fresh = Flag(id=_id(what), value=repr(until), at=tools.clock(), version=flag.version if flag else 0)
    return Update(fresh) if flag else Insert(fresh)


def place(url: str) -> str:
    """What a destination is paused by: its scheme and first part, ``s3://bucket`` or ``sqs://queue``."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.split('/')[0]}"


def _id(what: str) -> str:
    return f"paused:{what}"
