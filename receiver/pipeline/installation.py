"""Which installation of Mailroom this is: a random id, made once and kept in the store, so it comes with a backup.

LlamaCloud knows projects, not installations. Two that share a project would otherwise ask under the same names.
"""

from receiver.core.flag import Flag
from receiver.pipeline.context import Context
from receiver.pipeline.flags import put_flag

FLAG = "installation"


async def installation(context: Context) -> str:
    """The id of this installation: 16 hexadecimal digits. The first process that asks makes it."""
    known = await context.store.get(Flag, FLAG)
    if known is not None:
        return known.value
    await put_flag(FLAG, context.random_id(), None, context)  # unless another process made it just now
    return await installation(context)


async def our_spool(context: Context) -> bool:
    """Whether the spool is this installation's; it becomes so when it is nobody's yet."""
    ours = await installation(context)
    return await context.spool.claim(ours) == ours
