"""A person resubmits a failed document, replaces its bytes, or dismisses it.

Who did it, when, and the state before are stored on the document. Its parked tasks are retired, so that nobody replays
them later.
"""

import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from receiver.core.change import InsertIfAbsent, Query, Replace, Write, succeeding
from receiver.core.decision import Choice
from receiver.core.document import Document, DocumentState, Step
from receiver.core.errors import Conflict, DocumentRefused, Misconfigured, NotAllowed
from receiver.core.follow_up import container_tasks, delivery_tasks
from receiver.core.header_block import HEAD_BYTES
from receiver.core.job import Job, JobStatus
from receiver.core.media import media_type, refusal
from receiver.core.plan import Plan, Way
from receiver.core.replan import replanned
from receiver.core.statements import state_in_words, with_statement
from receiver.core.task import submission_of
from receiver.packets import mail_archive
from receiver.packets.pieces import on_disk
from receiver.pipeline.content import not_viewable_unless_read, refuse_unreadable
from receiver.pipeline.context import Context
from receiver.pipeline.document_outcome import resubmission
from receiver.pipeline.records import document_named, every_record
from receiver.pipeline.retired_tasks import retired

PAGE = 200
CONFLICTS = 5
RECLASSIFYING = "it is being reclassified"


@dataclass(frozen=True, slots=True)
class Skipped:
    """A document that was left as it is, and why."""

    document: Document
    why: str


# --- which documents


async def failed_since(since: float, context: Context) -> AsyncIterator[Document]:
    """The documents without an outcome since then: those that failed, and those held without a result."""
    async for document in every_record(
        Document, Query(by="state", key=DocumentState.FAILED, limit=PAGE), context.store
    ):
        if document.plan is not None and document.plan.way is Way.FAILED and document.plan.decided_at >= since:
            yield document
    async for document in every_record(
        Document, Query(by="state", key=DocumentState.REVIEW, limit=PAGE), context.store
    ):
        recent = document.history[-1].at >= since
        if document.without_result and recent and await _came_to_nothing(document, context):
            yield document


async def _came_to_nothing(document: Document, context: Context) -> bool:
    job = await context.store.get(Job, document.job_id) if document.job_id else None
    return job is None or (job.status.final and job.status is not JobStatus.COMPLETED)


# --- resubmit


def why_not(document: Document) -> str:
    """Why this document cannot be resubmitted, in words; "" when it can."""
    if document.forgotten_at is not None:
        return "its content was removed by retention: submit it again"
    if document.mail:
        return "a mail cannot be resubmitted: submit it again as new, or resubmit its documents"
    if document.set_aside is not None:
        return RECLASSIFYING
    if document.state is DocumentState.OPEN:
        return "it is being delivered" if document.plan is not None or document.step is Step.SPLIT else ""
    if document.state in (DocumentState.ROUTED, DocumentState.WITHDRAWN):
        return f"it is {document.state}"
    if document.plan and document.plan.way not in (Way.FAILED, Way.DISMISSED) and not document.without_result:
        return f"it has its result; mailroom replay {document.id} resumes it"
    if document.plan is None and document.step is Step.SPLIT:
        return f"it is split; mailroom recut {document.id} cuts it by hand"
    return ""


async def resubmit(document_id: str, context: Context, *, who: str) -> Document | Skipped:
    """The document, with a task that uploads its bytes again for a new job. This costs its credits again.

    Raises NotFound, Conflict when it keeps changing.
    """

    async def change(document: Document) -> tuple[Document, Sequence[Write]] | Skipped:
        if why := why_not(document):
            return Skipped(document, why)
        return _resubmitted(document, f"{who} resubmitted it", context)

    return await changed_document(document_id, change, context)


def _resubmitted(document: Document, reason: str, context: Context) -> tuple[Document, Sequence[Write]]:
    now = context.clock()
    before = f"; before: {state_in_words(document)}" if document.classification else ""
    again = resubmission(document, reason + before, now, context)
    after = replace(again, uploads=document.uploads + 1, file_id="", file_expires_at=None)
    return after, [InsertIfAbsent(submission_of(after, now=now))]


# --- other bytes


async def unlock(document_id: str, password: str, context: Context, *, who: str) -> Document | Skipped:
    """The document with its bytes decrypted by the password, resubmitted.

    Raises NotFound, NotAllowed, Uncuttable for another password, FileGone, NotViewable if it cannot be read now.
    """
    document = await document_named(document_id, context.store)
    await refuse_unreadable(document, context)
    refuse_new_bytes(document)
    if context.cutter is None:
        raise Misconfigured("this application cannot open PDFs: its Context has no cutter")
    with tempfile.TemporaryDirectory(prefix="mailroom-unlock-") as folder:
        path = Path(folder, "open.pdf")
        with not_viewable_unless_read():
            async with on_disk(document, context) as locked:
                await context.cutter.unlock(locked, password, path)
        return await _with_bytes(document, path, document.name, f"{who} unlocked it", context)


async def replacement(document_id: str, file: Path, context: Context) -> Document:
    """The document with the name and media type that this file gives it, its pages not counted; nothing is stored.

    Raises NotFound, NotAllowed, DocumentRefused.
    """
    document = await document_named(document_id, context.store)
    refuse_new_bytes(document)
    with file.open("rb") as opened:
        head = opened.read(HEAD_BYTES)
    if reason := refusal(head, file.name, packet=document.packet):
        raise DocumentRefused(f"{file.name} {reason}", fix="submit its content as a document")
    kind = media_type(head, file.name)
    name = document.name if kind == document.media_type else file.name
    return replace(document, name=name, media_type=kind, page_count=None)


async def replace_bytes(document_id: str, file: Path, context: Context, *, who: str) -> Document | Skipped:
    """The document with the bytes of this file, resubmitted. Raises NotFound, NotAllowed, DocumentRefused."""
    document = await replacement(document_id, file, context)
    return await _with_bytes(document, file, document.name, f"{who} replaced it", context)


def refuse_new_bytes(document: Document) -> None:
    """Raises NotAllowed for a document whose bytes cannot be replaced in its current state."""
    if document.forgotten_at is None and (why := why_not(document)):
        raise NotAllowed(f"document {document.id}: {why}")


async def _with_bytes(document: Document, file: Path, name: str, reason: str, context: Context) -> Document | Skipped:
    kept = await context.spool.keep(file, limit=context.max_document, owner=lambda _: document.id)
    before = document.content

    async def change(fresh: Document) -> tuple[Document, Sequence[Write]] | Skipped:
        if fresh.forgotten_at is None and (why := why_not(fresh)):
            return Skipped(fresh, why)
        note = f"{reason}; before: {fresh.name}, sha256 {fresh.sha256}"
        other = replace(
            fresh,
            name=name,
            sha256=kept.sha256,
            size=kept.size,
            media_type=media_type(kept.head, name),
            content=kept.location,
            forgotten_at=None,
            page_count=None,
            cuts=(),
        )
        return _resubmitted(other, note, context)

    after = await changed_document(document.id, change, context)
    await context.release(kept.location if isinstance(after, Skipped) else before)
    return after


# --- dismiss


async def dismiss(document_id: str, note: str, context: Context, *, who: str) -> Document | Skipped:
    """The dismissed document: it goes nowhere, and counts as failed. Of a mail, the held documents are dismissed.

    Raises NotFound, Conflict when it keeps changing.
    """
    document = await document_named(document_id, context.store)
    held = [item for item in await _documents(document, context) if item.state is DocumentState.REVIEW]
    for item in held:
        await _dismissed(item.id, note, context, who=who)
    itself = document.state is DocumentState.REVIEW and document.without_result
    if held and not itself:
        return await document_named(document_id, context.store)  # its state follows from theirs
    return await _dismissed(document_id, note, context, who=who)


async def _documents(mail: Document, context: Context) -> list[Document]:
    found = [await context.store.get(Document, item) for item in mail_archive.document_ids(mail)]
    return [item for item in found if item is not None]


async def _dismissed(document_id: str, note: str, context: Context, *, who: str) -> Document | Skipped:
    async def change(document: Document) -> tuple[Document, Sequence[Write]] | Skipped:
        if document.state in (DocumentState.ROUTED, DocumentState.WITHDRAWN):
            return Skipped(document, f"it is {document.state}")
        if document.set_aside is not None:
            return Skipped(document, RECLASSIFYING)
        if document.state is DocumentState.OPEN and (document.plan is not None or document.step is Step.SPLIT):
            return Skipped(document, "it is being delivered")
        now = context.clock()
        plan = Plan(way=Way.DISMISSED, route=Way.DISMISSED, reason=f"{who} dismissed it: {note}", decided_at=now)
        noted = with_statement(document, who=who, choice=Choice.DISMISS, why=note, now=now)
        after = replanned(replace(noted, error="", step=Step.DECIDED), plan, context)
        after = replace(after, deadline=now + context.config.deadline_seconds)
        after = after.note(now, "dismissed", f"{who}: {note}; before: {document.error or document.state}").settle()
        return after, delivery_tasks(after, now=now)

    return await changed_document(document_id, change, context)


# --- what they share

Changing = Callable[[Document], Awaitable[tuple[Document, Sequence[Write]] | Skipped]]
"""The document after a change and the writes that follow; or why nothing is written."""


async def changed_document(document_id: str, change: Changing, context: Context) -> Document | Skipped:
    """Applies ``change`` to the current document, and retires its parked tasks."""
    for _ in range(CONFLICTS):
        document = await document_named(document_id, context.store)
        changed = await change(document)
        if isinstance(changed, Skipped):
            return changed
        after, follows = changed
        now = context.clock()
        writes = [Replace(after), *follows, *await retired(document, context)]
        writes += container_tasks(writes, now=now, reopened=True)
        try:
            await context.store.apply(*writes)
        except Conflict:
            continue
        await context.enqueue_written(writes)
        return succeeding(after)
    raise Conflict("document", document_id)
