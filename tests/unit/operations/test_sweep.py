"""What nobody told us is found; what does not move is noticed."""

import asyncio
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receiver.core.balance import Tally
from receiver.core.document import DocumentState
from receiver.core.errors import OutOfCredits
from receiver.core.job import JobStatus, pause_after
from receiver.operations.sweep import sweep
from tests.in_memory_app import InMemoryApp
from tests.pdf_fixtures import a_page, packet_bytes

pytestmark = pytest.mark.anyio
DEADLINE = 601
LOOKS = (6, *(pause_after(checks) + 1 for checks in range(18)))
"""Seconds from one look at a job to the next; together they are more than the hour after which it is stuck."""


async def looked_for_long(app: InMemoryApp) -> None:
    for seconds in LOOKS:
        app.later(seconds)
        await sweep(app.context)


async def test_a_job_whose_event_never_came_goes_on_as_if_it_had(app: InMemoryApp) -> None:
    document = await app.submitted()
    app.cloud.classified(document.job_id, "contract")
    app.later(DEADLINE)
    result = await sweep(app.context)
    await app.work()
    assert (result.overdue, result.finished) == (1, 1)
    assert (await app.document(document.id)).state is DocumentState.ROUTED


async def test_before_its_deadline_a_job_is_left_alone(app: InMemoryApp) -> None:
    document = await app.submitted()
    app.cloud.classified(document.job_id, "contract")
    result = await sweep(app.context)
    assert result.overdue == 0


async def test_an_event_that_comes_after_the_sweep_changes_nothing(app: InMemoryApp) -> None:
    document = await app.submitted()
    app.cloud.classified(document.job_id, "contract")
    app.later(DEADLINE)
    await sweep(app.context)
    await app.work()
    await app.event(document.job_id)
    await app.work()
    assert len(app.bytes.requests) == 1


async def test_a_job_at_work_is_asked_about_again_more_and_more_rarely(app: InMemoryApp) -> None:
    document = await app.submitted()
    asked = []
    for _ in range(360):
        app.later(5)
        result = await sweep(app.context)
        asked.append(result.overdue)
    looks = [at for at, number in enumerate(asked) if number]
    pauses = [later - earlier for earlier, later in itertools.pairwise(looks)]
    assert (pauses, pauses[:3]) == (sorted(pauses), [2, 2, 2])
    assert all(pause <= 2 + at / 2 for pause, at in zip(pauses, looks, strict=False))
    (job,) = await app.jobs(document)
    assert job.checks == len(looks) < 16


async def test_a_job_about_many_pages_is_not_cancelled_while_its_parse_may_still_run(app: InMemoryApp) -> None:
    document = await app.submitted(content=packet_bytes(*[a_page("a lease")] * 100))
    (job,) = await app.jobs(document)
    assert job.pages == 100
    await looked_for_long(app)
    await app.work()
    assert app.cloud.cancelled == []
    for _ in range(9):  # 30 minutes and 100 times 5 are 530
        app.later(3601)
        await sweep(app.context)
    await app.work()
    assert app.cloud.cancelled == ["job-1"]


async def test_a_stuck_job_is_cancelled_and_submitted_anew(app: InMemoryApp) -> None:
    document = await app.submitted()
    await looked_for_long(app)
    await app.work()
    after = await app.document(document.id)
    assert app.cloud.cancelled == ["job-1"]
    assert (after.submissions, after.job_id) == (1, "job-2")
    assert [alert.kind for alert, _ in app.channel.told] == ["document.overdue"]  # what is mended is no failure


@settings(max_examples=30)
@given(jumps=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=len(LOOKS) - 1))
def test_however_the_clock_jumps_no_running_job_is_stuck_before_it_was_looked_at_for_long(
    tmp_path_factory: pytest.TempPathFactory, jumps: list[float]
) -> None:
    async def jumping() -> None:
        app = InMemoryApp(tmp_path_factory.mktemp("app"))
        await app.submitted()
        for seconds in jumps:
            app.later(seconds)
            await sweep(app.context)
            await app.work()
        assert app.cloud.cancelled == []

    asyncio.run(jumping())


async def test_the_event_of_our_own_cancellation_does_not_use_up_another_submission(app: InMemoryApp) -> None:
    document = await app.submitted()
    await looked_for_long(app)
    await app.do(f"recheck:job-1:stuck:{(await app.jobs(document))[0].checks - 1}")
    await app.event("job-1", "classify.cancelled")
    await app.do("react:job-1:classify.cancelled")
    assert (await app.document(document.id)).submissions == 1
    await app.work()
    after = await app.document(document.id)
    assert (after.state, after.job_id) == (DocumentState.OPEN, "job-2")
    assert [alert.kind for alert, _ in app.channel.told].count("job.failed") == 0


async def test_a_stuck_job_that_cannot_be_cancelled_holds_nothing_up(app: InMemoryApp) -> None:
    document = await app.submitted()
    app.cloud.refuse_cancel = OutOfCredits("no credits")
    await looked_for_long(app)
    await app.work()
    assert (await app.document(document.id)).job_id == "job-2"


async def test_a_job_that_is_gone_is_submitted_anew(app: InMemoryApp) -> None:
    document = await app.submitted()
    del app.cloud.reports[document.job_id]
    app.later(DEADLINE)
    await sweep(app.context)
    await app.work()
    assert (await app.document(document.id)).job_id == "job-2"


async def test_a_cancelled_job_is_held_once_its_submissions_are_used_up(app: InMemoryApp) -> None:
    document = await app.submitted()
    for job_id in ("job-1", "job-2"):
        app.cloud.finish(job_id, JobStatus.CANCELLED)
        app.later(DEADLINE)
        await sweep(app.context)
        await app.work()
    after = await app.document(document.id)
    assert (after.state, after.error) == (DocumentState.REVIEW, "the job was cancelled at LlamaCloud")


async def test_what_is_due_is_rung_for_again(app: InMemoryApp) -> None:
    await app.ingest()
    app.later(1)
    assert (await sweep(app.context)).enqueued == 1


async def test_a_pass_reads_the_totals_once(app: InMemoryApp, monkeypatch: pytest.MonkeyPatch) -> None:
    """On DynamoDB they are 32 items."""
    await app.submitted()
    read, tally = itertools.count(), app.store.tally

    async def counted() -> Tally:
        next(read)
        return await tally()

    monkeypatch.setattr(app.store, "tally", counted)
    await sweep(app.context)
    assert next(read) == 1
