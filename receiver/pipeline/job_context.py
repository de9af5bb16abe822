"""The job that an event or the sweep is about, and the document that it counts for. Both follow from records.

An event proves one document, that of its token, or none. It may touch the job on record for that document, or one that
LlamaCloud itself says was created under the transaction id of the document's present submission. Nothing else: a job
that was created elsewhere is adopted as a document of its own, if that is on and the event has no token, or is nothing.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from receiver.core.change import Insert, InsertIfAbsent, Write
from receiver.core.document import NAMING, Document, DocumentState, Origin, Step
from receiver.core.errors import CloudBusy, CloudRefused, DocumentRefused, FileGone, JobGone, OutOfCredits
from receiver.core.event import Event
from receiver.core.ids import adopted_id, event_key, may_be_id
from receiver.core.job import Job, JobKind, JobReport, JobStatus, SweepVerdict
from receiver.core.job_update import Command, JobUpdate
from receiver.core.media import media_type
from receiver.core.submission import SELF_TEST, document_named_by, is_submission_of, number_in
from receiver.pipeline.context import Context, StepResult
from receiver.pipeline.installation import installation
from receiver.pipeline.job_request import job_request_for, not_requested
from receiver.pipeline.receive import handling_of
from receiver.ports import CloudFile

GRACE = 30.0
"""Seconds from when we first heard of a job for which a 404 is not believed: LlamaCloud may not show it everywhere."""
SOON = 0.5
"""Seconds until the second look at a job that LlamaCloud does not show yet; each wait is twice as long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobContext:
    """A job, what the API says of it, and the document that it speaks for."""

    report: JobReport
    document: Document
    job: Job | None
    """None for a job that is not on record yet: its event was faster than our own note of it, or it is adopted."""
    adopted: bool = False
    """Whether neither the job nor its document are on record yet."""


async def fetch_job(event: JobUpdate, kind: JobKind, context: Context) -> JobContext | StepResult:
    """The job that an event is about; else what becomes of the event: nothing, or another look later."""
    unknown = []
    for named in dict.fromkeys(filter(may_be_id, (event.job_id, event.other_id))):
        job = await context.store.get(Job, named)
        if job is None:
            unknown.append(named)
        elif event.document_id in ("", job.document_id):
            return (
                await _on_record(job, kind, context) if named == event.job_id else _left_to_its_own(job, event, context)
            )
    if not unknown:
        return _unasked("it names no job of its document" if event.document_id else "it names no job")
    document = await context.store.get(Document, event.document_id) if event.document_id else None
    if event.document_id and (document is None or not _awaits_job(document)):
        return _unasked(f"its token belongs to {event.document_id}, which has no job with this id")
    try:
        return await _looked_up(event, unknown, kind, document, context)
    except CloudRefused as error:
        # The id comes from outside: an answer to it, a firewall's too, says nothing about work of ours.
        raise CloudBusy(str(error), fix=error.fix) from error


def _left_to_its_own(job: Job, event: JobUpdate, context: Context) -> StepResult:
    """The same event, handled under the job's own id.

    Beside that id an event can name another, of which there are as many as somebody likes: each would be a task of
    its own, and each would ask LlamaCloud about the one job, again and again until it has a result.
    """
    now = context.clock()
    identity = event_key(event.event_id, event.document_id)
    same = Event(id=identity, type=event.type, job_id=job.id, document_id=event.document_id, received_at=now)

    async def change() -> Sequence[Write]:
        return (InsertIfAbsent(handling_of(same, now=now)),)

    return StepResult(note=f"it is about job {job.id}: handled by the task of that id", change=change, asked=False)


async def fetch_recorded_job(command: Command, context: Context) -> JobContext | StepResult:
    """The job on record that the sweep's command is about. Whether it is stuck is judged anew, by its record."""
    job = await context.store.get(Job, command.job_id)
    if job is None:
        return _unasked("the job is no longer stored")
    case = await _on_record(job, job.kind, context)
    if isinstance(case, StepResult) or case.report.status.final or command.verdict is not SweepVerdict.STUCK:
        return case
    after, deadline = context.config.stuck_after(job.pages), context.config.deadline_seconds
    return await _cancelled(case, context) if job.stuck(after=after, deadline_seconds=deadline) else case


async def _cancelled(case: JobContext, context: Context) -> JobContext:
    """The case of a job that is stuck, cancelled at LlamaCloud where that is possible; nobody waits for it any longer.

    Split's beta path cancels nothing (reference 1.4), and a job that was created elsewhere is not ours to cancel.
    """
    leave = (case.job is not None and case.job.beta) or case.document.origin.kind == "adopted"
    # It ended or went away just now, or nothing is done for us without credits: no matter, nobody waits for it.
    with contextlib.suppress(JobGone, DocumentRefused, OutOfCredits):
        if not leave:
            await context.cloud.cancel(case.report.kind, case.report.id)
    minutes = context.config.stuck_after(case.job.pages if case.job else None) / 60
    reason = f"the job was stuck in {case.report.status} for more than {minutes:.0f} minutes"
    return replace(case, report=replace(case.report, status=JobStatus.CANCELLED, error=reason))


async def refreshed(case: JobContext, context: Context) -> JobContext:
    """The case with the records as they are now; the report is not fetched again."""
    document = await context.store.get(Document, case.document.id)
    job = await context.store.get(Job, case.report.id)
    return replace(case, document=document or case.document, job=job, adopted=document is None)


def settled_before(case: JobContext) -> bool:
    """Whether this job's word was taken before, or is not for this document any more: then nothing may happen again."""
    return _settled(case.document, case.report.id, case.job)


def _settled(document: Document, job_id: str, job: Job | None) -> bool:
    """A document that was submitted anew because of this job has no other yet, so it is the job's record that tells."""
    taken = job is not None and (job.status.final or job.document_id != document.id)
    superseded = bool(document.job_id) and document.job_id != job_id
    heard = document.plan is not None or document.step is Step.SPLIT
    return taken or superseded or heard or document.state is not DocumentState.OPEN


def _awaits_job(document: Document) -> bool:
    """Whether a job of it may exist that is not on record: it is being submitted."""
    return document.state is DocumentState.OPEN and document.step is Step.TAKEN_IN


def _unasked(note: str) -> StepResult:
    return StepResult(note=note, asked=False)


async def _on_record(job: Job, kind: JobKind, context: Context) -> JobContext | StepResult:
    if job.kind is not kind:
        return _unasked(f"job {job.id} is a {job.kind} job")
    document = await context.store.get(Document, job.document_id)
    if document is None:
        return _unasked(f"document {job.document_id} of job {job.id} is no longer stored")
    if _settled(document, job.id, job):
        return _unasked("already processed")
    return JobContext(report=await _report(job, context), document=document, job=job)


async def _report(job: Job, context: Context) -> JobReport:
    """What LlamaCloud says of a job on record. A 404 is believed when the job is no longer young."""
    try:
        report = await context.cloud.job(job.kind, job.id, beta=job.beta)
    except JobGone:
        status = JobStatus.PENDING if context.clock() - job.known_since < GRACE else JobStatus.GONE
        return JobReport(id=job.id, kind=job.kind, status=status, transaction_id=job.transaction_id)
    return replace(report, id=job.id)


async def _looked_up(
    event: JobUpdate, unknown: Sequence[str], kind: JobKind, document: Document | None, context: Context
) -> JobContext | StepResult:
    """The case of a job that is not on record; ``document`` is that of the event's token."""
    now = context.clock()
    if wait := context.lookups.take(now, again=event.looks > 0 or document is not None):
        # A document that is being submitted needs no turn: in a moment its job may be on record.
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
            return await context.cloud.job(kind, job_id)
        except JobGone:
            continue
    return None


def _unknown(event: JobUpdate, now: float) -> StepResult:
    """LlamaCloud shows no such job: not yet, or, after the grace, not at all."""
    heard, age = event.heard_at, now - event.heard_at
    if age >= GRACE:
        return StepResult(note="LlamaCloud does not know this job", asked=True)
    return StepResult(
        note="LlamaCloud does not show this job yet", again_at=min(now + max(SOON, abs(age)), heard + GRACE)
    )


async def _claimed(
    event: JobUpdate, report: JobReport, document: Document | None, context: Context
) -> JobContext | StepResult:
    """Whose job this is, by the transaction id that LlamaCloud has of it."""
    named = document_named_by(report.transaction_id)
    if document is None and named:
        document = await context.store.get(Document, named)
    if document is None:
        return await _foreign(report, context)
    if _speaks_for(report, document, context):
        case = JobContext(report=report, document=document, job=None)
        return StepResult(note="already processed") if settled_before(case) else case
    return StepResult(note=f"job {report.id} was not created for the current submission of {document.id}")


def _speaks_for(report: JobReport, document: Document, context: Context) -> bool:
    """Whether it was created for the present submission, and for what was written down with it."""
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
    except FileGone:  # it can be read by its job; what becomes of the delivery is on the document then
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


def on_record(case: JobContext, context: Context) -> Sequence[Write]:
    """An adopted document, open, with its job: from now on the sweep asks about it, and it counts."""
    now, report = context.clock(), case.report
    job = Job(
        id=report.id,
        kind=report.kind,
        document_id=case.document.id,
        created_at=report.created_at or now,
        heard_at=now,
        transaction_id=report.transaction_id,
        status=report.status,
        deadline=now + context.config.deadline_seconds,
    )
    return Insert(case.document), Insert(job)
