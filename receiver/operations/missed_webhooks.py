"""Recovers missed webhooks: asks LlamaCloud about jobs whose event did not come, a hundred ids in one request.

The cost depends on the number of overdue jobs, not on the size of the account. The jobs of a page are recorded and
enqueued before the next page is read, so a pass that is cut short has made progress, and only one page is in memory.
"""

import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from receiver.core.change import InsertIfAbsent, Query, Replace
from receiver.core.errors import CloudRefused, Conflict
from receiver.core.job import Job, JobKind, JobReport, SweepVerdict
from receiver.core.job_update import recheck_of
from receiver.core.retry import RetryAt
from receiver.pipeline.at_once import at_once
from receiver.pipeline.context import Context
from receiver.pipeline.pause import RESULTS, holding_pause, pause_after_refusal, released
from receiver.pipeline.records import every_page
from receiver.ports import Clock

PAGE = 100
"""Maximum jobs in one request: as many as fit on a page of LlamaCloud's lists (reference 1.2)."""
WRITERS = 16
"""Jobs whose records are written concurrently, so that a store with group commits writes them together."""
OPEN_AT_ONCE = 10_000
"""Maximum jobs that are asked about before their deadline; further jobs are asked about after it."""
BUDGET_SECONDS = 300.0
"""Maximum seconds of one pass; the remaining jobs are still overdue in the next one."""


@dataclass(frozen=True, slots=True)
class AskedJobs:
    """The result of one pass."""

    asked: int = 0
    finished: int = 0
    """Of these, finished jobs, which are handled as if their event had come."""
    refused: bool = False
    """Whether LlamaCloud refused us, so that not all jobs were asked about."""


async def ask_overdue(
    context: Context, *, budget_seconds: float = BUDGET_SECONDS, clock: Clock = time.monotonic
) -> AskedJobs:
    """Asks about the jobs past their deadline, oldest first. Raises CloudBusy."""
    query = Query(by="overdue", until=context.clock(), limit=PAGE)
    return await _ask_if_open(_pages(query, context), context, until=clock() + budget_seconds, clock=clock)


async def ask_open(context: Context, *, clock: Clock = time.monotonic) -> AskedJobs:
    """Asks about all open jobs, also before their deadline, except those that a task handles. Raises CloudBusy."""
    query, until = Query(by="overdue", limit=PAGE), clock() + BUDGET_SECONDS
    return await _ask_if_open(_pages(query, context, most=OPEN_AT_ONCE), context, until=until, clock=clock)


async def _pages(query: Query, context: Context, *, most: int | None = None) -> AsyncIterator[list[Job]]:
    """Pages of jobs, without those that a task handles already. Reads at most ``most`` jobs."""
    read = 0
    async for page in every_page(Job, query, context.store):
        jobs = page.records if most is None else page.records[: most - read]
        read += len(jobs)
        if to_ask := [job for job in jobs if not job.in_hand(context.clock())]:
            yield to_ask
        if most is not None and read >= most:
            return


async def _ask_if_open(pages: AsyncIterator[list[Job]], context: Context, *, until: float, clock: Clock) -> AskedJobs:
    """Asks about these jobs; while results are paused, only if this request may test whether the pause is over."""
    asked, finished, pause = 0, 0, None
    async for jobs in pages:
        if pause is None:  # read only now: without a job to ask about, another task should get the turn to test
            pause = await holding_pause(RESULTS, "sweep", context)
            if pause.holds("sweep", context.clock()):
                return AskedJobs(refused=True)
        try:
            finished += await _ask_page(jobs, context)
        except CloudRefused as error:
            verdict = RetryAt(context.clock())
            await pause_after_refusal(RESULTS, "sweep", error, context, verdict=verdict)
            return AskedJobs(asked, finished, refused=True)
        asked += len(jobs)
        if clock() >= until:
            break
    if pause is not None:
        await released(RESULTS, "sweep", pause, context)
    return AskedJobs(asked, finished)


async def _ask_page(jobs: Sequence[Job], context: Context) -> int:
    """Asks about these jobs, by kind, and writes the answers. Returns how many are handled now."""
    listed: dict[str, JobReport] = {}
    for kind, beta in sorted({(job.kind, job.beta) for job in jobs}):
        listed |= await _listed(kind, [job.id for job in jobs if (job.kind, job.beta) == (kind, beta)], beta, context)
    tasks = await at_once(WRITERS, jobs, lambda job: _noted(job, listed.get(job.id), context))
    found = [task for task in tasks if task]
    await context.enqueue(*found)
    return len(found)


async def _listed(kind: JobKind, ids: Sequence[str], beta: bool, context: Context) -> dict[str, JobReport]:
    """The list's reports on these jobs. Reads no further than these jobs could fill the list."""
    wanted, found, read = set(ids), dict[str, JobReport](), 0
    async for report in context.cloud.jobs(kind, ids=ids, beta=beta):
        read += 1
        if report.id in wanted:
            found[report.id] = report
        if len(found) == len(wanted) or read >= 2 * PAGE:
            break
    return found


async def _noted(job: Job, report: JobReport | None, context: Context) -> str:
    """Writes the report on the job. Returns the id of the task that handles it, or "" if none does.

    A job before its deadline may simply be running.
    """
    verdict, now = _verdict(job, report, context), context.clock()
    if verdict is not SweepVerdict.FINISHED and job.overdue_at is not None and job.overdue_at > now:
        return ""
    try:
        if verdict is None:
            await context.store.apply(Replace(job.asked(report.status if report else job.status, now)))
            return ""
        task = recheck_of(job, verdict, now=now)
        await context.store.apply(InsertIfAbsent(task), Replace(job.followed_up(now)))
    except Conflict:
        return ""  # another process has recorded the job's end
    context.meter.count("mailroom_sweep_found", what=verdict)
    return task.id


def _verdict(job: Job, report: JobReport | None, context: Context) -> SweepVerdict | None:
    """What to do about the job; None while it is running. A job that is not listed is fetched by its id."""
    if report is None:
        return SweepVerdict.GONE
    if report.status.final:
        return SweepVerdict.FINISHED
    after, deadline = context.config.stuck_after(job.pages), context.config.deadline_seconds
    return SweepVerdict.STUCK if job.stuck(after=after, deadline_seconds=deadline) else None
