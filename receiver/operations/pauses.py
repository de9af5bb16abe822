"""What is paused now: by a person, or because LlamaCloud refuses requests."""

import math
from dataclasses import dataclass

from receiver.core.ids import place
from receiver.pipeline.context import Context
from receiver.pipeline.pause import RESULTS, SUBMISSION, read_pause

MOST_PLACES = 100
"""Maximum places whose pause is looked up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PausedWork:
    """One thing that is paused."""

    what: str
    """``submission``, ``results``, or the place of a destination."""
    until: float | None
    """None: until a person resumes it."""
    reason: str
    """Why; "" where a person paused it."""
    since: float | None
    by: str = ""
    """Who paused it; "" where LlamaCloud refused, or where nobody was named."""


async def paused_work(context: Context) -> list[PausedWork]:
    """What is paused, of submission, results and the destinations of the routing table."""
    places = list(dict.fromkeys(place(target.url) for target in context.config.table.targets()))
    found, now = [], context.clock()
    for what in (SUBMISSION, RESULTS, *places[:MOST_PLACES]):
        pause = await read_pause(what, context)
        if pause.until > now:
            until = None if math.isinf(pause.until) else pause.until
            since = pause.since or pause.at or None
            found.append(PausedWork(what=what, until=until, reason=pause.reason, since=since, by=pause.by))
    return found
