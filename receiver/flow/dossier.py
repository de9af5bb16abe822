"""The dossier of one document: all that is on record about it, gathered for a person."""

from dataclasses import dataclass, replace
from typing import Any

from receiver import show
from receiver.core.change import Query, R
from receiver.core.document import Document
from receiver.core.errors import NotFound
from receiver.core.event import Event
from receiver.core.job import Job
from receiver.core.task import Task
from receiver.ports import Store

PAGE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """A document with its jobs, their events, the tasks about either, and, of a packet, its pieces."""

    document: Document
    jobs: list[Job]
    events: list[Event]
    tasks: list[Task]
    pieces: list[Document]

    def shown(self) -> dict[str, Any]:
        """The dossier as the HTTP API and ``--json`` show it."""
        return show.document_whole(self.document) | {
            "jobs": [show.job(one) for one in self.jobs],
            "events": [show.event(one) for one in self.events],
            "tasks": [show.task(one) for one in self.tasks],
            "pieces": [show.document(one) for one in self.pieces],
        }


async def dossier(document_id: str, store: Store) -> Dossier:
    """The dossier of this document. Raises NotFound."""
    document = await store.get(Document, document_id)
    if document is None:
        raise NotFound(f"there is no document {document_id}", fix="mailroom documents lists them")
    jobs = await found(store, Job, Query(by="document", key=document.id), limit=100)
    told = [one for job in jobs for one in await found(store, Event, Query(by="job", key=job.id), limit=100)]
    events = [one for one in told if one.document_id in ("", document.id)]  # others only name its job
    subjects = [document.id, *(job.id for job in jobs)]
    tasks = [one for about in subjects for one in await found(store, Task, Query(by="subject", key=about), limit=200)]
    family = await found(store, Document, Query(by="batch", key=document.batch_id), limit=1000)
    pieces = show.in_page_order(one for one in family if one.parent_id == document.id)
    return Dossier(document=document, jobs=jobs, events=events, tasks=tasks, pieces=pieces)


async def found(store: Store, kind: type[R], query: Query, *, limit: int) -> list[R]:
    """Up to ``limit`` records, page after page."""
    records: list[R] = []
    cursor = query.cursor
    while len(records) < limit:
        page = await store.find(kind, replace(query, limit=min(limit - len(records), PAGE), cursor=cursor))
        records += page.records
        cursor = page.cursor
        if cursor is None:
            break
    return records
