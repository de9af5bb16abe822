"""Which installation of Mailroom this is: a random id, made once and kept in the store, so it comes with a backup.

LlamaCloud knows projects, not installations. Two that share a project would otherwise ask under the same names.
"""

import contextlib

from receiver.core.change import Insert
from receiver.core.errors import Conflict
from receiver.core.flag import Flag
from receiver.flow.tools import Tools

FLAG = "installation"


async def installation(tools: Tools) -> str:
    """The id of this installation: 16 hexadecimal digits. The first process that asks makes it."""
    known = await tools.store.get(Flag, FLAG)
    if known is not None:
        return known.value
    with contextlib.suppress(Conflict):  # then another process made it just now
        await tools.store.apply(Insert(Flag(id=FLAG, value=tools.random_id(), at=tools.clock())))
    return await installation(tools)


async def our_spool(tools: Tools) -> bool:
    """Whether the spool is this installation's; it becomes so when it is nobody's yet."""
    ours = await installation(tools)
    return await tools.spool.claim(ours) == ours
