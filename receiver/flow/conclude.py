"""Conclude: from what the API says of a job to a plan, and to the deliveries that the plan asks for.

``fetch`` finds the document behind a happening and the full result; ``classified``, ``failed`` and ``held`` say what is
written then. The reactions in handlers choose between them.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from receiver.core.alert import Alert
from receiver.core.change import Ensure, Insert, Update, Write
from receiver.core.document import DeliveryState, Document, DocumentState, Origin, Step
from receiver.core.errors import DocumentRefused, JobGone, OutOfCredits
from receiver.core.job import Job, JobKind, JobReport, JobStatus
from receiver.core.media import media_type
from receiver.core.naming import adopted_id
from receiver.core.plan import Plan, Way
from receiver.core.route import decide, decide_failed, deliveries
from receiver.core.submission import SELF_TEST, document_named_by
from receiver.core.task import submission_of
from receiver.flow.deliver import delivery_tasks
from receiver.flow.installation import installation
from receiver.flow.reactions import Happening
from receiver.flow.tools import Tools

YOUNG = 30.0
"""Seconds for which a 404 is not believed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A job, what the API says of it, and the document that it speaks for."""

    report: JobReport
    document: Document
    job: Job | None
    """None for a job that is not on our books yet: its event was faster than our own note of it, or it is adopted."""
    adopted: bool = False


async def fetch(happening: Happening, kind: JobKind, tools: Tools) -> Case | None:
    """The case behind a happening; None when the job speaks for no document of ours and may not be adopted.

    Raises JobGone when LlamaCloud knows neither of the two ids an event may carry.
    """
    report = await _report(happening, kind, tools)
    if report.transaction_id.startswith(SELF_TEST):
        return None
    job = await tools.store.get(Job, report.id)
    document_id = job.document_id if job else document_named_by(report.transaction_id) or happening.document_id
    document = await tools.store.get(Document, document_id) if document_id else None
    if document is not None:
        return Case(report=report, document=document, job=job)
    known = await tools.store.get(Document, adopted_id(report.id))
    if known is None and not tools.adopt:
        return None
    return Case(report=report, document=known or await _adopt(report, tools), job=job, adopted=known is None)


async def refreshed(case: Case, tools: Tools) -> Case:
    """The case with the records as they are now; the report is not fetched again."""
    document = await tools.store.get(Document, case.document.id)
    job = await tools.store.get(Job, case.report.id)
    return replace(case, document=document or case.document, job=job, adopted=document is None)


async def _report(happening: Happening, kind: JobKind, tools: Tools) -> JobReport:
    job = await tools.store.get(Job, happening.job_id)
    try:
        return await tools.cloud.job(kind, happening.job_id, beta=job is not None and job.beta)
    except JobGone:
        if happening.other_id:
            return await tools.cloud.job(kind, happening.other_id)
        if job is None:
            raise
        return _gone(job, tools.clock())


def _gone(job: Job, now: float) -> JobReport:
    """A 404 for a job of ours: gone, unless it is so young that LlamaCloud may not show it everywhere yet."""
    young = now - job.created_at < YOUNG
    status = JobStatus.PENDING if young else JobStatus.GONE
    return JobReport(id=job.id, kind=job.kind, status=status, transaction_id=job.transaction_id)


async def _adopt(report: JobReport, tools: Tools) -> Document:
    """A document for a job that was created elsewhere with our webhook URL."""
    file = await tools.cloud.file(report.file_id)
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
        batch_id=identity,
        step=Step.SUBMITTED,
        packet=report.kind is JobKind.SPLIT,
        file_id=file.id,
        file_expires_at=file.expires_at,
        job_id=report.id,
        deadline=now + tools.config.deadline_seconds,
        installation=await installation(tools),
    ).note(now, "adopted", f"job {report.id} was created elsewhere")


async def cancelled(case: Case, tools: Tools) -> Case:
    """The case of a job that is stuck, cancelled at LlamaCloud as far as it lets us; we wait for it no longer."""
    beta = case.job is not None and case.job.beta  # there jobs cannot be cancelled (reference 1.4)
    # It ended or went away just now, or nothing is done for us without credits: no matter, nobody waits for it.
    with contextlib.suppress(JobGone, DocumentRefused, OutOfCredits):
        if not beta:
            await tools.cloud.cancel(case.report.kind, case.report.id)
    minutes = tools.config.stuck_seconds / 60
    reason = f"the job was stuck in {case.report.status} for more than {minutes:.0f} minutes"
    return replace(case, report=replace(case.report, status=JobStatus.CANCELLED, error=reason))


def settled_before(case: Case) -> bool:
    """Whether this job's word was taken before, or the document has moved on: then nothing may happen again.

    A document that was submitted anew because of this job has no other one yet, so it is the job's record that tells.
    """
    document = case.document
    taken = case.job is not None and case.job.status.final
    superseded = bool(document.job_id) and document.job_id != case.report.id
    heard = document.plan is not None or document.step is Step.SPLIT
    return taken or superseded or heard or document.state is not DocumentState.OPEN


def classified(case: Case, tools: Tools) -> Sequence[Write]:
    """A finished classification: decide, and promise the deliveries."""
    now = tools.clock()
    result = case.report.classification
    if result is None:
        return concluded(case, held_document(case.document, "the job is completed but shows no result", now), tools)
    document = replace(case.document, classification=result, job_id=case.report.id, error="")
    plan = decide(tools.config.table, result, document, now=now, version=tools.config.table.version)
    tools.meter.count("mailroom_decisions", way=plan.way, type=result.type or "")
    return concluded(case, planned(document, plan, now), tools)


def job_failed(case: Case, reason: str, tools: Tools) -> Sequence[Write]:
    """A failed job: submitted anew when the policy says that such a failure passes, else the way of ``failed``."""
    if tools.config.resubmit.helps(reason) and may_resubmit(case.document, tools):
        return _resubmitted(case, reason, tools)
    return concluded(case, failed_document(case.document, reason, tools), tools)


def job_stopped(case: Case, reason: str, tools: Tools) -> Sequence[Write]:
    """A job that will never have a result, for no fault of the document: submitted anew, or held for a person."""
    if may_resubmit(case.document, tools):
        return _resubmitted(case, reason, tools)
    return concluded(case, held_document(case.document, reason, tools.clock()), tools)


def may_resubmit(document: Document, tools: Tools) -> bool:
    """Whether the policy allows one more submission; an adopted document is not ours to submit."""
    return document.submissions < tools.config.resubmit.times and document.origin.kind != "adopted"


def _resubmitted(case: Case, reason: str, tools: Tools) -> Sequence[Write]:
    after = resubmission(case.document, reason, tools.clock(), tools)
    return Update(after), _job_record(case, after, tools.clock()), Ensure(submission_of(after, now=tools.clock()))


def resubmission(document: Document, reason: str, now: float, tools: Tools) -> Document:
    """The document as it was before its submission, one number further: its next job is another one."""
    return replace(
        document,
        state=DocumentState.OPEN,
        step=Step.TAKEN_IN,
        submissions=document.submissions + 1,
        job_id="",
        classification=None,
        plan=None,
        deliveries=(),
        error="",
        deadline=now + tools.config.deadline_seconds,
    ).note(now, "submitted anew", reason)


def failed(document: Document, reason: str, tools: Tools) -> Sequence[Write]:
    """A document that never got a job goes the way of ``failed``."""
    after = failed_document(document, reason, tools)
    return Update(after), *delivery_tasks(after, tools)


def held(document: Document, reason: str, tools: Tools) -> Sequence[Write]:
    """The document waits in review."""
    return (Update(held_document(document, reason, tools.clock())),)


def planned(document: Document, plan: Plan, now: float) -> Document:
    """The document with its plan, its deliveries, and the state that follows; what was delivered stays on record."""
    done = {one.id: one for one in document.deliveries if one.state is DeliveryState.DELIVERED}
    rows = (*(done.pop(one.id, one) for one in deliveries(document.id, plan)), *done.values())
    with_plan = replace(document, plan=plan, deliveries=rows, step=Step.DECIDED, state=DocumentState.OPEN)
    return with_plan.note(now, "decided", f"{plan.way}: {plan.reason}").settle()


def failed_document(document: Document, reason: str, tools: Tools) -> Document:
    now = tools.clock()
    tools.meter.count("mailroom_decisions", way=Way.FAILED, type="")
    plan = decide_failed(tools.config.table, reason, now=now, version=tools.config.table.version)
    return planned(replace(document, error=reason), plan, now)


def held_document(document: Document, reason: str, now: float) -> Document:
    return replace(document, state=DocumentState.REVIEW, step=Step.SETTLED, error=reason).note(now, "held", reason)


def job_alert(case: Case, reason: str, now: float) -> Alert:
    """The alert of a job that came to no result, with the vendor's own words. A packet's pieces are one cause."""
    return Alert(
        kind="job.failed",
        cause=case.document.parent_id or reason[:80],
        title=f"{case.report.kind} job {case.report.status}: {case.document.name}",
        detail=reason,
        subject=case.document.id,
        fix=f"mailroom documents {case.document.id}",
        at=now,
    )


def concluded(case: Case, document: Document, tools: Tools) -> Sequence[Write]:
    """The document with this job as the one that speaks for it, the job's record, and the deliveries that follow."""
    after = replace(document, job_id=case.report.id)
    writes: list[Write] = [Insert(after) if case.adopted else Update(after)]
    writes.append(_job_record(case, after, tools.clock()))
    return *writes, *delivery_tasks(after, tools)


def _job_record(case: Case, document: Document, now: float) -> Write:
    report = case.report
    if case.job is not None:
        ended = replace(case.job, status=report.status, error=report.error, credits=report.credits)
        return Update(replace(ended, segments=report.segments))
    return Insert(
        Job(
            id=report.id,
            kind=report.kind,
            document_id=document.id,
            created_at=report.created_at or now,
            transaction_id=report.transaction_id,
            status=report.status,
            error=report.error,
            credits=report.credits,
            segments=report.segments,
        )
    )
