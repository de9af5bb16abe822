"""From a job's result to a plan, and to the plan's deliveries.

A job that is still at work is looked at again. Of one that has ended a family of events says in its own file what a
result means (``handlers/classify.py``); what no result means is the same for all, and stands here.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from receiver.core.alert import TITLE_KEPT, Alert
from receiver.core.change import Insert, InsertIfAbsent, Replace, Write
from receiver.core.document import Document, DocumentState, Step
from receiver.core.fingerprint import cause_of
from receiver.core.follow_up import delivery_tasks
from receiver.core.job import Job, JobStatus, SweepVerdict
from receiver.core.job_update import Command, JobUpdate
from receiver.core.task import submission_of
from receiver.pipeline import job_context
from receiver.pipeline.context import Context, StepResult
from receiver.pipeline.document_outcome import failed_document, held, held_document, may_resubmit, resubmission
from receiver.pipeline.gather_facts import GatheredFacts, gather_facts
from receiver.pipeline.job_context import JobContext

EARLY_DELAYS = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds between looks at a job whose event came before its result shows; after these the sweep takes over."""
SLOWEST = 5.0
"""Seconds between polls in the end: 1, 2, 3, 4, 5, 5, … as the vendor's SDK does (reference 3.3)."""

Completed = Callable[[JobContext, Context], Sequence[Write]]
"""What is written when the job came to a result."""


async def write_result(
    fetched: JobContext | StepResult, asked: JobUpdate | Command, completed: Completed, context: Context
) -> StepResult:
    """What the fetched job makes of its document; where none was fetched, what was found instead."""
    if isinstance(fetched, StepResult):
        return fetched
    if not fetched.report.status.final:
        polled = isinstance(asked, Command) and asked.verdict is SweepVerdict.POLL
        return _polled(asked.looks, context) if polled else _early(fetched, asked.looks, context)
    return await _ended(fetched, completed, context)


def _polled(looks: int, context: Context) -> StepResult:
    if looks > context.config.stuck_seconds / SLOWEST:
        return StepResult(note="the sweep will ask again")
    return StepResult(note="not final yet", again_at=context.clock() + min(2.0 + looks, SLOWEST))


def _early(case: JobContext, looks: int, context: Context) -> StepResult:
    """The result does not show yet: look again soon, a few times. Then the sweep asks, for the job is on record."""

    async def adopt() -> Sequence[Write]:
        fresh = await job_context.refreshed(case, context)
        return job_context.on_record(fresh, context) if fresh.adopted else ()

    if looks >= len(EARLY_DELAYS):
        return StepResult(note="not final yet; the sweep will ask again", change=adopt)
    return StepResult(note="not final yet", change=adopt, again_at=context.clock() + EARLY_DELAYS[looks])


async def _ended(case: JobContext, completed: Completed, context: Context) -> StepResult:
    """What is read and asked is done once; what is written is computed anew when somebody else was faster."""
    reason = _why_no_result(case)
    done = case.report.status is JobStatus.COMPLETED
    gathered = await gather_facts(case.document, context) if done else GatheredFacts(case.document)

    async def conclude() -> Sequence[Write]:
        fresh = await job_context.refreshed(case, context)
        if job_context.settled_before(fresh):
            return ()
        if done:
            whole = replace(fresh, document=gathered.on(fresh.document))
            return *completed(whole, context), *gathered.writes
        if fresh.report.status is JobStatus.FAILED:
            return _failed(fresh, reason, context)
        return _stopped(fresh, reason, context)

    def alerts_of(writes: Sequence[Write]) -> Sequence[Alert]:
        return _given_up(case, reason, writes, context)

    return StepResult(note=case.report.status, change=conclude, alerts_of=None if done else alerts_of)


def _why_no_result(case: JobContext) -> str:
    """In the vendor's words where it gave any."""
    ours = {
        JobStatus.CANCELLED: "the job was cancelled at LlamaCloud",
        JobStatus.GONE: "LlamaCloud no longer knows the job",
    }
    said = case.report.error
    if said and any(c.isprintable() and not c.isspace() for c in said):
        return said
    return ours.get(case.report.status, "LlamaCloud reported no reason")


def _failed(case: JobContext, reason: str, context: Context) -> Sequence[Write]:
    """A failed job: submitted anew when the policy says that such a failure passes, else the way of ``failed``."""
    if context.config.resubmit.helps(reason) and may_resubmit(case.document, context):
        return _resubmitted(case, reason, context)
    return concluded(case, failed_document(case.document, reason, context), context)


def _stopped(case: JobContext, reason: str, context: Context) -> Sequence[Write]:
    """A job that will never have a result, for no fault of the document: submitted anew, or held for a person."""
    if may_resubmit(case.document, context):
        return _resubmitted(case, reason, context)
    return concluded(case, held_document(case.document, reason, context.clock()), context)


def _resubmitted(case: JobContext, reason: str, context: Context) -> Sequence[Write]:
    after = resubmission(case.document, reason, context.clock(), context)
    return (
        Replace(after),
        _job_record(case, after, context.clock()),
        InsertIfAbsent(submission_of(after, now=context.clock())),
    )


async def held_for(job: Job, error: Exception, context: Context) -> Sequence[Write]:
    """The document that waits for this job waits in review instead: the job's result cannot be had."""
    document = await context.store.get(Document, job.document_id)
    if document is None or document.job_id != job.id or document.state is not DocumentState.OPEN:
        return ()
    if document.plan is not None:
        return ()
    return (*held(document, f"its result could not be fetched: {error}", context), Replace(replace(job, deadline=None)))


def _given_up(case: JobContext, reason: str, writes: Sequence[Write], context: Context) -> Sequence[Alert]:
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
    before = [entry.detail for entry in document.history if entry.what == "resubmitted"]
    if not before:
        return ""
    times = "once" if len(before) == 1 else f"{len(before)} times"
    return f"resubmitted {times} before; the last time because: {before[-1]}"


def concluded(case: JobContext, document: Document, context: Context) -> Sequence[Write]:
    """The document with this job as the one that speaks for it, the job's record, and the deliveries that follow."""
    after = replace(document, job_id=case.report.id)
    writes: list[Write] = [Insert(after) if case.adopted else Replace(after)]
    writes.append(_job_record(case, after, context.clock()))
    return *writes, *delivery_tasks(after, now=context.clock())


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
