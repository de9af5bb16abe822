"""The manifest: what is written beside a delivered document, and sent in messages.

It depends on the document and its plan only (no "now", no attempt count), so that a repeated delivery writes the same
bytes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from receiver.core.decision import Decision
from receiver.core.document import Classification, Document
from receiver.core.statements import corrected_by, said_by_llamacloud

SCHEMA = "urn:mailroom:manifest:1"
"""The id of its JSON Schema, docs/schemas/manifest-1.json."""
SUFFIX = ".mailroom.json"
"""Added to the document's own name to give its manifest's."""


def is_manifest(content: bytes, name: str) -> bool:
    """Whether a file with this name and content is a manifest of Mailroom's, and so not mail."""
    return name.endswith(SUFFIX) and b'"mailroom": 1' in content and b'"delivery_id": "' in content


def manifest(document: Document, *, delivery_id: str, pieces: Sequence[Document] = ()) -> dict[str, Any]:
    """The document, its result, the row that routed it and why; of a packet, where its pieces went."""
    content: dict[str, Any] = {
        "mailroom": 1,
        "delivery_id": delivery_id,
        "document": _provenance(document),
        "classification": _found(document),
        "llamacloud": _llamacloud(document),
        "decision": _decision(document),
    }
    if document.decisions:
        content["decisions"] = [_by_person(item) for item in document.decisions]
    if document.is_piece:
        content["packet"] = _packet(document)
    elif document.parent_id:
        content["mail"] = {"id": document.parent_id}
    if document.mail:
        content["parts"] = [asdict(part) for part in document.parts]
    if document.cuts:
        cut = document.cuts[-1]
        content["pages"] = {"count": document.page_count, "omitted": list(cut.omitted)}
        content["files_left"] = list(cut.files_left)
        content["cut_by"] = document.cuts[-1].by
        content["pieces"] = [_piece(item) for item in pieces]
    return content


def stored_manifest(
    content: Mapping[str, Any], *, delivery_id: str, document_id: str, location: str, sha256: str
) -> dict[str, Any]:
    """The manifest as it is stored and served: the content, with its delivery and bytes."""
    return {
        "$schema": SCHEMA,
        **content,
        "delivery_id": delivery_id,
        "document_id": document_id,
        "location": location,
        "sha256": sha256,
    }


def _provenance(document: Document) -> dict[str, Any]:
    return {
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
        **({"same_bytes_as": document.duplicate_of} if document.duplicate_of else {}),
        "metadata": dict(document.metadata),
    }


def _found(document: Document) -> dict[str, Any] | None:
    """The result that counts: the type that a person gave, or else LlamaCloud's result."""
    found = _result(document.effective)
    by = corrected_by(document)
    return found and {**found, **({"corrected_by": by} if by else {})}


def _llamacloud(document: Document) -> dict[str, Any]:
    """The ids at LlamaCloud; if a person's type counts, also LlamaCloud's result."""
    ids = {"job_id": document.job_id, "file_id": document.file_id}
    return ids | ({"classification": _result(said_by_llamacloud(document))} if corrected_by(document) else {})


def _result(found: Classification | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {"type": found.type, "confidence": found.confidence, "reasoning": found.reasoning}


def _by_person(item: Decision) -> dict[str, Any]:
    """What a person decided; ``undoes`` only of an undo."""
    shown = {"number": item.number, "at": _iso(item.at), "who": item.who, "decided": item.choice, "value": item.value}
    undoes = {"undoes": item.undoes} if item.undoes else {}
    return {**shown, "why": item.why, "before": item.before, **undoes}


def _decision(document: Document) -> dict[str, Any] | None:
    plan = document.plan
    if plan is None:
        return None
    rows = [{"route": row.route, "matched": row.matched, "why": row.why} for row in plan.trace]
    decided = {"way": plan.way, "route": plan.route, "reason": plan.reason, "review": plan.review}
    return {**decided, "table": plan.table, "rows": rows}


def _packet(piece: Document) -> dict[str, Any]:
    """Of a piece: the packet that it was cut from."""
    return {
        "parent_id": piece.parent_id,
        "name": piece.metadata.get("packet", ""),
        "pages": list(piece.pages),
        "category": piece.category,
        "confidence": piece.category_confidence,
        "split_job_id": piece.metadata.get("split_job", ""),
    }


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
        "locations": [item.receipt.location for item in piece.deliveries if item.receipt],
    }


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
