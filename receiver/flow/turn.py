"""Turns: what is to be done once in a while, by one of the workers that share a store."""

from receiver.core.change import Insert, Update
from receiver.core.errors import Conflict
from receiver.core.flag import Flag
from receiver.flow.tools import Tools

EARLY = 0.02
"""The part of an interval by which a turn may come early: clocks and sleeps are not that exact."""


async def our_turn(what: str, owner: str, tools: Tools, *, every_seconds: float) -> bool:
    """Whether ``owner`` is to do it now: true for one worker, once in ``every_seconds``. Who then fails has had it."""
    now = tools.clock()
    last = await tools.store.get(Flag, f"turn:{what}")
    if last is not None and now - last.at < every_seconds * (1 - EARLY):
        return False
    turn = Flag(id=f"turn:{what}", value=owner, at=now, version=last.version if last else 0)
    try:
        await tools.store.apply(Update(turn) if last else Insert(turn))
    except Conflict:
        return False
    return True
