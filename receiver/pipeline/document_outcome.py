"""Document outcome: a document follows its plan, is held in review, or is resubmitted."""

from collections.abc import Sequence
from dataclasses import replace

from receiver.core.change import Insert, Replace, Write
from receiver.core.costs import charged, cost_type
from receiver.core.document import Document, DocumentState, Step
from receiver.core.follow_up import delivery_tasks
from receiver.core.job import Job, JobReport
from receiver.core.plan import Plan, Way
from receiver.core.replan import put_back, replanned, shelved
from receiver.core.route import decide_failed
from receiver.pipeline.context import Context
from receiver.pipeline.job_context import JobContext
from receiver.pipeline.shadow import with_shadow_verdict


def planned(document: Document, plan: Plan, context: Context) -> Document:
    """The document with its plan, its deliveries, and the resulting state. Earlier deliveries stay on record."""
    now, after = context.clock(), replanned(document, plan, context)
    again = document.state is not DocumentState.OPEN
    deadline = now + context.config.deadline_seconds if again else document.deadline
    after = replace(after, step=Step.DECIDED, state=DocumentState.OPEN, deadline=deadline)
    after = after.note(now, "decided", f"{plan.way}: {plan.reason}").settle()
    return after if context.shadow is None else with_shadow_verdict(after, context.shadow, context)


def concluded(job: JobContext, document: Document, context: Context) -> Sequence[Write]:
    """Writes the document as decided by this job, the job's record, and the delivery tasks that follow."""
    after = paid(replace(document, job_id=document.job_id or job.report.id), job.report, context)
    writes: list[Write] = [Insert(after) if job.adopted else Replace(after)]
    writes.append(job_record(job, after, context.clock()))
    return *writes, *delivery_tasks(after, now=context.clock())


def paid(document: Document, report: JobReport, context: Context) -> Document:
    """The document with the credits of this job added. Counts them in the metrics, too."""
    if report.credits:
        context.meter.count("mailroom_credits", report.credits, kind=report.kind, type=cost_type(document))
    return charged(document, report)


def job_record(job: JobContext, document: Document, now: float) -> Write:
    """The job's record, from LlamaCloud's report."""
    report = job.report
    if job.job is not None:
        ended = replace(job.job, status=report.status, error=report.error, credits=report.credits)
        return Replace(replace(ended, segments=report.segments, ended_at=report.ended_at, heard_by=job.heard_by))
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
            ended_at=report.ended_at,
            heard_by=job.heard_by,
            segments=report.segments,
        )
    )


def failed_document(document: Document, reason: str, context: Context) -> Document:
    now = context.clock()
    if document.set_aside is not None:
        return _not_reclassified(document, reason, now)
    context.meter.count("mailroom_decisions", way=Way.FAILED, type="")
    plan = decide_failed(context.config.table, reason, now=now)
    return planned(replace(document, error=reason), plan, context)


def held_document(document: Document, reason: str, now: float) -> Document:
    if document.set_aside is not None:
        return _not_reclassified(document, reason, now)
    return replace(document, state=DocumentState.REVIEW, step=Step.SETTLED, error=reason).note(now, "held", reason)


def _not_reclassified(document: Document, reason: str, now: float) -> Document:
    """The document as before its reclassification, which came to nothing. The reason is shown on it."""
    text = f"it could not be reclassified: {reason}"
    return put_back(replace(document, error=text).note(now, "not reclassified", reason))


def held(document: Document, reason: str, context: Context) -> Sequence[Write]:
    """Writes that the document is held in review."""
    return (Replace(held_document(document, reason, context.clock())),)


def failed_without_job(document: Document, reason: str, context: Context) -> Sequence[Write]:
    """Writes that the document, which never got a job, takes the ``failed`` route."""
    after = failed_document(document, reason, context)
    return Replace(after), *delivery_tasks(after, now=context.clock())


def may_resubmit(document: Document, context: Context) -> bool:
    """Whether the policy allows another submission. Mailroom never submits an adopted document."""
    return document.submissions < context.config.resubmit.times and document.origin.kind != "adopted"


def resubmission(
    document: Document, reason: str, now: float, context: Context, *, what: str = "resubmitted"
) -> Document:
    """The document as before its submission, with the next submission number, so that its next job is a new one.

    While it is being reclassified, what it delivered and its type stay as they are.
    """
    reclassified = document.set_aside is not None
    return replace(
        document if reclassified else replace(shelved(document, context.holds), classification=None),
        state=DocumentState.OPEN,
        step=Step.RECEIVED,
        submissions=document.submissions + 1,
        job_id="",
        error="",
        deadline=now + context.config.deadline_seconds,
    ).note(now, what, reason)
