"""Catch up: documents that an earlier Mailroom settled are put where what may be forgotten is found, a few at a time.

SQLite's schema has done it for its own. In DynamoDB an item is in an index only if its last writer put it there, so
each is written once more. It goes through all documents once in the life of a store.
"""

import contextlib

from receiver.core.change import Query, Update, put
from receiver.core.document import Document
from receiver.core.errors import Conflict
from receiver.core.flag import Flag
from receiver.flow.tools import Tools

AT_ONCE = 100
_FLAG = "retention:caught_up"


async def catch_up(tools: Tools) -> int:
    """One pass; how many documents it wrote."""
    flag = await tools.store.get(Flag, _FLAG)
    if flag is not None and not flag.value:
        return 0
    page = await tools.store.find(Document, Query(limit=AT_ONCE, cursor=flag.value if flag else None))
    settled = [one for one in page.records if one.forgettable is not None]
    for document in settled:
        with contextlib.suppress(Conflict):  # whoever changed it meanwhile put it there
            await tools.store.apply(Update(document))
    passed = Flag(id=_FLAG, value=page.cursor or "", at=tools.clock())
    with contextlib.suppress(Conflict):  # another worker does the same
        await tools.store.apply(put(passed, flag))
    return len(settled)
