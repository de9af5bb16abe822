"""Submit: uploads the document, and creates the job with our webhook; each exactly once.

The file is looked up by our own id before it is uploaded, and the job's ``transaction_id`` is stored on the document
before the job is created. So a retry gets the same file and the same job.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from receiver.core.alert import Alert
from receiver.core.change import Insert, InsertIfAbsent, Replace, Write
from receiver.core.document import Document, DocumentState, Step
from receiver.core.errors import DocumentRefused, FileGone, Owner, Uncuttable
from receiver.core.job import Job, JobKind, JobReport, JobRequest, SweepVerdict
from receiver.core.job_update import recheck_of
from receiver.core.media import PDF, named_type
from receiver.core.safe_names import whole
from receiver.core.submission import external_file_id
from receiver.core.task import Task, submission_of
from receiver.core.vendor_input import is_parse_job
from receiver.packets.archive import held_alert
from receiver.packets.pieces import dying_once, open_packet
from receiver.pipeline import create_job
from receiver.pipeline.context import Context, StepResult, TaskHandler, once_as_read
from receiver.pipeline.document_outcome import failed_without_job, held, may_resubmit, resubmission
from receiver.pipeline.gather_facts import count_pages
from receiver.pipeline.installation import may_come_again
from receiver.pipeline.job_request import job_request_for, not_requested, written_down
from receiver.ports import CloudFile

KEPT = 0.1
"""Fraction of ``deadline``: a submission that would move its document's deadline by less leaves it as it is."""


async def submit(task: Task, context: Context) -> StepResult:
    """One attempt to submit the document that the task is about."""
    document = await context.store.get(Document, task.subject)
    if document is None or document.state is not DocumentState.OPEN or document.step is not Step.RECEIVED:
        return StepResult(note="already submitted")
    try:
        placed = await _placed(document, task, context)
    except Uncuttable as error:
        return _uncuttable(document, str(error), context)
    if why := not_requested(placed.report, placed.document, placed.order):
        return _not_ours(document, f"LlamaCloud returned job {placed.report.id} {why}", context)

    as_read: Stored = (placed.document, None)
    current = once_as_read(as_read, partial(_as_stored, placed, context))

    async def change() -> Sequence[Write]:
        fresh, known = await current()
        if fresh is None:
            return ()  # its event was faster; if that resubmitted it, the next job is another task's
        if known is not None and known.document_id != document.id:
            reason = f"LlamaCloud returned job {known.id}, which belongs to document {known.document_id}"
            return held(fresh, reason, context)
        return _submitted(fresh, known, placed, context)

    return StepResult(note=f"job {placed.report.id}", change=change)


class Placed(NamedTuple):
    """A request that was made: the document as stored, its file and its job at LlamaCloud."""

    document: Document
    file: CloudFile
    order: JobRequest
    report: JobReport


async def _placed(document: Document, task: Task, context: Context) -> Placed:
    """Looks up or uploads the file, stores the request, and only then creates the job."""
    kind = JobKind.SPLIT if document.packet else JobKind.CLASSIFY
    by_id = document.at_llamacloud
    there = await context.cloud.file(by_id) if by_id else None  # before its bytes: a parse job that runs has none yet
    document = await _counted(document, task, context)
    file = there or await _uploaded(document, kind, task, context)
    document = _named(document, file)
    order = job_request_for(document, kind, file, context)
    document = await written_down(document, order, context)
    report, order = await _create(order, document, task, context)
    return Placed(document, file, order, report)


def _named(document: Document, file: CloudFile) -> Document:
    """The document, with LlamaCloud's name for the file if it was submitted by id without a name."""
    if not document.at_llamacloud or document.name != document.at_llamacloud or not file.name:
        return document
    kind = document.media_type if is_parse_job(file.id) else named_type(file.name)
    return replace(document, name=whole(file.name), media_type=kind)


Stored = tuple[Document | None, Job | None]
"""The document, if it still waits for its submission, and its job if that is on record."""


async def _as_stored(placed: Placed, context: Context) -> Stored:
    return await _waiting(placed.document, context), await context.store.get(Job, placed.report.id)


async def _waiting(document: Document, context: Context) -> Document | None:
    """The current document, if it still waits for this submission."""
    fresh = await context.store.get(Document, document.id)
    waits = fresh is not None and fresh.step is Step.RECEIVED and fresh.submissions == document.submissions
    return fresh if waits else None


async def _counted(document: Document, task: Task, context: Context) -> Document:
    """The document with its pages counted, if it is a PDF.

    Raises Uncuttable for a packet that cannot be cut, so that it is not paid for. Any other document that cannot be
    counted stays uncounted, also when the disk is full. Raises ReaderDied the first time.
    """
    by_id = document.at_llamacloud
    if document.packet and context.config.split.target_pages is not None and not is_parse_job(by_id):
        raise Uncuttable("split.target_pages needs a packet that is submitted as a parse job: LlamaCloud's rule")
    if document.page_count is not None or not (document.packet or (document.media_type == PDF and not by_id)):
        return document
    try:
        with dying_once(task):
            found = await _packet_pages(document, context) if document.packet else await count_pages(document, context)
    except (Uncuttable, OSError):
        if document.packet:
            raise
        return document
    most = context.config.split.guards.max_packet_pages
    if document.packet and most is not None and found > most:
        raise Uncuttable(f"the packet has {found} pages, more than guards.max_packet_pages {most}")
    return replace(document, page_count=found)


async def _packet_pages(packet: Document, context: Context) -> int:
    """The number of pages of a packet that passed every check that could keep it from being cut."""
    async with open_packet(packet, context) as pages:
        return pages.count


def _uncuttable(document: Document, reason: str, context: Context) -> StepResult:
    async def change() -> Sequence[Write]:
        fresh = await _waiting(document, context)
        return held(fresh, reason, context) if fresh else ()

    return StepResult(note=reason, change=change, alerts=(held_alert(document, reason, context.clock()),))


def _not_ours(document: Document, reason: str, context: Context) -> StepResult:
    """Resubmits the document, because the job is not about it; holds it if that does not help."""
    now = context.clock()

    async def change() -> Sequence[Write]:
        fresh = await _waiting(document, context)
        if fresh is None:
            return ()
        if not may_resubmit(fresh, context):
            return held(fresh, reason, context)
        after = resubmission(fresh, reason, now, context)
        return Replace(after), InsertIfAbsent(submission_of(after, now=now))

    held_for_good = () if may_resubmit(document, context) else (_not_ours_alert(document, reason, now),)
    return StepResult(note=reason, change=change, alerts=held_for_good)


def _not_ours_alert(document: Document, reason: str, now: float) -> Alert:
    return Alert(
        kind="job.failed",
        cause="not_requested",
        title=f"LlamaCloud returned a job that was not requested: {document.name}",
        detail=reason,
        subject=document.id,
        fix=f"to submit it under a new id: mailroom replay {document.id}",
        at=now,
    )


async def _create(order: JobRequest, document: Document, task: Task, context: Context) -> tuple[JobReport, JobRequest]:
    if order.kind is JobKind.SPLIT:
        return await create_job.create_job(order, document, context, repeated=task.attempts > 1)
    return await context.cloud.create(order), order


async def _uploaded(document: Document, kind: JobKind, task: Task, context: Context) -> CloudFile:
    """The document's file at LlamaCloud, uploaded unless it exists there. Bytes are compared: a name proves nothing."""
    external_id = external_file_id(document)
    if not await _cannot_be_there(document, task, context):
        found = await context.cloud.find_file(external_id, sha256=document.sha256, known=document.file_id)
        if found is not None and (
            found.expires_at is None or found.expires_at > context.clock() + context.config.deadline_seconds
        ):
            return found
    content = await context.content(document)
    return await context.cloud.upload(content, name=document.name, external_id=external_id, purpose=kind.value)


async def _cannot_be_there(document: Document, task: Task, context: Context) -> bool:
    """Whether the file cannot have been uploaded yet, because this is the first attempt at its first submission.

    The task's version shows whether it was attempted before, unless the store has lost or removed records.
    """
    first = task.version == 1 and task.attempts == 1 and not (document.file_id or document.submissions)
    if not first or document.transactions or not document.installation:
        return False
    return not await may_come_again(document.id, context)


def _submitted(document: Document, known: Job | None, placed: Placed, context: Context) -> Sequence[Write]:
    now, file, order, report = context.clock(), placed.file, placed.order, placed.report
    pages = _pages_read(placed.document, order)
    first = context.usual_times.first_look(order.kind, pages, longest=context.config.deadline_seconds)
    job = Job(
        id=report.id,
        kind=order.kind,
        document_id=document.id,
        created_at=report.created_at or now,
        heard_at=now,
        transaction_id=order.transaction_id,
        deadline=now if report.status.final else now + first,  # an earlier job of ours: no more events will come
        first_wait=first,
        beta=order.beta,
        pages=pages,
    )
    submitted = replace(
        document,
        name=placed.document.name,
        media_type=placed.document.media_type,
        page_count=placed.document.page_count,
        step=Step.SUBMITTED,
        file_id=file.id,
        file_expires_at=file.expires_at,
        job_id=report.id,
        deadline=_deadline(document, context),
        error="",
    ).note(now, "submitted", f"{order.kind} job {report.id}, file {file.id}")
    return (
        *([Insert(job)] if known is None else []),
        Replace(submitted),
        *([InsertIfAbsent(recheck_of(job, SweepVerdict.POLL, now=now))] if order.beta else []),
    )


def _deadline(document: Document, context: Context) -> float:
    """The deadline from now on. One that is only a little earlier stays, because a move writes an index twice."""
    whole, present = context.config.deadline_seconds, document.deadline
    fresh = context.clock() + whole
    return present if present is not None and 0 <= fresh - present < KEPT * whole else fresh


def _pages_read(document: Document, order: JobRequest) -> int | None:
    """Maximum pages that LlamaCloud reads for this job; None if they were not counted."""
    limit = (order.configuration.get("parsing_configuration") or {}).get("max_pages")
    count = document.page_count
    return count if count is None or limit is None else min(count, limit)


async def give_up(task: Task, error: Exception, context: Context) -> Sequence[Write]:
    """A document that LlamaCloud cannot process takes the ``failed`` route. Any other refusal (of one of our rules, for
    instance) is not the document's fault, and the document is held for a person.
    """
    document = await context.store.get(Document, task.subject)
    if document is None or document.step is not Step.RECEIVED:
        return ()
    if isinstance(error, DocumentRefused | FileGone) and error.owner is Owner.DOCUMENT:
        return failed_without_job(document, str(error), context)
    return held(document, f"could not be submitted: {error}", context)


STEP = TaskHandler(run=submit, give_up=give_up)
