"""Flags: what one process stores for the next pass, or for others that share the store."""

from receiver.core.change import Write, put
from receiver.core.errors import Conflict
from receiver.core.flag import Flag
from receiver.pipeline.context import Context


async def put_flag(
    flag_id: str, value: str, known: Flag | None, context: Context, *also: Write, at: float | None = None
) -> bool:
    """Writes a flag in place of the ``known`` one, together with ``also``; ``at`` is now by default.

    False, and nothing is written, when another process was faster.
    """
    flag = Flag(id=flag_id, value=value, at=context.clock() if at is None else at)
    try:
        await context.store.apply(put(flag, known), *also)
    except Conflict:
        return False
    return True
