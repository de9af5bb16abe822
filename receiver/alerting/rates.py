"""Rates: how many documents were received lately, for rules with a percentage.

Each sweep notes the total. Two notes give a rate, at a cost that does not depend on the size of the store.
"""

import msgspec

from receiver.core.flag import Flag
from receiver.pipeline.context import Context
from receiver.pipeline.flags import put_flag

NOTES = "rate:taken_in"
KEPT_SECONDS = 3900.0
"""A little more than the longest period of a rule."""
_notes = msgspec.json.Decoder(list[tuple[float, int]])


async def note_ingested(received: int, context: Context) -> None:
    """Notes that so many documents have been received so far."""
    now, flag = context.clock(), await context.store.get(Flag, NOTES)
    before = [(at, count) for at, count in _read(flag) if now - KEPT_SECONDS < at < now]
    value = msgspec.json.encode([*before, (now, received)]).decode()
    await put_flag(NOTES, value, flag, context)


async def ingested_within(seconds: float, context: Context) -> int:
    """Documents received during the last ``seconds``, to the precision of the sweep's interval."""
    now = context.clock()
    notes = [(at, count) for at, count in _read(await context.store.get(Flag, NOTES)) if at <= now]
    if not notes:
        return 0
    then = [count for at, count in notes if at <= now - seconds] or [notes[0][1]]
    return (await context.store.tally()).received - then[-1]


def _read(flag: Flag | None) -> list[tuple[float, int]]:
    return _notes.decode(flag.value) if flag else []
