"""Conclude: from what the API says of a job to a plan, and to the deliveries that the plan asks for.

``classified``, ``failed`` and ``held`` say what is written; the reactions in handlers choose between them.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import replace

from receiver.core.alert import TITLE_KEPT, Alert
from receiver.core.change import Insert, InsertIfAbsent, Replace, Write
from receiver.core.document import Document, DocumentState, Step
from receiver.core.errors import DocumentRefused, JobGone, OutOfCredits
from receiver.core.fingerprint import cause_of
from receiver.core.job import Job, JobStatus
from receiver.core.plan import Plan, Way
from receiver.core.replan import replanned, shelved
from receiver.core.route import decide, decide_failed
from receiver.core.task import submission_of
from receiver.pipeline.context import Context
from receiver.pipeline.deliver import delivery_tasks
from receiver.pipeline.job_context import JobContext
from receiver.pipeline.shadow import with_shadow_verdict


async def cancelled(case: JobContext, context: Context) -> JobContext:
    """The case of a job that is stuck, cancelled at LlamaCloud where that is possible; nobody waits for it any longer.

    Split's beta path cancels nothing (reference 1.4), and a job that was created elsewhere is not ours to cancel.
    """
    leave = (case.job is not None and case.job.beta) or case.document.origin.kind == "adopted"
    # It ended or went away just now, or nothing is done for us without credits: no matter, nobody waits for it.
    with contextlib.suppress(JobGone, DocumentRefused, OutOfCredits):
        if not leave:
            await context.cloud.cancel(case.report.kind, case.report.id)
    minutes = context.config.stuck_seconds / 60
    reason = f"the job was stuck in {case.report.status} for more than {minutes:.0f} minutes"
    return replace(case, report=replace(case.report, status=JobStatus.CANCELLED, error=reason))


def classified(case: JobContext, context: Context) -> Sequence[Write]:
    """A finished classification: decide, and promise the deliveries."""
    now = context.clock()
    result = case.report.classification
    if result is None:
        return job_concluded(
            case, held_document(case.document, "the job is completed but shows no result", now), context
        )
    document = replace(case.document, classification=result, job_id=case.report.id, error="")
    plan = decide(context.config.table, result, document, now=now)
    context.meter.count("mailroom_decisions", way=plan.way, type=result.type or "")
    return job_concluded(case, planned(document, plan, context), context)


def job_failed(case: JobContext, reason: str, context: Context) -> Sequence[Write]:
    """A failed job: submitted anew when the policy says that such a failure passes, else the way of ``failed``."""
    if context.config.resubmit.helps(reason) and may_resubmit(case.document, context):
        return _resubmitted(case, reason, context)
    return job_concluded(case, failed_document(case.document, reason, context), context)


def job_stopped(case: JobContext, reason: str, context: Context) -> Sequence[Write]:
    """A job that will never have a result, for no fault of the document: submitted anew, or held for a person."""
    if may_resubmit(case.document, context):
        return _resubmitted(case, reason, context)
    return job_concluded(case, held_document(case.document, reason, context.clock()), context)


def may_resubmit(document: Document, context: Context) -> bool:
    """Whether the policy allows one more submission; an adopted document is not ours to submit."""
    return document.submissions < context.config.resubmit.times and document.origin.kind != "adopted"


def _resubmitted(case: JobContext, reason: str, context: Context) -> Sequence[Write]:
    after = resubmission(case.document, reason, context.clock(), context)
    return (
        Replace(after),
        _job_record(case, after, context.clock()),
        InsertIfAbsent(submission_of(after, now=context.clock())),
    )


def resubmission(document: Document, reason: str, now: float, context: Context) -> Document:
    """The document as it was before its submission, one number further: its next job is another one."""
    return replace(
        shelved(document, context.holds),
        state=DocumentState.OPEN,
        step=Step.TAKEN_IN,
        submissions=document.submissions + 1,
        job_id="",
        classification=None,
        error="",
        deadline=now + context.config.deadline_seconds,
    ).note(now, "submitted anew", reason)


def failed_without_job(document: Document, reason: str, context: Context) -> Sequence[Write]:
    """A document that never got a job goes the way of ``failed``."""
    after = failed_document(document, reason, context)
    return Replace(after), *delivery_tasks(after, context)


def held(document: Document, reason: str, context: Context) -> Sequence[Write]:
    """The document waits in review."""
    return (Replace(held_document(document, reason, context.clock())),)


async def held_for(job: Job, error: Exception, context: Context) -> Sequence[Write]:
    """The document that waits for this job waits in review instead: the job's result cannot be had."""
    document = await context.store.get(Document, job.document_id)
    if document is None or document.job_id != job.id or document.state is not DocumentState.OPEN:
        return ()
    if document.plan is not None:
        return ()
    return (*held(document, f"its result could not be fetched: {error}", context), Replace(replace(job, deadline=None)))


def planned(document: Document, plan: Plan, context: Context) -> Document:
    """The document with its plan, its deliveries, and the state that follows; what was delivered stays on record."""
    now, after = context.clock(), replanned(document, plan, context.holds)
    again = document.state is not DocumentState.OPEN
    deadline = now + context.config.deadline_seconds if again else document.deadline
    after = replace(after, step=Step.DECIDED, state=DocumentState.OPEN, deadline=deadline)
    return with_shadow_verdict(after.note(now, "decided", f"{plan.way}: {plan.reason}").settle(), context)


def failed_document(document: Document, reason: str, context: Context) -> Document:
    now = context.clock()
    context.meter.count("mailroom_decisions", way=Way.FAILED, type="")
    plan = decide_failed(context.config.table, reason, now=now)
    return planned(replace(document, error=reason), plan, context)


def held_document(document: Document, reason: str, now: float) -> Document:
    return replace(document, state=DocumentState.REVIEW, step=Step.SETTLED, error=reason).note(now, "held", reason)


def given_up(case: JobContext, reason: str, writes: Sequence[Write], context: Context) -> Sequence[Alert]:
    """The alert of a job that came to no result; none while its document is submitted anew: that is only counted."""
    written = (write.record for write in writes if isinstance(write, Insert | Replace))
    documents = [record for record in written if isinstance(record, Document)]
    if any(document.step is Step.TAKEN_IN for document in documents):
        context.meter.count("mailroom_alerts", kind="job.failed", outcome="mended")
        return ()
    return (job_alert(case, reason, context.clock()),)


def job_alert(case: JobContext, reason: str, now: float) -> Alert:
    """The alert of a job that came to no result, with the vendor's own words."""
    document = case.document
    return Alert(
        kind="job.failed",
        cause=cause_of(reason, document.name),
        title=f"{case.report.kind} job {case.report.status}: {reason[:TITLE_KEPT]}",
        detail=reason,
        subject=document.id,
        name=document.name,
        job_id=case.report.id,
        tried=_tried(document),
        fix=f"mailroom documents {document.id}",
        at=now,
    )


def _tried(document: Document) -> str:
    """What was done about earlier failures of this document, in words; "" when this was the first."""
    before = [entry.detail for entry in document.history if entry.what == "submitted anew"]
    if not before:
        return ""
    times = "once" if len(before) == 1 else f"{len(before)} times"
    return f"submitted anew {times} before; the last time because: {before[-1]}"


def job_concluded(case: JobContext, document: Document, context: Context) -> Sequence[Write]:
    """The document with this job as the one that speaks for it, the job's record, and the deliveries that follow."""
    after = replace(document, job_id=case.report.id)
    writes: list[Write] = [Insert(after) if case.adopted else Replace(after)]
    writes.append(_job_record(case, after, context.clock()))
    return *writes, *delivery_tasks(after, context)


def _job_record(case: JobContext, document: Document, now: float) -> Write:
    report = case.report
    if case.job is not None:
        ended = replace(case.job, status=report.status, error=report.error, credits=report.credits)
        return Replace(replace(ended, segments=report.segments))
    return Insert(
        Job(
            id=report.id,
            kind=report.kind,
            document_id=document.id,
            created_at=report.created_at or now,
            heard_at=now,
            transaction_id=report.transaction_id,
            status=report.status,
            error=report.error,
            credits=report.credits,
            segments=report.segments,
        )
    )
