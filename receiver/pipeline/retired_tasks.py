"""Retires the parked tasks of a document that gets another outcome, so that nobody replays them later."""

from receiver.core.change import Query, Replace, Write
from receiver.core.document import Document
from receiver.core.task import NOTICES, Task, TaskState
from receiver.pipeline.context import Context
from receiver.pipeline.records import every_record

PAGE = 200


async def retired(document: Document, context: Context) -> list[Write]:
    """Writes that retire the parked tasks about this document, which has another outcome."""
    now, keep = context.clock(), context.config.retention.tasks_seconds
    found: list[Write] = []
    for subject in dict.fromkeys(filter(None, (document.id, document.job_id))):
        async for task in every_record(Task, Query(by="subject", key=subject, limit=PAGE), context.store):
            if task.state is TaskState.PARKED and task.kind not in NOTICES:
                done = task.retire(now=now, keep_seconds=keep, note="the document has another outcome")
                found += [Replace(done)]
    return found
