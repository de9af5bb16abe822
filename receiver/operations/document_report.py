"""The report on one document: everything on record about it, for a person."""

from dataclasses import dataclass
from typing import Any

from receiver import show
from receiver.core.change import Query
from receiver.core.document import Document
from receiver.core.errors import NotFound
from receiver.core.event import Event
from receiver.core.job import Job
from receiver.core.task import Task
from receiver.pipeline.records import find_records
from receiver.ports import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentReport:
    """A document with its jobs, their events, the tasks about either, and, of a packet, its pieces."""

    document: Document
    jobs: list[Job]
    events: list[Event]
    tasks: list[Task]
    pieces: list[Document]

    def shown(self) -> dict[str, Any]:
        """The report as the HTTP API and ``--json`` show it."""
        return show.document_whole(self.document) | {
            "jobs": [show.job(item) for item in self.jobs],
            "events": [show.event(item) for item in self.events],
            "tasks": [show.task(item) for item in self.tasks],
            "pieces": [show.document(item) for item in self.pieces],
        }


async def document_report(document_id: str, store: Store) -> DocumentReport:
    """The report on this document. Raises NotFound."""
    document = await store.get(Document, document_id)
    if document is None:
        raise NotFound(f"there is no document {document_id}", fix="to list them: mailroom documents")
    jobs = await find_records(store, Job, Query(by="document", key=document.id), limit=100)
    named = [item for job in jobs for item in await find_records(store, Event, Query(by="job", key=job.id), limit=100)]
    events = [item for item in named if item.document_id in ("", document.id)]  # others only name its job
    subjects = [document.id, *(job.id for job in jobs)]
    tasks = [
        item
        for about in subjects
        for item in await find_records(store, Task, Query(by="subject", key=about), limit=200)
    ]
    family = await find_records(store, Document, Query(by="batch", key=document.batch_id), limit=1000)
    pieces = show.in_page_order(item for item in family if item.parent_id == document.id)
    return DocumentReport(document=document, jobs=jobs, events=events, tasks=tasks, pieces=pieces)
