"""The report on one document: everything on record about it, for a person."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from receiver import show
from receiver.core.change import Query
from receiver.core.copy_check import DocumentCheck
from receiver.core.decision import undoable
from receiver.core.document import Document, DocumentState
from receiver.core.errors import NotAllowed, NotFound
from receiver.core.event import Event
from receiver.core.ids import DOCUMENT
from receiver.core.job import Job
from receiver.core.media import PDF
from receiver.core.plan import Way
from receiver.core.records_archive import archive_pattern
from receiver.core.task import NOTICES, Task, TaskState
from receiver.core.waiting import waiting_for
from receiver.operations.failed_documents import why_not
from receiver.operations.manual_routing import refuse_correction
from receiver.operations.verify_copies import last_check
from receiver.pipeline.records import find_records
from receiver.ports import Store

MOST = 100
"""Maximum jobs of a document, and events of a job, that are shown; twice as many tasks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentReport:
    """A document with its jobs, their events, the tasks about either, and, of a packet, its pieces."""

    document: Document
    jobs: list[Job]
    events: list[Event]
    tasks: list[Task]
    pieces: list[Document]
    verified: DocumentCheck | None = None
    """What was found when its copies were read back last."""

    def on_record(self) -> dict[str, Any]:
        """All that is stored, as data."""
        return show.document_whole(self.document) | {
            "jobs": [show.job(item) for item in self.jobs],
            "events": [show.event(item) for item in self.events],
            "tasks": [show.task(item) for item in self.tasks],
            "pieces": [show.document(item) for item in self.pieces],
        }

    def shown(self) -> dict[str, Any]:
        """The report as the HTTP API and ``--json`` show it: what is stored, and what follows from that now."""
        return self.on_record() | {
            "version": self.document.version,
            "actions": self.actions,
            "verified": show.check(self.verified) if self.verified else None,
            "waits_for": [show.waits_for(item) for item in waiting_for(self.document, self.tasks)],
        }

    @property
    def actions(self) -> list[str]:
        """What a person can do with the document now, by the names of the API's endpoints."""
        document = self.document
        waits = document.state in (DocumentState.REVIEW, DocumentState.FAILED)
        resubmittable = waits and not why_not(document)
        gave_up = any(item.gave_up for item in document.deliveries)
        stuck = gave_up or any(item.state is TaskState.PARKED and item.kind not in NOTICES for item in self.tasks)
        can = {
            "route": _correctable(document),
            "undo": _correctable(document) and undoable(document.decisions) is not None,
            "retry": stuck and document.state is not DocumentState.OPEN,
            "resubmit": resubmittable,
            "file": resubmittable,
            "unlock": resubmittable and document.media_type == PDF,
            "dismiss": waits and not (document.plan and document.plan.way is Way.DISMISSED),
        }
        return [name for name, possible in can.items() if possible]


def _correctable(document: Document) -> bool:
    try:
        refuse_correction(document)
    except NotAllowed:
        return False
    return True


async def fix_for_missing(document_id: str, store: Store) -> str:
    """What to do about a document that is not on record: it may have been removed, and be in the archive."""
    listing = "to list them: mailroom documents"
    if not document_id.startswith(f"{DOCUMENT}_") or not await store.may_have_removed(document_id):
        return listing
    name = archive_pattern(document_id)
    removed = "it may have been removed (retention.documents_days)"
    return f"{removed}; if retention.archive names an archive, its records are there as {name}; {listing}"


async def document_report(document_id: str, store: Store) -> DocumentReport:
    """The report on this document. Raises NotFound."""
    document = await store.get(Document, document_id)
    if document is None:
        fix = await fix_for_missing(document_id, store)
        raise NotFound(f"there is no document {document_id}", fix=fix)
    family = await find_records(store, Document, Query(by="batch", key=document.batch_id), limit=1000)
    report = await report_on(document, family, store)
    return replace(report, verified=await last_check(document_id, store))


async def report_on(
    document: Document, family: Sequence[Document], store: Store, *, whole: bool = False
) -> DocumentReport:
    """The report on this document, whose batch was read before; with ``whole`` without the limits on what is shown."""
    most = sys.maxsize if whole else MOST
    jobs = await find_records(store, Job, Query(by="document", key=document.id), limit=most)
    named = [item for job in jobs for item in await find_records(store, Event, Query(by="job", key=job.id), limit=most)]
    events = [item for item in named if item.document_id in ("", document.id)]  # others only name its job
    subjects = [document.id, *(job.id for job in jobs)]
    tasks = [
        item
        for about in subjects
        for item in await find_records(store, Task, Query(by="subject", key=about), limit=2 * most)
    ]
    pieces = show.in_page_order(item for item in family if item.parent_id == document.id)
    return DocumentReport(document=document, jobs=jobs, events=events, tasks=tasks, pieces=pieces)
