"""Sweep: recovers missed webhooks, and re-enqueues due tasks.

LlamaCloud tries an event three times within seconds and never again. So every job has a deadline; past it the sweep
asks the list endpoint (100 jobs a request) and continues as if the event had come. Due tasks are enqueued again.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

from receiver.alerting.convert_alerts import convert
from receiver.alerting.rates import note_ingested
from receiver.alerting.wake_channels import wake_channels
from receiver.core.change import InsertIfAbsent, Query, Replace
from receiver.core.errors import CloudRefused, Conflict
from receiver.core.job import Job, JobKind, JobReport, JobStatus, SweepVerdict
from receiver.core.job_update import recheck_of
from receiver.core.retry import RetryAt
from receiver.core.task import Task
from receiver.operations.close_incidents import assess
from receiver.operations.heartbeat import beat
from receiver.operations.monitor import monitor
from receiver.pipeline import pause as pausing
from receiver.pipeline.context import Context
from receiver.pipeline.records import every_record

MARGIN = 300.0
"""Seconds by which the window of creation times is widened: two clocks are involved."""
OPEN_AT_ONCE = 10_000
"""The most jobs before their deadline that are asked about at once; the others wait for their deadlines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepResult:
    """What one pass found."""

    enqueued: int
    overdue: int
    """Jobs past their deadline that were asked about."""
    finished: int
    """Of these, jobs whose event never came."""
    over: int = 0
    """Incidents that this pass found to be over."""
    heartbeat_withheld: str = ""
    """Why no heartbeat was sent, or accepted; "" when it was."""


async def sweep(context: Context, *, limit: int = 1000) -> SweepResult:
    """One pass."""
    now = context.clock()
    enqueued = await _enqueue_due(context, now, limit)
    overdue = (await context.store.find(Job, Query(by="overdue", until=now, limit=limit))).records
    over = await _alerting(context)
    withheld = await beat(context)
    finished = await _ask_if_open(overdue, context)  # last: everything else must also work while LlamaCloud is down
    return SweepResult(
        enqueued=enqueued, overdue=len(overdue), finished=finished or 0, over=over, heartbeat_withheld=withheld
    )


async def ask_before_due(context: Context) -> int | None:
    """Asks about the open jobs before their deadline. Returns how many have ended, None when LlamaCloud refuses us.

    Raises CloudBusy.
    """
    query, jobs = Query(by="overdue", since=context.clock(), limit=1000), list[Job]()
    async for job in every_record(Job, query, context.store):
        jobs.append(job)
        if len(jobs) == OPEN_AT_ONCE:
            break
    return await _ask_if_open(jobs, context)


async def _alerting(context: Context) -> int:
    """Checks what is wrong, closes what is over, and wakes the channels that are due. Returns how many incidents
    closed.
    """
    await convert(context)
    await note_ingested(context)
    over = await assess(context, await monitor(context))
    await wake_channels(context)
    return over


async def _ask_if_open(jobs: Sequence[Job], context: Context) -> int | None:
    """Asks about these jobs unless LlamaCloud refuses us. After a pause this request may test whether it is over."""
    pause = await pausing.holding_pause(pausing.RESULTS, "sweep", context)
    if pause.holds("sweep", context.clock()):
        return None
    try:
        finished = await _ask_all(jobs, context)
    except CloudRefused as error:
        await pausing.pause_after_refusal(pausing.RESULTS, "sweep", error, context, verdict=RetryAt(context.clock()))
        return None
    if jobs:
        await pausing.released(pausing.RESULTS, "sweep", pause, context)
    return finished


async def _ask_all(asked: Sequence[Job], context: Context) -> int:
    """Asks about these jobs, each kind at its own endpoint. Returns how many continue now."""
    finished = 0
    for kind, beta in sorted({(job.kind, job.beta) for job in asked}):
        finished += await _ask(kind, [job for job in asked if (job.kind, job.beta) == (kind, beta)], context)
    return finished


async def _enqueue_due(context: Context, now: float, limit: int) -> int:
    page = await context.store.find(Task, Query(by="claimable", until=now, limit=limit))
    if page.records:
        await context.enqueue(*(task.id for task in page.records))
    return len(page.records)


async def _ask(kind: JobKind, jobs: Sequence[Job], context: Context) -> int:
    """Asks about these jobs, by the list first. Returns how many continue now. A job before its deadline may still be
    running.
    """
    listed = await _listed(kind, jobs, context)
    now, went_on = context.clock(), 0
    for job in jobs:
        report = listed.get(job.id)
        verdict = _verdict(job, report, context)
        if verdict is not SweepVerdict.FINISHED and job.overdue_at is not None and job.overdue_at > now:
            continue
        if verdict is None:
            await _ask_later(job, report.status if report else job.status, context)
        else:
            went_on += await _recheck(job, verdict, context)
    return went_on


def _verdict(job: Job, report: JobReport | None, context: Context) -> SweepVerdict | None:
    """How to continue; None for a job that is still running. One that is not listed is then asked for by its id."""
    if report is None:
        return SweepVerdict.GONE
    if report.status.final:
        return SweepVerdict.FINISHED
    after, deadline = context.config.stuck_after(job.pages), context.config.deadline_seconds
    return SweepVerdict.STUCK if job.stuck(after=after, deadline_seconds=deadline) else None


async def _listed(kind: JobKind, jobs: Sequence[Job], context: Context) -> dict[str, JobReport]:
    wanted = {job.id for job in jobs}
    since = min(job.created_at for job in jobs) - MARGIN
    until = max(job.created_at for job in jobs) + MARGIN
    reports = context.cloud.jobs(kind, since=since, until=until, beta=jobs[0].beta)
    return {report.id: report async for report in reports if report.id in wanted}


async def _recheck(job: Job, verdict: SweepVerdict, context: Context) -> int:
    """Continues as if the event had come."""
    now = context.clock()
    task = recheck_of(job, verdict, now=now)
    try:
        await context.store.apply(InsertIfAbsent(task), Replace(job.asked(job.status, now)))
    except Conflict:
        return 0  # its event came meanwhile, or another sweep asked
    context.meter.count("mailroom_sweep_found", what=verdict)
    await context.enqueue(task.id)
    return 1


async def _ask_later(job: Job, status: JobStatus, context: Context) -> None:
    with contextlib.suppress(Conflict):  # then its event came meanwhile, or another sweep asked
        await context.store.apply(Replace(job.asked(status, context.clock())))
