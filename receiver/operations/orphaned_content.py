"""Removes bytes in the spool without a document, left by a crash between storing bytes and record.

A document names the one place where its bytes lie. What else lies in the spool under its id is nobody's: a keeping that
was repeated, a removal that was broken off. Bytes of a document that this store does not know may have belonged to an
upload that was never acknowledged; but another store may know them, or a newer copy of this one. So they go only from
a spool that is this installation's own, and as late as a document's bytes would.
"""

from receiver.core.document import Document
from receiver.core.errors import Permanent
from receiver.core.flag import Flag
from receiver.operations.unfinished_files import UNTOUCHED
from receiver.pipeline.context import Context
from receiver.pipeline.flags import put_flag
from receiver.pipeline.installation import our_spool

AT_ONCE = 500
"""Places that one pass looks at; the next one goes on from there, and round and round."""
EVERY = 3600.0
_FLAG = "spool:looked_through"


async def release_orphans(context: Context) -> tuple[int, list[Exception]]:
    """One pass: how many there were, and what went wrong."""
    now = context.clock()
    flag = await context.store.get(Flag, _FLAG)
    if flag is not None and flag.value == "" and 0 <= now - flag.at < EVERY:
        return 0, []  # the last round ended within the hour
    places = await context.spool.listed(after=flag.value if flag else "", limit=AT_ONCE)
    released, troubles = 0, list[Exception]()
    for location, kept_at in places:
        if await _is_stray(location, now - kept_at, context):
            try:
                await context.release(location)
                released += 1
            except Permanent as error:  # it stays, and must not keep us from the others
                troubles.append(error)
    await put_flag(_FLAG, places[-1][0] if len(places) == AT_ONCE else "", flag, context)  # where the next pass goes on
    return released, troubles


async def _is_stray(location: str, age: float, context: Context) -> bool:
    owner, mark, _ = location.removeprefix("spool:").partition(".")
    if not mark or age < UNTOUCHED:
        return False  # shared by documents of an earlier Mailroom; or of one that is being taken in now
    document = await context.store.get(Document, owner)
    if document is not None:
        return document.content != location
    return age > context.config.retention.content_seconds and await our_spool(context)
