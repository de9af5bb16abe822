"""Job context: a job and its document. This module finds out whose job it is if it is not on record.

An event proves one document, that of its token, or none. It may change the job on record for that document
(pipeline/job_result.py), or a job that LlamaCloud says was created with the transaction id of the document's current
submission, and nothing else. A job that was created elsewhere becomes a document of its own if adoption is on and the
event has no token; otherwise it is ignored.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from receiver.core.change import Insert, Write
from receiver.core.document import NAMING, Document, DocumentState, Origin, Step
from receiver.core.errors import CloudBusy, CloudRefused, FileGone, JobGone
from receiver.core.ids import adopted_id
from receiver.core.job import Job, JobKind, JobReport, already_processed
from receiver.core.job_update import JobUpdate
from receiver.core.media import media_type
from receiver.core.submission import SELF_TEST, document_named_by, is_submission_of, number_in
from receiver.pipeline.context import Context, StepResult
from receiver.pipeline.installation import installation
from receiver.pipeline.job_request import job_request_for, not_requested
from receiver.ports import CloudFile
from receiver.tracing import span

GRACE = 30.0
"""Seconds after we first learned of a job in which a 404 does not count: LlamaCloud may not show the job
everywhere yet."""
SOON = 0.5
"""Seconds until the second request for a job that LlamaCloud does not show yet; each further wait is twice as long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobContext:
    """A job, the API's report on it, and its document."""

    report: JobReport
    document: Document
    job: Job | None
    """None for a job that is not on record yet: its event came before our own write, or the job is adopted."""
    adopted: bool = False
    """Whether neither the job nor its document are on record yet."""
    heard_by: str = ""
    """How its end was learned (``Job.heard_by``)."""


async def fetch_unrecorded_job(
    event: JobUpdate, job_ids: Sequence[str], kind: JobKind, context: Context
) -> JobContext | StepResult | Job:
    """The job that an event names by ids of which none is on record; or what happens to the event.

    Returns just the record if one was written in the meantime.
    """
    document = await context.store.get(Document, event.document_id) if event.document_id else None
    if event.document_id and (document is None or not _awaits_job(document)):
        if document is not None and document.job_id in job_ids:
            recorded = await context.store.get(Job, document.job_id)  # written between two reads
            if recorded is not None:
                return recorded
        note = f"its token belongs to {event.document_id}, which has no job with this id"
        return StepResult(note=note, asked=False)
    try:
        return await _looked_up(event, job_ids, kind, document, context)
    except CloudRefused as error:
        # The id comes from outside: a response to it, even a firewall's, says nothing about our own jobs.
        raise CloudBusy(str(error), fix=error.fix) from error


def _awaits_job(document: Document) -> bool:
    """Whether the document is being submitted, so that a job of it may exist that is not on record."""
    return document.state is DocumentState.OPEN and document.step is Step.RECEIVED


async def _looked_up(
    event: JobUpdate, unknown: Sequence[str], kind: JobKind, document: Document | None, context: Context
) -> JobContext | StepResult:
    """The context of a job that is not on record. ``document`` is the one that the event's token proves."""
    now = context.clock()
    if wait := context.lookups.take(now, again=event.looks > 0 or document is not None):
        # A document that is being submitted does not wait: its job may be on record in a moment.
        again_at = now + (min(wait, 1.0) if document else wait)
        return StepResult(note="too many events name unknown jobs", again_at=again_at, asked=False)
    report = await _first_known(unknown, kind, context)
    if report is None:
        return _unknown(event, now)
    if report.id not in unknown or report.transaction_id.startswith(SELF_TEST):
        return StepResult(note=f"job {report.id} is a self-test, or not the requested job")
    return await _claimed(event, report, document, context)


async def _first_known(job_ids: Sequence[str], kind: JobKind, context: Context) -> JobReport | None:
    for job_id in job_ids:
        try:
            with span("fetch result", kind="CLIENT", job=job_id):
                return await context.cloud.job(kind, job_id)
        except JobGone:
            continue
    return None


def _unknown(event: JobUpdate, now: float) -> StepResult:
    """What happens to an event whose job LlamaCloud does not show: retried within the grace period, then ignored."""
    heard, age = event.heard_at, now - event.heard_at
    if age >= GRACE:
        return StepResult(note="LlamaCloud does not know this job", asked=True)
    return StepResult(
        note="LlamaCloud does not show this job yet", again_at=min(now + max(SOON, abs(age)), heard + GRACE)
    )


async def _claimed(
    event: JobUpdate, report: JobReport, document: Document | None, context: Context
) -> JobContext | StepResult:
    """Finds the document that this job belongs to, by its transaction id at LlamaCloud."""
    named = document_named_by(report.transaction_id)
    if document is None and named:
        document = await context.store.get(Document, named)
    if document is None:
        return await _foreign(report, context)
    if _speaks_for(report, document, context):
        if already_processed(document, report.id, None):
            return StepResult(note="already processed")
        return JobContext(report=report, document=document, job=None)
    return StepResult(note=f"job {report.id} was not created for the current submission of {document.id}")


def _speaks_for(report: JobReport, document: Document, context: Context) -> bool:
    """Whether the job was created for the document's current submission, by the stored request."""
    present = number_in(report.transaction_id) == document.submissions
    if not present or not is_submission_of(document, report.transaction_id):
        return False
    file = CloudFile(id=document.file_id or report.file_id, name=document.name)
    return not not_requested(report, document, job_request_for(document, report.kind, file, context))


async def _foreign(report: JobReport, context: Context) -> JobContext | StepResult:
    """A job that was created elsewhere with our webhook URL."""
    if not context.adopt:
        return StepResult(note=f"job {report.id} is not our job; adoption is off (MAILROOM_ADOPT)")
    return JobContext(report=report, document=await _adopted(report, context), job=None, adopted=True)


async def _adopted(report: JobReport, context: Context) -> Document:
    try:
        file = await context.cloud.file(report.file_id)
    except FileGone:  # its job has the result; the delivery will then report the missing bytes
        file = CloudFile(id=report.file_id, name=report.id)
    now = context.clock()
    identity = adopted_id(report.id)
    return Document(
        id=identity,
        name=file.name,
        sha256="",
        size=0,
        media_type=media_type(b"", file.name),
        origin=Origin(kind="adopted", locator=report.id),
        content=f"llamacloud:{file.id}",
        taken_in_at=now,
        naming=NAMING,
        batch_id=identity,
        step=Step.SUBMITTED,
        packet=report.kind is JobKind.SPLIT,
        file_id=file.id,
        file_expires_at=file.expires_at,
        job_id=report.id,
        deadline=now + context.config.deadline_seconds,
        installation=await installation(context),
    ).note(now, "adopted", f"job {report.id} was created elsewhere")


def on_record(job_context: JobContext, context: Context) -> Sequence[Write]:
    """Writes an adopted document and its job. From then on the sweep asks about it, and the tally counts it."""
    now, report = context.clock(), job_context.report
    job = Job(
        id=report.id,
        kind=report.kind,
        document_id=job_context.document.id,
        created_at=report.created_at or now,
        heard_at=now,
        transaction_id=report.transaction_id,
        status=report.status,
        deadline=now + context.config.deadline_seconds,
    )
    return Insert(job_context.document), Insert(job)
