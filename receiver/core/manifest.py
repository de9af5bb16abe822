"""The manifest: the story that lies beside a delivered document, and that messages carry.

It is a function of the document and its plan only (no "now", no attempt count), so that a repeated delivery writes the
same bytes.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from receiver.core.document import Document


def manifest(document: Document, *, delivery_id: str, pieces: Sequence[Document] = ()) -> dict[str, Any]:
    """What this document is, what was found, which rule placed it and why; of a packet, where its pieces went."""
    plan, found = document.plan, document.classification
    story: dict[str, Any] = {
        "mailroom": 1,
        "delivery_id": delivery_id,
        "document": {
            "id": document.id,
            "name": document.name,
            "media_type": document.media_type,
            "size": document.size,
            "sha256": document.sha256,
            "taken_in_at": _iso(document.taken_in_at),
            "source": document.origin.kind,
            "locator": document.origin.locator,
            "sender": document.origin.sender,
            "batch_id": document.batch_id,
            "metadata": dict(document.metadata),
        },
        "classification": None
        if found is None
        else {"type": found.type, "confidence": found.confidence, "reasoning": found.reasoning},
        "llamacloud": {"job_id": document.job_id, "file_id": document.file_id},
        "decision": None
        if plan is None
        else {
            "way": plan.way,
            "route": plan.route,
            "reason": plan.reason,
            "table": plan.table,
            "rows": [{"route": row.route, "matched": row.matched, "why": row.why} for row in plan.trace],
        },
    }
    if document.parent_id:
        story["packet"] = {
            "parent_id": document.parent_id,
            "name": document.metadata.get("packet", ""),
            "pages": list(document.pages),
            "category": document.category,
            "confidence": document.category_confidence,
            "split_job_id": document.metadata.get("split_job", ""),
        }
    if document.cuts:
        story["pages"] = {"count": document.page_count, "omitted": list(document.cuts[-1].omitted)}
        story["cut_by"] = document.cuts[-1].by
        story["pieces"] = [_piece(one) for one in pieces]
    return story


def _piece(piece: Document) -> dict[str, Any]:
    return {
        "id": piece.id,
        "name": piece.name,
        "pages": list(piece.pages),
        "category": piece.category,
        "confidence": piece.category_confidence,
        "type": piece.type,
        "job_id": piece.job_id,
        "state": piece.state,
        "sha256": piece.sha256,
        "locations": [one.receipt.location for one in piece.deliveries if one.receipt],
    }


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
