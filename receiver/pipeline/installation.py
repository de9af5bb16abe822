"""The id of this installation of Mailroom: random, created once and stored, so that a backup includes it.

Names at LlamaCloud contain it. Two installations in one project would otherwise use the same names.
"""

from weakref import WeakKeyDictionary

from receiver.core.flag import RESTORED, Flag
from receiver.pipeline.context import Context
from receiver.pipeline.flags import put_flag
from receiver.ports import Store

FLAG = "installation"
_KNOWN: WeakKeyDictionary[Store, str] = WeakKeyDictionary()
_RESTORED: WeakKeyDictionary[Store, bool] = WeakKeyDictionary()
"""Values read from each open store; they do not change while it is open."""


async def installation(context: Context) -> str:
    """The id of this installation: 16 hexadecimal digits. The first process that asks creates it."""
    if context.store in _KNOWN:
        return _KNOWN[context.store]
    known = await context.store.get(Flag, FLAG)
    if known is not None:
        _KNOWN[context.store] = known.value
        return known.value
    await put_flag(FLAG, context.random_id(), None, context)  # unless another process made it just now
    return await installation(context)


async def may_come_again(document_id: str, context: Context) -> bool:
    """Whether a document that is new to the store may have been submitted before: the store came back from a backup,
    or may have removed the document (retention.documents_days).
    """
    if context.store not in _RESTORED:
        _RESTORED[context.store] = await context.store.get(Flag, RESTORED) is not None
    return _RESTORED[context.store] or await context.store.may_have_removed(document_id)


async def our_spool(context: Context) -> bool:
    """Whether the spool is this installation's; a spool without an owner becomes so."""
    ours = await installation(context)
    return await context.spool.claim(ours) == ours
