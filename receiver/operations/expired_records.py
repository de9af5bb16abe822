"""Removes the records of documents, with their jobs, after ``retention.documents_days``.

With ``retention.archive`` they are archived first; while that fails, nothing is removed. A packet and its pieces, or
the documents of one e-mail, are removed together, and only when each of them may be. One that must wait for others
leaves the index: the last of them to settle finds the whole batch again.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from receiver.core.change import Delete, Query, Replace, kind_of
from receiver.core.document import Document
from receiver.core.errors import Conflict, MailroomError
from receiver.core.flag import Flag, bytes_flag, verified_flag
from receiver.core.job import Job
from receiver.core.task import NOTICES, Task, TaskState
from receiver.operations.archive_records import archive_records
from receiver.pipeline.context import Context
from receiver.pipeline.records import every_record

AT_ONCE = 200
"""Documents that one pass checks, and about as many as it removes."""
BATCHES = 8
"""Batches that are archived and removed at the same time."""
MANY = 500


async def delete_records(context: Context) -> tuple[int, list[Exception]]:
    """One pass. Returns how many documents' records were removed, and what went wrong."""
    seconds = context.config.retention.documents_seconds
    if seconds is None:
        return 0, []
    before, forgotten, troubles = context.clock() - seconds, 0, list[Exception]()
    query = Query(by="forgettable", key="record", until=before, limit=AT_ONCE)
    due = [item for item in (await context.store.find(Document, query)).records if item.forgettable == "record"]
    batch_ids = list(dict.fromkeys(item.batch_id for item in due))
    while batch_ids and forgotten < AT_ONCE and not troubles:
        now, batch_ids = batch_ids[:BATCHES], batch_ids[BATCHES:]
        done = await asyncio.gather(*(_tried(item, before, context) for item in now), return_exceptions=True)
        for outcome in done:
            if isinstance(outcome, BaseException) and not isinstance(outcome, MailroomError):
                raise outcome
        forgotten += sum(outcome for outcome in done if isinstance(outcome, int))
        troubles += [outcome for outcome in done if isinstance(outcome, MailroomError)]
    return forgotten, troubles


async def _tried(batch_id: str, before: float, context: Context) -> int:
    with contextlib.suppress(Conflict):  # one was opened again, or another worker processes it
        return await _forget_batch(batch_id, before, context)
    return 0


async def _forget_batch(batch_id: str, before: float, context: Context) -> int:
    """Removes the whole batch, or nothing yet. Returns how many documents were removed. Raises Conflict."""
    batch = await _batch(batch_id, context)
    over = [item for item in batch if _is_over(item, before)]
    if len(over) < len(batch) or await _unfinished(batch, context):
        for item in over:
            if item.forgettable == "record":
                await context.store.apply(Replace(replace(item, passed_over_at=item.settled_at)))
        return 0
    await archive_records(batch, context)
    await _require_unchanged(batch, context)
    for item in _inmost_first(batch):
        await _remove(item, context)
    return len(batch)


async def _batch(batch_id: str, context: Context) -> list[Document]:
    return [item async for item in every_record(Document, Query(by="batch", key=batch_id, limit=MANY), context.store)]


async def _require_unchanged(batch: Sequence[Document], context: Context) -> None:
    """Raises Conflict if a document changed, or joined the batch, during archiving; then all of them stay."""
    before = {item.id: item.version for item in batch}
    for item in await _batch(batch[0].batch_id, context):
        if before.get(item.id) != item.version:
            raise Conflict(kind_of(item), item.id)


def _inmost_first(batch: Sequence[Document]) -> list[Document]:
    """Pieces before their packets, and packets before their mail: a crash leaves nothing without its container."""
    by_id = {item.id: item for item in batch}

    def depth(item: Document) -> int:
        return 1 + depth(by_id[item.parent_id]) if item.parent_id in by_id else 0

    return sorted(batch, key=depth, reverse=True)


def _is_over(document: Document, before: float) -> bool:
    """Whether nothing has happened to it for long enough, and its bytes are gone."""
    return document.settled_at is not None and document.settled_at < before and not document.content


async def _unfinished(batch: Sequence[Document], context: Context) -> bool:
    """Whether something still has to be done for one of them, even if only by a person."""
    return any([task.state is not TaskState.DONE for item in batch async for task in _tasks(item, context)])


async def _tasks(document: Document, context: Context) -> AsyncIterator[Task]:
    """The stored tasks about the document or its jobs, except those that only notify."""
    for subject in (document.id, *(job.id for job in await _jobs(document, context))):
        async for task in every_record(Task, Query(by="subject", key=subject, limit=MANY), context.store):
            if task.kind not in NOTICES:
                yield task


async def _jobs(document: Document, context: Context) -> list[Job]:
    return [job async for job in every_record(Job, Query(by="document", key=document.id, limit=MANY), context.store)]


async def _remove(document: Document, context: Context) -> None:
    """Removes the document, its jobs, the records that point to it, and those that would block it if it came again.

    Raises Conflict before anything is removed that is still to be done: the document was opened again.
    """
    tasks = [task async for task in _tasks(document, context)]
    for task in tasks:
        if task.state is not TaskState.DONE:
            raise Conflict(kind_of(task), task.id)
    for task in tasks:
        await context.store.apply(Delete(task))
    first = await context.store.get(Flag, bytes_flag(document.sha256))
    notes = [first] if first is not None and first.value == document.id else []
    if (verified := await context.store.get(Flag, verified_flag(document.id))) is not None:
        notes.append(verified)
    await context.store.apply(Delete(document), *map(Delete, await _jobs(document, context)), *map(Delete, notes))
