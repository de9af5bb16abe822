"""Asking about jobs of which no event came costs what is overdue; a pass that is cut short has made its progress."""

import asyncio
import math
import tempfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receiver.core.change import Insert
from receiver.core.errors import CloudRefused
from receiver.core.job import FOLLOW_UP, Job, JobKind, JobReport, JobStatus
from receiver.core.task import Task
from receiver.operations.future_dates import FutureDates
from receiver.operations.missed_webhooks import PAGE, ask_open, ask_overdue
from receiver.pipeline.pause import RESULTS, read_pause
from tests.builders import NOW
from tests.in_memory_app import InMemoryApp

pytestmark = pytest.mark.anyio
LONG_AGO = NOW - 86400


async def with_jobs(app: InMemoryApp, overdue: int, others: int, *, status: JobStatus = JobStatus.COMPLETED) -> None:
    """Overdue jobs of which no event came, between others of the account that are not."""
    for number in range(overdue + others):
        created = LONG_AGO if number == 0 else NOW - 60
        report = JobReport(id=f"job-{number}", kind=JobKind.CLASSIFY, status=status, created_at=created)
        app.cloud.reports[report.id] = report
        deadline = NOW - 1 if number < overdue else NOW + 600
        job = Job(id=report.id, kind=JobKind.CLASSIFY, document_id="d", created_at=created, deadline=deadline)
        await app.store.apply(Insert(job))


async def rechecked(app: InMemoryApp) -> set[str]:
    found = set()
    for number in range(len(app.cloud.reports)):
        if await app.store.get(Task, f"recheck:job-{number}:finished:0"):
            found.add(f"job-{number}")
    return found


@settings(max_examples=15)
@given(overdue=st.integers(0, 250), others=st.integers(0, 250))
def test_requests_are_as_many_as_the_overdue_jobs_need_and_all_are_found(overdue: int, others: int) -> None:
    async def one() -> None:
        app = InMemoryApp(Path(folder))
        await with_jobs(app, overdue, others)
        result = await ask_overdue(app.context)
        assert (result.asked, result.finished) == (overdue, overdue)
        assert app.cloud.lists == math.ceil(overdue / PAGE)
        assert await rechecked(app) == {f"job-{number}" for number in range(overdue)}

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(one())


async def test_a_pass_whose_time_is_over_goes_on_with_the_rest_in_the_next(app: InMemoryApp) -> None:
    await with_jobs(app, 250, 0)
    ticks = count()
    first = await ask_overdue(app.context, budget_seconds=1.5, clock=lambda: float(next(ticks)))
    assert (first.asked, len(await rechecked(app))) == (2 * PAGE, 2 * PAGE)
    second = await ask_overdue(app.context)
    assert (second.asked, len(await rechecked(app))) == (50, 250)


async def test_what_was_found_before_llamacloud_refuses_us_is_kept(
    app: InMemoryApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    await with_jobs(app, 150, 0)
    lists = app.cloud.jobs

    async def refusing(kind: JobKind, *, ids: Sequence[str] = (), beta: bool = False) -> AsyncIterator[JobReport]:
        if app.cloud.lists == 1:
            raise CloudRefused("the key was rotated")
        async for report in lists(kind, ids=ids, beta=beta):
            yield report

    monkeypatch.setattr(app.cloud, "jobs", refusing)
    result = await ask_overdue(app.context)
    assert (result.refused, result.finished, len(await rechecked(app))) == (True, PAGE, PAGE)


async def test_a_list_that_brings_what_nobody_asked_for_is_not_read_to_its_end(
    app: InMemoryApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that ignores the ids has every job of the account. What it did not show is asked for by its id."""
    await with_jobs(app, 2, 0)
    read = list[str]()

    async def everything(kind: JobKind, *, ids: Sequence[str] = (), beta: bool = False) -> AsyncIterator[JobReport]:
        for number in count():
            read.append(f"other-{number}")
            yield JobReport(id=read[-1], kind=kind, status=JobStatus.COMPLETED)

    monkeypatch.setattr(app.cloud, "jobs", everything)
    assert (await ask_overdue(app.context)).finished == 2
    assert len(read) <= 2 * PAGE
    assert [task.details["verdict"] for task in await app.tasks("recheck")] == ["gone", "gone"]


async def test_who_has_nothing_to_ask_takes_no_others_turn_to_look_whether_a_pause_is_over(app: InMemoryApp) -> None:
    await app.submitted()
    app.cloud.broken = CloudRefused("the key was rotated")
    await app.event("job-1")
    await app.work()
    before = await read_pause(RESULTS, app.context)
    app.later(4)
    assert before.seconds
    assert (await ask_overdue(app.context)).asked == 0
    assert await read_pause(RESULTS, app.context) == before


async def test_jobs_at_work_are_asked_about_later(app: InMemoryApp) -> None:
    await with_jobs(app, 3, 0, status=JobStatus.RUNNING)
    assert (await ask_overdue(app.context)).finished == 0
    jobs = [await app.store.get(Job, f"job-{number}") for number in range(3)]
    assert all(job and job.checks == 1 and job.deadline == NOW + 5 for job in jobs)
    assert (await ask_overdue(app.context)).asked == 0


async def test_a_result_whose_task_has_time_is_neither_asked_about_nor_followed_again(app: InMemoryApp) -> None:
    """A store that fails now and then makes each process ask about all open jobs, again and again."""
    await with_jobs(app, 0, 1)
    found = [(await ask_open(app.context)).finished for _ in range(5)]
    assert (found, len(await app.tasks("recheck")), app.cloud.lists) == ([1, 0, 0, 0, 0], 1, 1)
    app.later(FOLLOW_UP - 1)
    assert (await ask_open(app.context)).asked == 0
    app.later(1)  # its task had its time, and nothing came of it
    assert (await ask_open(app.context)).finished == 1
    assert len(await app.tasks("recheck")) == 2


async def test_a_job_that_was_only_found_at_work_is_followed_as_soon_as_it_has_ended(app: InMemoryApp) -> None:
    await with_jobs(app, 1, 0)
    assert (await ask_overdue(app.context)).finished == 1
    app.later(FOLLOW_UP)
    ended = app.cloud.reports["job-0"]
    app.cloud.reports["job-0"] = replace(ended, status=JobStatus.RUNNING, created_at=app.now)
    assert (await ask_overdue(app.context)).finished == 0
    app.cloud.reports["job-0"] = ended
    assert (await ask_open(app.context)).finished == 1


async def test_a_result_that_a_clock_far_ahead_found_is_followed_again_once_its_deadline_is_brought_back(
    app: InMemoryApp,
) -> None:
    await with_jobs(app, 1, 0)
    seconds, year = 0.0, 365 * 86400.0
    dates = FutureDates(clock=lambda: seconds)
    app.later(year)
    assert (await ask_overdue(app.context)).finished == 1
    app.later(-year)
    await dates.bring_back(app.context)
    seconds = FOLLOW_UP
    await dates.bring_back(app.context)
    app.later(1)
    assert (await ask_overdue(app.context)).finished == 1
