"""The report on one event: its envelope as it was stored, its proofs, and what was made of it."""

from dataclasses import dataclass
from typing import Any

from receiver import show
from receiver.core.change import Query
from receiver.core.document import Document
from receiver.core.errors import NotFound
from receiver.core.event import Event
from receiver.core.job import Job
from receiver.core.task import Task
from receiver.pipeline.receive import handling_of
from receiver.pipeline.records import every_record, find_records
from receiver.ports import Store

PAGE = 500
SEARCHED = 5000
"""Events that a search by LlamaCloud's id looks at, the newest first: only an event's own key has an index."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventReport:
    """An event, the task that handles it with its attempts, its job, and the document that it is about."""

    event: Event
    task: Task | None
    job: Job | None
    document: Document | None
    others: list[Event]
    """Other events about the same job: one update may come under several ids, and is handled once."""

    def shown(self) -> dict[str, Any]:
        """The report as the HTTP API and ``--json`` show it."""
        return show.event(self.event) | {
            "envelope": _envelope(self.event),
            "task": show.task_whole(self.task) if self.task else None,
            "job": show.job(self.job) if self.job else None,
            "document": show.document(self.document) if self.document else None,
            "others": [show.event(item) for item in self.others],
        }


def _envelope(event: Event) -> dict[str, Any]:
    """What LlamaCloud sent, as far as it is kept: an event only says which job to fetch."""
    data = {"job_id": event.job_id or None} | ({"id": event.other_id} if event.other_id else {})
    return {"event_id": event.event_id, "event_type": event.type, "timestamp": event.sent_at, "data": data}


async def event_report(word: str, store: Store) -> EventReport:
    """The report on the event with this key, or the newest with this id of LlamaCloud's. Raises NotFound."""
    event = await store.get(Event, word) or await _by_vendor_id(word, store)
    if event is None:
        raise NotFound(f"there is no event {word}", fix="to list them: mailroom events")
    job = await store.get(Job, event.job_id) or await store.get(Job, event.other_id)
    document_id = event.document_id or (job.document_id if job else "")
    about = await find_records(store, Event, Query(by="job", key=event.job_id), limit=100) if event.job_id else []
    return EventReport(
        event=event,
        task=await store.get(Task, handling_of(event, now=event.received_at).id),
        job=job,
        document=await store.get(Document, document_id) if document_id else None,
        others=[item for item in about if item.id != event.id],
    )


async def _by_vendor_id(word: str, store: Store) -> Event | None:
    seen = 0
    async for event in every_record(Event, Query(newest_first=True, limit=PAGE), store):
        seen += 1
        if event.event_id == word:
            return event
        if seen == SEARCHED:
            break
    return None
