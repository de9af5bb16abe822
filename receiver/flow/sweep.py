"""Sweep: find what nobody told us, and ring again for what is due.

LlamaCloud tries an event three times within seconds and never again. So every job has a deadline; past it the sweep
asks the list endpoint (100 jobs a request) and goes on as if the event had come. What is due is rung for again.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

from receiver.core.change import Ensure, Query, Update
from receiver.core.errors import CloudRefused, Conflict
from receiver.core.job import Job, JobKind, JobReport, JobStatus, Verdict
from receiver.core.retry import RetryAt
from receiver.core.task import Task
from receiver.flow import gate
from receiver.flow.assess import assess
from receiver.flow.convert import convert
from receiver.flow.every import every
from receiver.flow.heartbeat import beat
from receiver.flow.pause import RESULTS
from receiver.flow.rates import note_taken_in
from receiver.flow.recheck import recheck_of
from receiver.flow.rouse import rouse
from receiver.flow.tools import Tools
from receiver.flow.watch import watch

MARGIN = 300.0
"""Seconds by which the window of creation times is widened: two clocks are involved."""
OPEN_AT_ONCE = 10_000
"""Jobs before their deadline that are asked about at most; for the others their deadlines come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What one pass found."""

    rung: int
    overdue: int
    """Jobs past their deadline that were asked about."""
    finished: int
    """Of these, jobs whose event never came."""
    over: int = 0
    """Incidents that this pass found to be over."""
    mute: str = ""
    """Why no sign of life was given, or taken; "" when it was."""


async def sweep(tools: Tools, *, limit: int = 1000) -> Swept:
    """One pass."""
    now = tools.clock()
    rung = await _ring_due(tools, now, limit)
    overdue = [job for job in (await tools.store.find(Job, _overdue(now, limit))).records if isinstance(job, Job)]
    over = await _alerting(tools)
    mute = await beat(tools)
    finished = await _ask_if_open(overdue, tools)  # last: all else must happen while LlamaCloud is away, too
    return Swept(rung=rung, overdue=len(overdue), finished=finished or 0, over=over, mute=mute)


async def ask_before_due(tools: Tools) -> int | None:
    """Asks about the open jobs whose deadline is still to come; how many have ended, None when LlamaCloud refuses us.

    Raises CloudBusy.
    """
    query, jobs = Query(by="overdue", since=tools.clock(), limit=1000), list[Job]()
    async for job in every(Job, query, tools.store):
        jobs.append(job)
        if len(jobs) == OPEN_AT_ONCE:
            break
    return await _ask_if_open(jobs, tools)


async def _alerting(tools: Tools) -> int:
    """Looks for what is wrong, closes what is over, and sees that every channel hears of it; incidents closed."""
    await convert(tools)
    await note_taken_in(tools)
    over = await assess(tools, await watch(tools))
    await rouse(tools)
    return over


async def _ask_if_open(jobs: Sequence[Job], tools: Tools) -> int | None:
    """Asks about these jobs unless LlamaCloud refuses us; then this is one way to look whether that is over."""
    pause = await gate.entered(RESULTS, "sweep", tools)
    if pause.holds("sweep", tools.clock()):
        return None
    try:
        finished = await _ask_all(jobs, tools)
    except CloudRefused as error:
        await gate.refused(RESULTS, "sweep", error, tools, verdict=RetryAt(tools.clock()))
        return None
    if jobs:
        await gate.opened(RESULTS, "sweep", pause, tools)
    return finished


async def _ask_all(asked: Sequence[Job], tools: Tools) -> int:
    """Asks about these jobs, each kind at its own endpoint; how many go on now."""
    finished = 0
    for kind, beta in ((JobKind.CLASSIFY, False), (JobKind.SPLIT, False), (JobKind.SPLIT, True)):
        jobs = [job for job in asked if (job.kind, job.beta) == (kind, beta)]
        finished += await _ask(kind, jobs, tools) if jobs else 0
    return finished


def _overdue(now: float, limit: int) -> Query:
    return Query(by="overdue", until=now, limit=limit)


async def _ring_due(tools: Tools, now: float, limit: int) -> int:
    page = await tools.store.find(Task, Query(by="claimable", until=now, limit=limit))
    if page.records:
        await tools.ring(*(task.id for task in page.records))
    return len(page.records)


async def _ask(kind: JobKind, jobs: Sequence[Job], tools: Tools) -> int:
    """Asks about these jobs, by the list first; how many go on now. One before its deadline may just go on."""
    listed = await _listed(kind, jobs, tools)
    now, went_on = tools.clock(), 0
    for job in jobs:
        report = listed.get(job.id)
        verdict = _verdict(job, report, tools)
        if verdict is not Verdict.FINISHED and job.overdue_at is not None and job.overdue_at > now:
            continue
        if verdict is None:
            await _ask_later(job, report.status if report else job.status, tools)
        else:
            went_on += await _recheck(job, verdict, tools)
    return went_on


def _verdict(job: Job, report: JobReport | None, tools: Tools) -> Verdict | None:
    """What to go on with; None for a job that is still at work. One that is not listed is asked for by its id."""
    if report is None:
        return Verdict.GONE
    if report.status.final:
        return Verdict.FINISHED
    after, deadline = tools.config.stuck_seconds, tools.config.deadline_seconds
    return Verdict.STUCK if job.stuck(after=after, deadline_seconds=deadline) else None


async def _listed(kind: JobKind, jobs: Sequence[Job], tools: Tools) -> dict[str, JobReport]:
    wanted = {job.id for job in jobs}
    since = min(job.created_at for job in jobs) - MARGIN
    until = max(job.created_at for job in jobs) + MARGIN
    reports = tools.cloud.jobs(kind, since=since, until=until, beta=jobs[0].beta)
    return {report.id: report async for report in reports if report.id in wanted}


async def _recheck(job: Job, verdict: Verdict, tools: Tools) -> int:
    """Goes on as if the event had come."""
    now = tools.clock()
    task = recheck_of(job, verdict, now=now)
    try:
        await tools.store.apply(Ensure(task), Update(job.asked(job.status, now)))
    except Conflict:
        return 0  # somebody else heard of it meanwhile
    tools.meter.count("mailroom_sweep_found", what=verdict)
    await tools.ring(task.id)
    return 1


async def _ask_later(job: Job, status: JobStatus, tools: Tools) -> None:
    with contextlib.suppress(Conflict):  # then somebody else heard of it meanwhile
        await tools.store.apply(Update(job.asked(status, tools.clock())))
