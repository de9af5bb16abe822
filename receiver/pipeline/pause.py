"""Pauses: what LlamaCloud refuses us (pipeline/vendor_pause.py), and what a person holds. The backlog is kept."""

import math

import msgspec

from receiver.core.change import Insert, Replace, Write
from receiver.core.flag import Flag
from receiver.pipeline.context import Context

SUBMISSION, RESULTS = "submission", "results"
FOR_EVER = math.inf
LONGEST = 900.0
"""Seconds for which a refusal pauses at most."""
LOOK_AGAIN = 60.0
"""Seconds after which a paused task looks again."""


class Pause(msgspec.Struct, frozen=True, omit_defaults=True):
    """What holds. ``until`` 0 is nothing; a pause that a person set has no ``seconds``."""

    until: float = 0.0
    seconds: float = 0.0
    """For how long a refusal set it; the next one is longer."""
    reason: str = ""
    since: float = 0.0
    """When the first refusal came."""
    looks: str = ""
    """The task that was let through to look whether it is over."""
    at: float = 0.0
    """When this was written."""
    version: int | None = None
    """Of its record; None when there is none."""

    def holds(self, who: str, now: float) -> bool:
        """Whether ``who`` must wait. A refusal's pause is never as long as a clock that jumped would have it."""
        if self.looks and self.looks == who:
            return False
        return now < self.until and (not self.seconds or self.until <= now + LONGEST)


async def read_pause(what: str, context: Context) -> Pause:
    """What holds ``what``: SUBMISSION, RESULTS, or a destination's place."""
    flag = await context.store.get(Flag, _id(what))
    if flag is None:
        return Pause()
    said = msgspec.json.decode(flag.value, type=Pause) if flag.value.startswith("{") else Pause(float(flag.value))
    return msgspec.structs.replace(said, at=flag.at, version=flag.version)


def kept(what: str, pause: Pause, *, now: float) -> Write:
    """The write that puts this pause in the place of the one that was read."""
    plain = not pause.seconds
    said = msgspec.structs.replace(pause, at=0.0, version=None)
    value = repr(pause.until) if plain else msgspec.json.encode(said).decode()
    flag = Flag(id=_id(what), value=value, at=now, version=pause.version or 0)
    return Insert(flag) if pause.version is None else Replace(flag)


async def paused_until(what: str, context: Context) -> float | None:
    """Until when ``what`` is paused; None when it is not."""
    until = (await read_pause(what, context)).until
    return until if until > context.clock() else None


async def pause(what: str, until: float, context: Context) -> Write:
    """The write by which a person pauses it; ``until`` 0 resumes it."""
    known = await read_pause(what, context)
    return kept(what, Pause(until=until, version=known.version), now=context.clock())


def _id(what: str) -> str:
    return f"paused:{what}"
