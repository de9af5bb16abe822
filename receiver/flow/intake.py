"""Intake: something arrived; from now on it is a document, durably, and will be submitted.

The same content from the same place is the same document: taking it in again changes nothing.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from receiver.core.change import Insert
from receiver.core.document import Document, Origin
from receiver.core.errors import Conflict, DocumentRefused
from receiver.core.media import media_type
from receiver.core.naming import document_id, whole
from receiver.core.task import submission_of
from receiver.flow.tools import Tools
from receiver.ports import Kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """What a way in hands over."""

    name: str
    kind: str
    """folder, upload, s3, email"""
    source: AsyncIterator[bytes] | Path | Kept
    """The bytes, which the spool will keep; or where they are kept already and stay."""
    locator: str = ""
    """What tells it apart within its kind; the name, if nothing better is known."""
    sender: str = ""
    packet: bool = False
    batch_id: str = ""
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TakenIn:
    document: Document
    fresh: bool
    """False when this document had been taken in before."""


async def take_in(arrival: Arrival, tools: Tools) -> TakenIn:
    """The document that arrived, kept together with the task to submit it.

    Raises DocumentRefused for what LlamaCloud would refuse (empty, too large): nothing was kept then.
    """
    source = arrival.source
    kept = source if isinstance(source, Kept) else await tools.spool.keep(source, limit=tools.max_document)
    if kept.size == 0:
        raise DocumentRefused(f"{arrival.name} is empty", fix="an empty file has nothing to route; leave it out")
    document = _document(arrival, kept, now=tools.clock(), deadline=tools.config.deadline_seconds)
    existing = await _insert(document, tools)
    if existing is not None:
        return TakenIn(existing, fresh=False)
    tools.meter.count("mailroom_documents", source=arrival.kind)
    await tools.ring(submission_of(document, now=0).id)
    return TakenIn(document, fresh=True)


def _document(arrival: Arrival, kept: Kept, *, now: float, deadline: float) -> Document:
    locator = whole(arrival.locator or arrival.name)
    origin = Origin(kind=arrival.kind, locator=locator, sender=whole(arrival.sender))
    identity = document_id(origin, kept.sha256)
    return Document(
        id=identity,
        name=whole(arrival.name),
        sha256=kept.sha256,
        size=kept.size,
        media_type=media_type(kept.head, arrival.name),
        origin=origin,
        content=kept.location,
        taken_in_at=now,
        packet=arrival.packet,
        batch_id=arrival.batch_id or identity,
        metadata=arrival.metadata,
        deadline=now + deadline,
    ).note(now, "taken in", f"{arrival.kind} {origin.locator}")


async def _insert(document: Document, tools: Tools) -> Document | None:
    """None when the document is new, else the one that was there before."""
    try:
        await tools.store.apply(Insert(document), Insert(submission_of(document, now=document.taken_in_at)))
    except Conflict:
        return await tools.store.get(Document, document.id)
    return None
