"""Removes bytes in the spool without a document, left by a crash between storing bytes and record.

A document names the one place of its bytes. Anything else in the spool under its id is an orphan of a repeated write or
an interrupted removal. Bytes of a document that this store does not know may come from an upload that was never
acknowledged; but another store, or a newer copy of this one, may know the document. So they are removed only from a
spool that is this installation's own, and not earlier than a document's bytes would be.
"""

from receiver.core.document import Document
from receiver.core.errors import Permanent
from receiver.core.flag import Flag
from receiver.operations.unfinished_files import UNTOUCHED
from receiver.pipeline.context import Context
from receiver.pipeline.flags import put_flag
from receiver.pipeline.installation import our_spool

AT_ONCE = 500
"""Places that one pass checks; the next one continues, and starts again at the end."""
EVERY = 3600.0
_FLAG = "spool:looked_through"


async def release_orphans(context: Context) -> tuple[int, list[Exception]]:
    """One pass. Returns how many were removed, and what went wrong."""
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
            except Permanent as error:  # these bytes stay, but do not block the others
                troubles.append(error)
    await put_flag(_FLAG, places[-1][0] if len(places) == AT_ONCE else "", flag, context)  # where the next one begins
    return released, troubles


async def _is_stray(location: str, age: float, context: Context) -> bool:
    owner, mark, _ = location.removeprefix("spool:").partition(".")
    if not mark or age < UNTOUCHED:
        return False  # shared by documents of an earlier Mailroom, or of one that is being ingested now
    document = await context.store.get(Document, owner)
    if document is not None:
        return document.content != location
    return age > context.config.retention.content_seconds and await our_spool(context)
