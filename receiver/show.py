"""Records as data for people and programs: the same for the HTTP API, the command line's ``--json`` and the demo.

No record contains a secret, so none can be shown; the token of a job is never stored.
"""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from receiver.core.balance import Tally
from receiver.core.calibration import CalibrationReport, Outcomes
from receiver.core.channel import Channel
from receiver.core.copy_check import DocumentCheck
from receiver.core.costs import Costs
from receiver.core.decision import Decision
from receiver.core.document import Delivery, Document, DocumentState
from receiver.core.document_view import shown_as
from receiver.core.effects import effects_of
from receiver.core.event import Event
from receiver.core.incident import Incident, Occurrence
from receiver.core.job import Job
from receiver.core.notification import Notification
from receiver.core.pages import Cut
from receiver.core.redecide import what_moves
from receiver.core.search import SearchPage
from receiver.core.statements import corrected_by, overwritten, state_in_words
from receiver.core.task import Task
from receiver.core.waiting import WaitsFor

Shown = dict[str, Any]


def moment(at: float | None) -> str | None:
    """A time as ISO 8601 in UTC, to the millisecond."""
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")


def reason(document: Document) -> str:
    """Why the document is where it is, in one sentence."""
    if document.error:
        return document.error
    if document.plan is not None:
        return document.plan.reason + _because_of_parts(document)
    return document.history[-1].what if document.history else ""


def _because_of_parts(container: Document) -> str:
    """Why a packet is not routed although its own work is done."""
    texts = {
        DocumentState.OPEN: "is still open",
        DocumentState.REVIEW: "waits for a person",
        DocumentState.FAILED: "has failed",
    }
    if _waits_for_parts(container) and container.parts_state in texts:
        return f", and at least one of them {texts[container.parts_state]}"
    return ""


def _waits_for_parts(container: Document) -> bool:
    """Whether its own work is done, so that its state follows from its pieces or parts."""
    apart = container.state is not DocumentState.ROUTED and container.own_state is DocumentState.ROUTED
    return apart and container.state is container.parts_state


def in_page_order(listed: Iterable[Document]) -> list[Document]:
    """A listing in which each packet is followed by its pieces in the order of their pages.

    A listing sorts documents of the same time by id, and pieces have the time of their packet.
    """
    ordered: list[Document] = []
    for _, together in groupby(listed, key=lambda item: item.taken_in_at):
        batches: dict[str, list[Document]] = {}
        for item in together:
            batches.setdefault(item.batch_id, []).append(item)
        for batch in batches.values():
            ordered += sorted(batch, key=lambda item: (bool(item.parent_id), item.pages))
    return ordered


def delivery(item: Delivery) -> Shown:
    receipt = item.receipt
    return {
        "delivery_id": item.id,
        "to": item.to.shown,
        "status": item.state,
        "superseded": item.superseded,
        "location": receipt.location if receipt else None,
        "checksum": receipt.checksum if receipt else None,
        "delivered_at": moment(item.delivered_at),
        "error": item.error or None,
    }


def search_page(page: SearchPage) -> Shown:
    """The data of a page of a search, besides its documents."""
    return {
        "cursor": page.cursor,
        "total": page.total,
        "total_is_exact": page.total_is_exact,
        "looked_at": page.looked_at,
        "looked_back_to": moment(page.back_to),
        "not_indexed": page.not_indexed,
    }


def document(item: Document) -> Shown:
    """A document in a listing."""
    found = item.effective
    shown: Shown = {
        "document_id": item.id,
        "name": item.name,
        "type": found.type if found else None,
        "confidence": found.confidence if found else None,
        "corrected_by": corrected_by(item) or None,
        "state": item.state,
        "step": item.step,
        "deliveries": [delivery(each) for each in item.deliveries],
        "reason": reason(item),
        "taken_in_at": moment(item.taken_in_at),
        "deadline": moment(item.overdue_at),
    }
    if item.mail:
        shown |= {"mail": True, "parts": [asdict(part) for part in item.parts]}
    elif item.parent_id and not item.is_piece:
        shown |= {"came_in": item.parent_id}
    if item.duplicate_of:
        shown |= {"same_bytes_as": item.duplicate_of}
    if item.is_piece:
        shown |= {"parent": item.parent_id, "pages": list(item.pages), "category": item.category}
        shown |= {"category_confidence": item.category_confidence}
    if item.packet:
        shown |= {"packet": True, "page_count": item.page_count, "cuts": [_cut(each) for each in item.cuts]}
        shown |= {"waits_for_pieces": _waits_for_parts(item)}
    return shown


def _cut(item: Cut) -> Shown:
    pieces = [
        {"pages": list(each.pages), "category": each.category, "confidence": each.confidence} for each in item.pieces
    ]
    left_out = {"omitted": list(item.omitted), "files_left": list(item.files_left)}
    return {"at": moment(item.at), "by": item.by, "pieces": pieces, **left_out}


def document_whole(item: Document) -> Shown:
    """A document with its timeline, and why each row of the table did or did not match."""
    plan, found = item.plan, item.effective
    return document(item) | {
        "size": item.size,
        "sha256": item.sha256,
        "media_type": item.media_type,
        "shown_as": shown_as(item.media_type),
        "origin": asdict(item.origin),
        "content": item.content or None,
        "forgotten_at": moment(item.forgotten_at),
        "batch_id": item.batch_id,
        "metadata": item.metadata,
        "file_id": item.file_id or None,
        "job_id": item.job_id or None,
        "submissions": item.submissions,
        "credits": item.credits,
        "unpriced_jobs": item.unpriced_jobs,
        "reasoning": found.reasoning if found else None,
        "said": _said(item),
        "said_before": [
            asdict(each.classification) | {"job_id": each.job_id or None, "until": moment(each.until)}
            for each in item.earlier_results
        ],
        "decisions": [decision(each) for each in item.decisions],
        "plan": asdict(plan) | {"decided_at": moment(plan.decided_at)} if plan else None,
        "shadow": _beside(item),
        "history": [{"at": moment(entry.at), "what": entry.what, "detail": entry.detail} for entry in item.history],
    }


def _said(item: Document) -> Shown | None:
    """LlamaCloud's result; ``overwritten`` if an earlier release did not keep it."""
    if (old := overwritten(item)) is not None:
        return {"type": None, "confidence": None, "reasoning": None, "overwritten": {"by": old[0], "before": old[1]}}
    found = item.classification
    return asdict(found) | {"overwritten": None} if found else None


def decision(item: Decision) -> Shown:
    """A person's decision; with its plan if it is in force."""
    return {
        "number": item.number,
        "at": moment(item.at),
        "who": item.who,
        "decided": item.choice,
        "value": item.value or None,
        "text": item.text,
        "why": item.why or None,
        "before": item.before,
        "undoes": item.undoes or None,
    }


def correction(before: Document, after: Document) -> Shown:
    """What a decision would do, as a preview."""
    return {
        "document_id": before.id,
        "version": before.version,
        "name": before.name,
        "before": state_in_words(before),
        "reason": reason(after),
        "type": after.type,
        "review": bool(after.plan and after.plan.review),
        "effects": [
            {"effect": item.effect, "place": item.place, "meaning": item.meaning} for item in effects_of(after)
        ],
    }


def _beside(item: Document) -> Shown | None:
    """What the shadow table would have done with it; None if there was none."""
    if item.shadow is None:
        return None
    change = what_moves(item.plan, item.shadow.plan) if item.shadow.plan else None
    return {"table": item.shadow.table, "differs": change}


def costs(found: Costs) -> Shown:
    return {
        "rows": [asdict(row) for row in found.rows],
        "credits": found.credits,
        "unpriced_jobs": found.unpriced_jobs,
        "complete": found.complete,
    }


def calibration(found: CalibrationReport) -> Shown:
    """How often LlamaCloud was right, by the type that it returned."""
    types = [asdict(item) | {"above": _outcomes(item.above), "below": _outcomes(item.below)} for item in found.types]
    return {"types": types, "target": found.target, "documents": found.documents, "complete": found.complete}


def _outcomes(found: Outcomes) -> Shown:
    return asdict(found) | {"checked": found.checked}


def job(item: Job) -> Shown:
    return {
        "job_id": item.id,
        "kind": item.kind,
        "status": item.status,
        "document_id": item.document_id,
        "transaction_id": item.transaction_id,
        "created_at": moment(item.created_at),
        "deadline": moment(item.overdue_at),
        "error": item.error or None,
        "credits": item.credits,
    }


def check(item: DocumentCheck) -> Shown:
    """The result of reading a document's copies back."""
    places = [
        {
            "place": each.place,
            "kind": each.kind,
            "state": each.state,
            "expected_sha256": each.expected or None,
            "found_sha256": each.found or None,
            "why": each.why or None,
            "fix": each.fix or None,
            "superseded": each.superseded,
        }
        for each in item.copies
    ]
    about = {"document_id": item.document_id, "name": item.name, "at": moment(item.at)}
    return about | {"verdict": item.verdict, "places": places}


def waits_for(item: WaitsFor) -> Shown:
    return {"what": item.what, "next_at": moment(item.next_at), "attempts": item.attempts, "why": item.why or None}


def event(item: Event) -> Shown:
    return {
        "key": item.id,
        "event_id": item.event_id,
        "type": item.type,
        "job_id": item.job_id,
        "document_id": item.document_id or None,
        "sent_at": moment(item.sent_at),
        "received_at": moment(item.received_at),
        "verified_by": list(item.verified_by),
        "late": item.late,
        "as_string": item.as_string,
        "size": item.size,
    }


def task(item: Task) -> Shown:
    return {
        "task_id": item.id,
        "kind": item.kind,
        "subject": item.subject,
        "state": item.state,
        "attempts": item.attempts,
        "due_at": moment(item.due_at),
        "owner": item.owner or None,
        "lease_until": moment(item.lease_until),
        "error": item.error or None,
        "cause": item.cause or None,
        "note": item.note or None,
        "finished_at": moment(item.finished_at),
    }


def task_whole(item: Task) -> Shown:
    """A task in full."""
    return task(item) | {
        "created_at": moment(item.created_at),
        "looks": item.looks,
        "expires_at": moment(item.expires_at),
        "details": item.details,
    }


def incident(item: Incident) -> Shown:
    """An incident in a listing."""
    return {
        "key": item.id,
        "status": item.status,
        "severity": item.severity,
        "kind": item.kind,
        "title": item.title,
        "detail": item.examples[0].detail if item.examples else item.detail,
        "tried": item.tried or None,
        "fix": item.fix,
        "commands": list(item.commands),
        "count": item.count,
        "unmended": item.unmended,
        "number": item.number,
        "opened_at": moment(item.opened_at),
        "last_at": moment(item.last_at),
        "closed_at": moment(item.closed_at),
        "acknowledged_at": moment(item.acknowledged_at),
        "acknowledged_by": item.acknowledged_by or None,
        "silenced_until": moment(item.silenced_until),
        "silenced_by": item.silenced_by or None,
        "silenced_why": item.silenced_why or None,
        "example": item.examples[0].document_id if item.examples else "",
        "examples": [asdict(example) | {"at": moment(example.at)} for example in item.examples],
    }


def occurrence(item: Occurrence) -> Shown:
    """One occurrence of an incident."""
    return {
        "at": moment(item.at),
        "document_id": item.document_id or None,
        "name": item.name or None,
        "job_id": item.job_id or None,
        "task_id": item.task_id or None,
        "delivery_id": item.delivery_id or None,
        "detail": item.detail,
        "ended_at": moment(item.ended_at),
    }


def notification(item: Notification) -> Shown:
    """The notices about an incident that a channel was sent."""
    return {
        "channel": item.channel,
        "told": item.told or None,
        "told_at": moment(item.told_at),
        "due_at": moment(item.due_at),
        "held": item.held_since is not None,
        "error": item.error or None,
    }


def channel(item: Channel) -> Shown:
    """An alert channel and its health."""
    return {
        "channel": item.id,
        "last_told_at": moment(item.last_told_at),
        "trying_since": moment(item.trying_since),
        "failing_since": moment(item.failing_since),
        "partly": item.partly,
        "failures": item.failures,
        "error": item.error or None,
        "fix": item.fix or None,
        "other_causes": item.digest_count,
    }


def balance(totals: Tally) -> dict[str, int]:
    """The balance: how many documents were received, and how many are in each state."""
    return totals.counters
