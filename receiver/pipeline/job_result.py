"""Job result: fetches the job that an event or the sweep is about, and writes what its end means for its document.

A job on record belongs to its document; pipeline/job_context.py finds out to whom any other job belongs. A job that is
still running is fetched again later. Each family of events says in its own module what the end of a job means
(handlers/event_types/classify.py).
"""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from receiver.core.change import InsertIfAbsent, Write
from receiver.core.document import Document
from receiver.core.errors import DocumentRefused, JobGone, OutOfCredits
from receiver.core.event import Event
from receiver.core.ids import event_key, may_be_id
from receiver.core.job import Job, JobKind, JobReport, JobStatus, SweepVerdict, already_processed
from receiver.core.job_update import Command, JobUpdate
from receiver.core.media import is_unread
from receiver.pipeline.context import Context, StepResult, once_as_read
from receiver.pipeline.gather_facts import bytes_wanted, gather_facts
from receiver.pipeline.job_context import GRACE, JobContext, fetch_unrecorded_job, on_record
from receiver.pipeline.job_failure import failure_alerts, resubmit_fail_or_hold
from receiver.pipeline.receive import handling_of
from receiver.tracing import span

EARLY_DELAYS = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds between requests for a job whose event came before its result was visible; then the sweep takes over."""
SLOWEST = 5.0
"""Maximum seconds between polls: 1, 2, 3, 4, 5, 5, … as in the vendor's SDK (reference 3.3)."""

Ended = Callable[[JobContext, Context], Sequence[Write]]
"""What is written when the job has ended in one way."""


async def fetch_job(event: JobUpdate, kind: JobKind, context: Context) -> JobContext | StepResult:
    """The job of an event; or what happens to the event instead: it is ignored, or handled again later."""
    unknown = []
    for named in dict.fromkeys(filter(may_be_id, (event.job_id, event.other_id))):
        job = await context.store.get(Job, named)
        if job is None:
            unknown.append(named)
        elif event.document_id in ("", job.document_id):
            return await _handled(job, event, kind, context)
    if not unknown:
        return _unasked("it names no job of its document" if event.document_id else "it names no job")
    found = await fetch_unrecorded_job(event, unknown, kind, context)
    return await _handled(found, event, kind, context) if isinstance(found, Job) else found


async def _handled(job: Job, event: JobUpdate, kind: JobKind, context: Context) -> JobContext | StepResult:
    """The job, or what happens to an event that names it by its second id."""
    return await _on_record(job, kind, context) if job.id == event.job_id else _left_to_its_own(job, event, context)


async def fetch_recorded_job(command: Command, context: Context) -> JobContext | StepResult:
    """The stored job of the sweep's command. Whether the job is stuck is decided again, by its current record."""
    job = await context.store.get(Job, command.job_id)
    if job is None:
        return _unasked("the job is no longer stored")
    job_context = await _on_record(job, job.kind, context)
    if (
        isinstance(job_context, StepResult)
        or job_context.report.status.final
        or command.verdict is not SweepVerdict.STUCK
    ):
        return job_context
    after, deadline = context.config.stuck_after(job.pages), context.config.deadline_seconds
    return await _cancelled(job_context, context) if job.stuck(after=after, deadline_seconds=deadline) else job_context


async def write_result(
    fetched: JobContext | StepResult,
    asked: JobUpdate | Command,
    completed: Ended,
    context: Context,
    *,
    failed: Ended = resubmit_fail_or_hold,
) -> StepResult:
    """Writes what the end of the fetched job means for its document: ``completed`` with a result, ``failed`` without.

    A job that is still running is asked about again later. Where no job was fetched, the result says why. Requests are
    made once; the writes are computed again when another process changed a record in the meantime.
    """
    if isinstance(fetched, StepResult):
        return fetched
    if not fetched.report.status.final:
        polled = isinstance(asked, Command) and asked.verdict is SweepVerdict.POLL
        return _polled(asked.looks, context) if polled else _early(fetched, asked.looks, context)
    context.usual_times.note(fetched.report, fetched.job.pages if fetched.job else None)
    fetched = replace(fetched, heard_by="asked" if isinstance(asked, Command) else "event")
    done = fetched.report.status is JobStatus.COMPLETED
    read = done and is_unread(fetched.document) and bytes_wanted(fetched, context)
    facts = await gather_facts(fetched.document, context) if read else None
    current = once_as_read(fetched, partial(refreshed, fetched, context))

    async def change() -> Sequence[Write]:
        job = await current()
        if already_processed(job.document, job.report.id, job.job):
            return ()
        if not done:
            return failed(job, context)
        if facts is None:
            return completed(job, context)
        return *completed(replace(job, document=facts.on(job.document)), context), *facts.writes

    alerts_of = None if done else partial(failure_alerts, fetched, context=context)
    return StepResult(note=fetched.report.status, change=change, alerts_of=alerts_of)


async def refreshed(job: JobContext, context: Context) -> JobContext:
    """The context with the current records; the report is not fetched again."""
    document = await context.store.get(Document, job.document.id)
    record = await context.store.get(Job, job.report.id)
    return replace(job, document=document or job.document, job=record, adopted=document is None)


def _polled(looks: int, context: Context) -> StepResult:
    if looks > context.config.stuck_seconds / SLOWEST:
        return StepResult(note="the sweep will ask again")
    return StepResult(note="not final yet", again_at=context.clock() + min(2.0 + looks, SLOWEST))


def _early(job_context: JobContext, looks: int, context: Context) -> StepResult:
    """Fetches the job again soon, a few times, because its result is not visible yet; then the sweep takes over."""

    async def adopt() -> Sequence[Write]:
        fresh = await refreshed(job_context, context)
        return on_record(fresh, context) if fresh.adopted else ()

    if looks >= len(EARLY_DELAYS):
        return StepResult(note="not final yet; the sweep will ask again", change=adopt)
    return StepResult(note="not final yet", change=adopt, again_at=context.clock() + EARLY_DELAYS[looks])


async def _on_record(job: Job, kind: JobKind, context: Context) -> JobContext | StepResult:
    if job.kind is not kind:
        return _unasked(f"job {job.id} is a {job.kind} job")
    document = await context.store.get(Document, job.document_id)
    if document is None:
        return _unasked(f"document {job.document_id} of job {job.id} is no longer stored")
    if already_processed(document, job.id, job):
        return _unasked("already processed")
    return JobContext(report=await _report(job, context), document=document, job=job)


async def _report(job: Job, context: Context) -> JobReport:
    """LlamaCloud's report on a stored job. A 404 counts only after the grace period."""
    try:
        with span("fetch result", kind="CLIENT", job=job.id):
            report = await context.cloud.job(job.kind, job.id, beta=job.beta)
    except JobGone:
        status = JobStatus.PENDING if context.clock() - job.known_since < GRACE else JobStatus.GONE
        return JobReport(id=job.id, kind=job.kind, status=status, transaction_id=job.transaction_id)
    return replace(report, id=job.id)


def _left_to_its_own(job: Job, event: JobUpdate, context: Context) -> StepResult:
    """The same event, handled under the job's own id.

    An event can name a second id, and an outsider can invent any number of them. Each would become a task, and each
    task would fetch the same job from LlamaCloud until it has a result.
    """
    now = context.clock()
    identity = event_key(event.event_id, event.document_id)
    same = Event(id=identity, type=event.type, job_id=job.id, document_id=event.document_id, received_at=now)

    async def change() -> Sequence[Write]:
        return (InsertIfAbsent(handling_of(same, now=now)),)

    return StepResult(note=f"it is about job {job.id}: handled by the task of that id", change=change, asked=False)


async def _cancelled(job_context: JobContext, context: Context) -> JobContext:
    """The context of a stuck job, which is given up, and cancelled at LlamaCloud where that is possible.

    Split's beta path cannot cancel (reference 1.4), and a job that was created elsewhere is not ours to cancel.
    """
    leave = (job_context.job is not None and job_context.job.beta) or job_context.document.origin.kind == "adopted"
    # Ignored: the job has just ended or is gone, or the account is out of credits. The job is given up anyway.
    with contextlib.suppress(JobGone, DocumentRefused, OutOfCredits):
        if not leave:
            await context.cloud.cancel(job_context.report.kind, job_context.report.id)
    minutes = context.config.stuck_after(job_context.job.pages if job_context.job else None) / 60
    reason = f"the job was stuck in {job_context.report.status} for more than {minutes:.0f} minutes"
    return replace(job_context, report=replace(job_context.report, status=JobStatus.CANCELLED, error=reason))


def _unasked(note: str) -> StepResult:
    return StepResult(note=note, asked=False)
