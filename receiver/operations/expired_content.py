"""Removes the bytes of documents whose retention period has ended.

An index finds what may be removed: a document is in it from the moment it settles until its bytes are gone, and leaves
it when it is opened again. So none is missed, however late a document is decided.

First the document is marked, on the condition that it has the version that was read: if it is opened at the same time,
the mark fails, or whoever opens it sees that its bytes are removed. Then the bytes are removed, and last the location
is cleared on the record. After a crash in between, the marked document is still in the index, and the next pass
continues.
"""

import re
from collections.abc import AsyncIterator
from dataclasses import replace

from receiver.core.change import Query, Replace, succeeding
from receiver.core.document import SETTLED, Document, DocumentState
from receiver.core.errors import Conflict, Permanent, Transient
from receiver.core.task import Task, TaskState, submission_of
from receiver.operations.retention_clock import EARLIEST
from receiver.packets.pieces import pieces_of
from receiver.pipeline.context import Context
from receiver.pipeline.records import every_record

AT_ONCE = 200
"""Documents that one pass processes at most."""
FAILURES = 3
"""Failed releases after which the spool is the cause and not the document; the next pass tries again."""
_SHARED = re.compile(r"spool:[0-9a-f]{64}")
"""Locations of an earlier Mailroom, at which documents with the same bytes shared a file."""


async def delete_content(context: Context) -> tuple[int, list[Exception]]:
    """One pass. Returns how many documents' bytes were removed, and what went wrong."""
    return await _Pass(context).run()


class _Pass:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._troubles: list[Exception] = []
        self._shared: set[str] | None = None

    async def run(self) -> tuple[int, list[Exception]]:
        done = failed = 0
        async for document in self._due():
            try:
                done += await self._forget(document)
            except Transient as error:
                self._troubles.append(error)
                failed += 1
            if done == AT_ONCE or failed == FAILURES:
                break
        return done, self._troubles

    def _due(self) -> AsyncIterator[Document]:
        """The documents whose retention period has ended, in the order in which they settled."""
        before = self._context.clock() - self._context.config.retention.content_seconds
        query = Query(by="forgettable", key="content", until=before, limit=AT_ONCE)
        return every_record(Document, query, self._context.store)

    async def _forget(self, document: Document) -> bool:
        """Whether the bytes were removed. Raises Transient."""
        store, now = self._context.store, self._context.clock()
        if document.forgettable != "content":
            return False  # an older process opened it, which does not know this index
        try:
            if why := await self._needed(document):
                await store.apply(Replace(document.note(now, "content kept", why)))
                return False
            if document.forgotten_at is None:
                marked = replace(document, forgotten_at=now)
                await store.apply(Replace(marked))
                document = succeeding(marked)
            await self._release(document)
            await store.apply(Replace(replace(document, content="")))
        except Conflict:
            return False  # it was opened again just now, or another worker processes it
        return True

    async def _release(self, document: Document) -> None:
        try:
            await self._context.release(document.content)
        except Permanent as error:  # trying again cannot help, and must not block the others
            self._troubles.append(error)

    async def _needed(self, document: Document) -> str:
        """Why somebody may still need the bytes of this settled document; "" when nobody does.

        The reason is noted on the document, which is checked again after another retention period.
        """
        if document.settled_at is not None and document.settled_at < EARLIEST:
            return "it was settled while a clock was wrong, so their age is unknown"
        submission = await self._context.store.get(Task, submission_of(document, now=0).id)
        if submission is not None and submission.state is TaskState.PARKED:
            return "its submission is parked and may be replayed"
        for piece in await pieces_of(document, self._context):
            if piece.state not in SETTLED:
                return f"its piece {piece.id} is {piece.state}, and the packet may be cut again"
        if _SHARED.fullmatch(document.content) and document.content in await self._wanted():
            return "a document with the same bytes is not settled"
        return ""

    async def _wanted(self) -> set[str]:
        """The locations of all documents that are not settled; looked up only for locations that may be shared."""
        if self._shared is None:
            unsettled = [Query(by="state", key=state, limit=1000) for state in DocumentState if state not in SETTLED]
            pages = [every_record(Document, query, self._context.store) for query in unsettled]
            self._shared = {item.content for documents in pages async for item in documents}
        return self._shared
