"""Records as data for people and programs: one shape for the HTTP API, the command line's ``--json`` and the demo.

No secret is on any record, so none can be shown; the per-job token is never kept.
"""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from receiver.core.anew import what_moves
from receiver.core.change import Tally
from receiver.core.channel import Channel
from receiver.core.document import Delivery, Document, DocumentState
from receiver.core.event import Event
from receiver.core.incident import Incident, Occurrence
from receiver.core.job import Job
from receiver.core.notification import Notification
from receiver.core.pages import Cut
from receiver.core.task import Task

Shown = dict[str, Any]


def moment(at: float | None) -> str | None:
    """A moment as ISO 8601 in UTC, to the millisecond."""
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")


def reason(document: Document) -> str:
    """Why the document is where it is, in one sentence."""
    if document.error:
        return document.error
    if document.plan is not None:
        return document.plan.reason + _because_of_parts(document)
    return document.history[-1].what if document.history else ""


def _because_of_parts(container: Document) -> str:
    """What keeps a packet that is done itself from being routed."""
    told = {
        DocumentState.OPEN: "is still open",
        DocumentState.REVIEW: "waits for a person",
        DocumentState.FAILED: "has failed",
    }
    if _waits_for_parts(container) and container.parts_state in told:
        return f", and at least one of them {told[container.parts_state]}"
    return ""


def _waits_for_parts(container: Document) -> bool:
    """Whether it has its place, and its state is that of what came out of it."""
    apart = container.state is not DocumentState.ROUTED and container.own_state is DocumentState.ROUTED
    return apart and container.state is container.parts_state


def in_page_order(listed: Iterable[Document]) -> list[Document]:
    """A listing in which each packet is followed by its pieces in the order of their pages.

    A listing has documents of one moment by their ids, and pieces have the moment of their packet.
    """
    ordered: list[Document] = []
    for _, together in groupby(listed, key=lambda one: one.taken_in_at):
        batches: dict[str, list[Document]] = {}
        for one in together:
            batches.setdefault(one.batch_id, []).append(one)
        for batch in batches.values():
            ordered += sorted(batch, key=lambda one: (bool(one.parent_id), one.pages))
    return ordered


def delivery(one: Delivery) -> Shown:
    receipt = one.receipt
    return {
        "delivery_id": one.id,
        "to": one.to.url,
        "status": one.state,
        "location": receipt.location if receipt else None,
        "checksum": receipt.checksum if receipt else None,
        "delivered_at": moment(one.delivered_at),
        "error": one.error or None,
    }


def document(one: Document) -> Shown:
    """A document in a listing."""
    found = one.classification
    shown: Shown = {
        "document_id": one.id,
        "name": one.name,
        "type": found.type if found else None,
        "confidence": found.confidence if found else None,
        "state": one.state,
        "step": one.step,
        "deliveries": [delivery(each) for each in one.deliveries],
        "reason": reason(one),
        "taken_in_at": moment(one.taken_in_at),
        "deadline": moment(one.overdue_at),
    }
    if one.mail:
        shown |= {"mail": True, "parts": [asdict(part) for part in one.parts]}
    elif one.parent_id and not one.is_piece:
        shown |= {"came_in": one.parent_id}
    if one.duplicate_of:
        shown |= {"same_bytes_as": one.duplicate_of}
    if one.is_piece:
        shown |= {"parent": one.parent_id, "pages": list(one.pages), "category": one.category}
        shown |= {"category_confidence": one.category_confidence}
    if one.packet:
        shown |= {"packet": True, "page_count": one.page_count, "cuts": [_cut(each) for each in one.cuts]}
        shown |= {"waits_for_pieces": _waits_for_parts(one)}
    return shown


def _cut(one: Cut) -> Shown:
    pieces = [
        {"pages": list(each.pages), "category": each.category, "confidence": each.confidence} for each in one.pieces
    ]
    left_out = {"omitted": list(one.omitted), "files_left": list(one.files_left)}
    return {"at": moment(one.at), "by": one.by, "pieces": pieces, **left_out}


def document_whole(one: Document) -> Shown:
    """A document with its timeline, and why each row of the table did or did not match."""
    plan, found = one.plan, one.classification
    return document(one) | {
        "size": one.size,
        "sha256": one.sha256,
        "media_type": one.media_type,
        "origin": asdict(one.origin),
        "content": one.content or None,
        "forgotten_at": moment(one.forgotten_at),
        "batch_id": one.batch_id,
        "metadata": one.metadata,
        "file_id": one.file_id or None,
        "job_id": one.job_id or None,
        "submissions": one.submissions,
        "reasoning": found.reasoning if found else None,
        "plan": asdict(plan) | {"decided_at": moment(plan.decided_at)} if plan else None,
        "shadow": _beside(one),
        "history": [{"at": moment(entry.at), "what": entry.what, "detail": entry.detail} for entry in one.history],
    }


def _beside(one: Document) -> Shown | None:
    """What the shadow table would have done with it; None where there was none."""
    if one.shadow is None:
        return None
    change = what_moves(one.plan, one.shadow.plan) if one.shadow.plan else None
    return {"table": one.shadow.table, "differs": change}


def job(one: Job) -> Shown:
    return {
        "job_id": one.id,
        "kind": one.kind,
        "status": one.status,
        "document_id": one.document_id,
        "transaction_id": one.transaction_id,
        "created_at": moment(one.created_at),
        "deadline": moment(one.overdue_at),
        "error": one.error or None,
        "credits": one.credits,
    }


def event(one: Event) -> Shown:
    return {
        "event_id": one.event_id,
        "type": one.type,
        "job_id": one.job_id,
        "document_id": one.document_id or None,
        "sent_at": moment(one.sent_at),
        "received_at": moment(one.received_at),
        "verified_by": list(one.verified_by),
        "late": one.late,
        "as_string": one.as_string,
        "size": one.size,
    }


def task(one: Task) -> Shown:
    return {
        "task_id": one.id,
        "kind": one.kind,
        "subject": one.subject,
        "state": one.state,
        "attempts": one.attempts,
        "due_at": moment(one.due_at),
        "owner": one.owner or None,
        "lease_until": moment(one.lease_until),
        "error": one.error or None,
        "cause": one.cause or None,
        "note": one.note or None,
        "finished_at": moment(one.finished_at),
    }


def task_whole(one: Task) -> Shown:
    """A task with all that it carries."""
    return task(one) | {
        "created_at": moment(one.created_at),
        "looks": one.looks,
        "expires_at": moment(one.expires_at),
        "details": one.details,
    }


def incident(one: Incident) -> Shown:
    """An incident in a listing."""
    return {
        "key": one.id,
        "status": one.status,
        "severity": one.severity,
        "kind": one.kind,
        "title": one.title,
        "detail": one.examples[0].detail if one.examples else one.detail,
        "tried": one.tried or None,
        "fix": one.fix,
        "commands": list(one.commands),
        "count": one.count,
        "unmended": one.unmended,
        "number": one.number,
        "opened_at": moment(one.opened_at),
        "last_at": moment(one.last_at),
        "closed_at": moment(one.closed_at),
        "acknowledged_at": moment(one.acknowledged_at),
        "acknowledged_by": one.acknowledged_by or None,
        "silenced_until": moment(one.silenced_until),
        "silenced_by": one.silenced_by or None,
        "silenced_why": one.silenced_why or None,
        "example": one.examples[0].document_id if one.examples else "",
        "examples": [asdict(example) | {"at": moment(example.at)} for example in one.examples],
    }


def occurrence(one: Occurrence) -> Shown:
    """One time that an incident happened."""
    return {
        "at": moment(one.at),
        "document_id": one.document_id or None,
        "name": one.name or None,
        "job_id": one.job_id or None,
        "task_id": one.task_id or None,
        "delivery_id": one.delivery_id or None,
        "detail": one.detail,
        "ended_at": moment(one.ended_at),
    }


def notification(one: Notification) -> Shown:
    """What a channel was told of an incident."""
    return {
        "channel": one.channel,
        "told": one.told or None,
        "told_at": moment(one.told_at),
        "due_at": moment(one.due_at),
        "held": one.held_since is not None,
        "error": one.error or None,
    }


def channel(one: Channel) -> Shown:
    """An alert channel, and how it fares."""
    return {
        "channel": one.id,
        "last_told_at": moment(one.last_told_at),
        "trying_since": moment(one.trying_since),
        "failing_since": moment(one.failing_since),
        "partly": one.partly,
        "failures": one.failures,
        "error": one.error or None,
        "fix": one.fix or None,
        "other_causes": one.digest_count,
    }


def balance(books: Tally) -> dict[str, int]:
    """The books."""
    names = ("taken_in", "routed", "review", "failed", "open", "forgotten", "withdrawn")
    return {name: getattr(books, name) for name in names}
