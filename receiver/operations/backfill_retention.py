"""Adds documents that an earlier release settled to the index of what may be removed, a few at a time.

In SQLite a migration has done this. In DynamoDB an item is in an index only if its last writer put it there, so each
document is written once more. All documents are processed once in the life of a store.
"""

import contextlib

from receiver.core.change import Query, Replace
from receiver.core.document import Document
from receiver.core.errors import Conflict
from receiver.core.flag import Flag
from receiver.pipeline.context import Context
from receiver.pipeline.flags import put_flag

AT_ONCE = 100
_FLAG = "retention:caught_up"


async def backfill_retention(context: Context) -> int:
    """Makes one pass. Returns how many documents it wrote."""
    flag = await context.store.get(Flag, _FLAG)
    if flag is not None and not flag.value:
        return 0
    page = await context.store.find(Document, Query(limit=AT_ONCE, cursor=flag.value if flag else None))
    settled = [item for item in page.records if item.forgettable is not None]
    for document in settled:
        with contextlib.suppress(Conflict):  # whoever changed it in between put it there
            await context.store.apply(Replace(document))
    await put_flag(_FLAG, page.cursor or "", flag, context)
    return len(settled)
