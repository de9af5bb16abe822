"""Case: the job that an event or the sweep is about, and the document that it speaks for. Both follow from records.

An event proves one document, that of its token, or none. It may touch the job on record for that document, or one that
LlamaCloud itself says was created under the transaction id of the document's present submission. Nothing else: a job
that was created elsewhere is adopted as a document of its own, if that is on and the event has no token, or is nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from receiver.core.change import Ensure, Insert, Write
from receiver.core.document import NAMING, Document, DocumentState, Origin, Step
from receiver.core.errors import CloudBusy, CloudRefused, FileGone, JobGone
from receiver.core.event import Event
from receiver.core.job import Job, JobKind, JobReport, JobStatus
from receiver.core.media import media_type
from receiver.core.naming import adopted_id, event_key, may_be_id
from receiver.core.submission import SELF_TEST, document_named_by, is_submission_of, number_in
from receiver.flow.installation import installation
from receiver.flow.order import not_ordered, order_for
from receiver.flow.reactions import Command, Happening
from receiver.flow.receive import reaction_to
from receiver.flow.tools import Outcome, Tools
from receiver.ports import CloudFile

GRACE = 30.0
"""Seconds from when we first heard of a job for which a 404 is not believed: LlamaCloud may not show it everywhere."""
SOON = 0.5
"""Seconds until the second look at a job that LlamaCloud does not show yet; each wait is twice as long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A job, what the API says of it, and the document that it speaks for."""

    report: JobReport
    document: Document
    job: Job | None
    """None for a job that is not on record yet: its event was faster than our own note of it, or it is adopted."""
    adopted: bool = False
    """Whether neither the job nor its document are on record yet."""


async def of_event(event: Happening, kind: JobKind, tools: Tools) -> Case | Outcome:
    """The case that an event is about; else what becomes of the event: nothing, or another look later."""
    unknown = []
    for named in dict.fromkeys(filter(may_be_id, (event.job_id, event.other_id))):
        job = await tools.store.get(Job, named)
        if job is None:
            unknown.append(named)
        elif event.document_id in ("", job.document_id):
            return await _on_record(job, kind, tools) if named == event.job_id else _left_to_its_own(job, event, tools)
    if not unknown:
        return _unasked("it names no job of its document" if event.document_id else "it names no job")
    document = await tools.store.get(Document, event.document_id) if event.document_id else None
    if event.document_id and (document is None or not _awaits_job(document)):
        return _unasked(f"its token is that of {event.document_id}, which waits for no job of this id")
    try:
        return await _looked_up(event, unknown, kind, document, tools)
    except CloudRefused as error:
        # The id comes from outside: an answer to it, a firewall's too, says nothing about work of ours (flow/gate.py).
        raise CloudBusy(str(error), fix=error.fix) from error


def _left_to_its_own(job: Job, event: Happening, tools: Tools) -> Outcome:
    """The reaction to the same event under the job's own id.

    Beside that id an event can name another, of which there are as many as somebody likes: each would be a reaction of
    its own, and each would ask LlamaCloud about the one job, again and again until it has a result.
    """
    now = tools.clock()
    identity = event_key(event.event_id, event.document_id)
    same = Event(id=identity, type=event.type, job_id=job.id, document_id=event.document_id, received_at=now)

    async def change() -> Sequence[Write]:
        return (Ensure(reaction_to(same, now=now)),)

    return Outcome(note=f"it is about job {job.id}: left to the reaction under that id", change=change, asked=False)


async def of_command(command: Command, tools: Tools) -> Case | Outcome:
    """The case of a job on record, for the sweep's own commands."""
    job = await tools.store.get(Job, command.job_id)
    return await _on_record(job, job.kind, tools) if job else _unasked("the job is no longer on record")


async def refreshed(case: Case, tools: Tools) -> Case:
    """The case with the records as they are now; the report is not fetched again."""
    document = await tools.store.get(Document, case.document.id)
    job = await tools.store.get(Job, case.report.id)
    return replace(case, document=document or case.document, job=job, adopted=document is None)


def settled_before(case: Case) -> bool:
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


def _unasked(note: str) -> Outcome:
    return Outcome(note=note, asked=False)


async def _on_record(job: Job, kind: JobKind, tools: Tools) -> Case | Outcome:
    if job.kind is not kind:
        return _unasked(f"job {job.id} is a {job.kind} job")
    document = await tools.store.get(Document, job.document_id)
    if document is None:
        return _unasked(f"document {job.document_id} of job {job.id} is no longer on record")
    if _settled(document, job.id, job):
        return _unasked("known before")
    return Case(report=await _report(job, tools), document=document, job=job)


async def _report(job: Job, tools: Tools) -> JobReport:
    """What LlamaCloud says of a job on record. A 404 is believed when the job is no longer young."""
    try:
        report = await tools.cloud.job(job.kind, job.id, beta=job.beta)
    except JobGone:
        status = JobStatus.PENDING if tools.clock() - job.known_since < GRACE else JobStatus.GONE
        return JobReport(id=job.id, kind=job.kind, status=status, transaction_id=job.transaction_id)
    return replace(report, id=job.id)


async def _looked_up(
    event: Happening, unknown: Sequence[str], kind: JobKind, document: Document | None, tools: Tools
) -> Case | Outcome:
    """The case of a job that is not on record; ``document`` is that of the event's token."""
    now = tools.clock()
    if wait := tools.lookups.take(now, again=event.looks > 0 or document is not None):
        # A document that is being submitted needs no turn: in a moment its job may be on record.
        again_at = now + (min(wait, 1.0) if document else wait)
        return Outcome(note="too many events name unknown jobs", again_at=again_at, asked=False)
    report = await _first_known(unknown, kind, tools)
    if report is None:
        return _unknown(event, now)
    if report.id not in unknown or report.transaction_id.startswith(SELF_TEST):
        return Outcome(note=f"job {report.id} is a self-test, or not the one that was asked for")
    return await _claimed(event, report, document, tools)


async def _first_known(job_ids: Sequence[str], kind: JobKind, tools: Tools) -> JobReport | None:
    for job_id in job_ids:
        try:
            return await tools.cloud.job(kind, job_id)
        except JobGone:
            continue
    return None


def _unknown(event: Happening, now: float) -> Outcome:
    """LlamaCloud shows no such job: not yet, or, after the grace, not at all."""
    heard, age = event.heard_at, now - event.heard_at
    if age >= GRACE:
        return Outcome(note="LlamaCloud knows no such job", asked=True)
    return Outcome(note="LlamaCloud shows no such job yet", again_at=min(now + max(SOON, abs(age)), heard + GRACE))


async def _claimed(event: Happening, report: JobReport, document: Document | None, tools: Tools) -> Case | Outcome:
    """Whose job this is, by the transaction id that LlamaCloud has of it."""
    named = document_named_by(report.transaction_id)
    if document is None and named:
        document = await tools.store.get(Document, named)
    if document is None:
        return await _foreign(report, tools)
    if _speaks_for(report, document, tools):
        case = Case(report=report, document=document, job=None)
        return Outcome(note="known before") if settled_before(case) else case
    return Outcome(note=f"job {report.id} was not created for the present submission of {document.id}")


def _speaks_for(report: JobReport, document: Document, tools: Tools) -> bool:
    """Whether it was created for the present submission, and for what was written down with it."""
    present = number_in(report.transaction_id) == document.submissions
    if not present or not is_submission_of(document, report.transaction_id):
        return False
    file = CloudFile(id=document.file_id or report.file_id, name=document.name)
    return not not_ordered(report, document, order_for(document, report.kind, file, tools))


async def _foreign(report: JobReport, tools: Tools) -> Case | Outcome:
    """A job that was created elsewhere with our webhook URL."""
    if not tools.adopt:
        return Outcome(note=f"job {report.id} was not created here, and adopting is off (MAILROOM_ADOPT)")
    return Case(report=report, document=await _adopted(report, tools), job=None, adopted=True)


async def _adopted(report: JobReport, tools: Tools) -> Document:
    try:
        file = await tools.cloud.file(report.file_id)
    except FileGone:  # it can be read by its job; what becomes of the delivery is on the document then
        file = CloudFile(id=report.file_id, name=report.id)
    now = tools.clock()
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
        deadline=now + tools.config.deadline_seconds,
        installation=await installation(tools),
    ).note(now, "adopted", f"job {report.id} was created elsewhere")


def on_record(case: Case, tools: Tools) -> Sequence[Write]:
    """An adopted document, open, with its job: from now on the sweep asks about it, and it counts."""
    now, report = tools.clock(), case.report
    job = Job(
        id=report.id,
        kind=report.kind,
        document_id=case.document.id,
        created_at=report.created_at or now,
        heard_at=now,
        transaction_id=report.transaction_id,
        status=report.status,
        deadline=now + tools.config.deadline_seconds,
    )
    return Insert(case.document), Insert(job)
