"""Forget: the bytes of documents that have had their place for long leave the spool.

The records stay: the books rest on them. The sweep goes through the documents in the order of their intake, a little at
each pass, and remembers how far it came.
"""

from receiver.core.change import Insert, Query, Update
from receiver.core.document import Document, DocumentState
from receiver.core.errors import Conflict
from receiver.core.flag import Flag
from receiver.flow.tools import Tools

WATERMARK = "spool:forgotten"
DONE = (DocumentState.ROUTED, DocumentState.FAILED)


async def forget(tools: Tools, *, limit: int = 200) -> int:
    """One pass; how many documents' bytes were let go."""
    now = tools.clock()
    before = now - tools.config.retention.content_seconds
    flag = await tools.store.get(Flag, WATERMARK)
    page = await tools.store.find(Document, Query(since=float(flag.value) if flag else None, until=before, limit=limit))
    passed = [one for one in page.records if isinstance(one, Document)]
    forgotten = 0
    for document in passed:
        if document.state in DONE and document.content.startswith("spool:"):
            forgotten += await tools.spool.forget(document.content, kept_before=before)
    if passed:
        await _remember(flag, passed[-1].taken_in_at, now, tools)
    return forgotten


async def _remember(flag: Flag | None, at: float, now: float, tools: Tools) -> None:
    """The next pass begins with this moment again: what was forgotten there is forgotten only once."""
    moved = Flag(id=WATERMARK, value=repr(at), at=now, version=flag.version if flag else 0)
    try:
        await tools.store.apply(Update(moved) if flag else Insert(moved))
    except Conflict:
        return  # another worker's sweep went ahead
