"""Delivers again what was found missing where it was delivered. What is different stays: a person must look at it."""

from collections.abc import Mapping
from dataclasses import replace

from receiver.core.change import Replace, Write
from receiver.core.copy_check import CopyKind, CopyState, DocumentCheck
from receiver.core.document import Delivery, Document, DocumentState, Step
from receiver.core.errors import NotAllowed
from receiver.core.follow_up import container_tasks, delivery_tasks
from receiver.core.quantity import quantity
from receiver.core.replan import begun_anew
from receiver.pipeline.content import refuse_unreadable
from receiver.pipeline.context import Context
from receiver.pipeline.records import document_named


async def restore_missing(check: DocumentCheck, context: Context, *, who: str) -> int:
    """How many deliveries begin again: those whose copy is missing, or the manifest beside an intact one.

    No message is repeated.

    A delivery that begins again is create-only, as any other. Raises NotFound, NotAllowed while the document is being
    worked on or if no bytes of it are left, Conflict if it just changed.
    """
    found = {item.place: item.state for item in check.copies if item.kind in (CopyKind.COPY, CopyKind.MANIFEST)}
    document = await document_named(check.document_id, context.store)
    lost = {item.id for item in document.holders if _is_lost(item, found)}
    if not lost:
        return 0
    if document.state is DocumentState.OPEN:
        raise NotAllowed(f"document {document.id} is being worked on; verify it again when that is done")
    await refuse_unreadable(document, context)
    after = _begun_anew(document, lost, context, who=who)
    writes: list[Write] = [Replace(after), *delivery_tasks(after, now=context.clock())]
    writes += container_tasks([Replace(after)], now=context.clock(), reopened=True)
    await context.store.apply(*writes)
    await context.enqueue_written(writes)
    return len(lost)


def _is_lost(item: Delivery, found: Mapping[str, CopyState]) -> bool:
    """A manifest beside a copy that differs is not: its delivery would fail, and the document end in review."""
    if item.receipt is None:
        return False
    copy, manifest = found.get(item.receipt.location), found.get(item.receipt.manifest)
    return copy is CopyState.MISSING or (copy is CopyState.INTACT and manifest is CopyState.MISSING)


def _begun_anew(document: Document, lost: set[str], context: Context, *, who: str) -> Document:
    now = context.clock()
    deliveries = (begun_anew(item, document) if item.id in lost else item for item in document.deliveries)
    opened = replace(
        document,
        deliveries=tuple(deliveries),
        state=DocumentState.OPEN,
        step=Step.DECIDED,
        deadline=now + context.config.deadline_seconds,
    )
    return opened.note(now, "delivered again", f"{who}: missing at {quantity(len(lost), 'place')}").settle()
