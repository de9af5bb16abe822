"""Forget: the records of documents, with their jobs, when ``retention.documents_days`` says so.

A packet and its pieces, or the documents of one e-mail, are forgotten together, and only when each of them may be. One
that must wait for others leaves the index: the last of them to settle finds the whole batch again.
"""

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from receiver.core.change import Delete, Query, Update
from receiver.core.document import Document
from receiver.core.errors import Conflict
from receiver.core.flag import Flag, bytes_flag
from receiver.core.job import Job
from receiver.core.task import Task, TaskState
from receiver.flow.every import every
from receiver.flow.tools import Tools

AT_ONCE = 200
"""Documents that one pass looks at, and about as many as it forgets."""
MANY = 500
TELLING = ("alert", "notify")
"""Kinds of tasks that need no document: they carry what they tell."""


async def forget_documents(tools: Tools) -> int:
    """One pass; how many documents' records were removed."""
    seconds = tools.config.retention.documents_seconds
    if seconds is None:
        return 0
    before, forgotten = tools.clock() - seconds, 0
    query = Query(by="forgettable", key="record", until=before, limit=AT_ONCE)
    due = [one for one in (await tools.store.find(Document, query)).records if one.forgettable == "record"]
    for batch_id in dict.fromkeys(one.batch_id for one in due):
        with contextlib.suppress(Conflict):  # one was opened again, or another worker is at it: the next pass will see
            forgotten += await _forget_batch(batch_id, before, tools)
        if forgotten >= AT_ONCE:
            break
    return forgotten


async def _forget_batch(batch_id: str, before: float, tools: Tools) -> int:
    """How many documents were removed: the whole batch, or none of it yet. Raises Conflict."""
    batch = [one async for one in every(Document, Query(by="batch", key=batch_id, limit=MANY), tools.store)]
    over = [one for one in batch if _is_over(one, before)]
    if len(over) < len(batch) or await _unfinished(batch, tools):
        for one in over:
            if one.forgettable == "record":
                await tools.store.apply(Update(replace(one, passed_over_at=one.settled_at)))
        return 0
    for one in _inmost_first(batch):
        await _remove(one, tools)
    return len(batch)


def _inmost_first(batch: Sequence[Document]) -> list[Document]:
    """Pieces before their packets, and these before their mail: a crash leaves nothing without its container."""
    by_id = {one.id: one for one in batch}

    def depth(one: Document) -> int:
        return 1 + depth(by_id[one.parent_id]) if one.parent_id in by_id else 0

    return sorted(batch, key=depth, reverse=True)


def _is_over(document: Document, before: float) -> bool:
    """Whether nothing has happened to it for long enough, and its bytes are gone."""
    return document.settled_at is not None and document.settled_at < before and not document.content


async def _unfinished(batch: Sequence[Document], tools: Tools) -> bool:
    """Whether something is still to be done for one of them, if only by a person."""
    return any([task.state is not TaskState.DONE for one in batch async for task in _tasks(one, tools)])


async def _tasks(document: Document, tools: Tools) -> AsyncIterator[Task]:
    """The tasks about the document or its jobs that are remembered still, but for those that only tell of it."""
    for subject in (document.id, *(job.id for job in await _jobs(document, tools))):
        async for task in every(Task, Query(by="subject", key=subject, limit=MANY), tools.store):
            if task.kind not in TELLING:
                yield task


async def _jobs(document: Document, tools: Tools) -> list[Job]:
    return [job async for job in every(Job, Query(by="document", key=document.id, limit=MANY), tools.store)]


async def _remove(document: Document, tools: Tools) -> None:
    """The document, its jobs, and what would stand in the way if it came in again, or point to it."""
    async for task in _tasks(document, tools):
        await tools.store.apply(Delete(task))
    first = await tools.store.get(Flag, bytes_flag(document.sha256))
    notes = [first] if first is not None and first.value == document.id else []
    await tools.store.apply(Delete(document), *map(Delete, await _jobs(document, tools)), *map(Delete, notes))
