"""What nobody told us is found; what does not move is noticed."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receiver.core.document import DocumentState
from receiver.core.errors import OutOfCredits
from receiver.core.job import JobStatus
from receiver.flow.sweep import sweep
from tests.desk import Desk

pytestmark = pytest.mark.anyio
DEADLINE = 601
LOOKS = (601, 61, 121, 241, 481, 961, 1921)
"""Seconds from one look at a job to the next; together they are more than the hour after which it is stuck."""


async def looked_for_long(desk: Desk) -> None:
    for seconds in LOOKS:
        desk.later(seconds)
        await sweep(desk.tools)


async def test_a_job_whose_event_never_came_goes_on_as_if_it_had(desk: Desk) -> None:
    document = await desk.submitted()
    desk.cloud.classified(document.job_id, "contract")
    desk.later(DEADLINE)
    swept = await sweep(desk.tools)
    await desk.work()
    assert (swept.overdue, swept.finished) == (1, 1)
    assert (await desk.document(document.id)).state is DocumentState.ROUTED


async def test_before_its_deadline_a_job_is_left_alone(desk: Desk) -> None:
    document = await desk.submitted()
    desk.cloud.classified(document.job_id, "contract")
    swept = await sweep(desk.tools)
    assert swept.overdue == 0


async def test_an_event_that_comes_after_the_sweep_changes_nothing(desk: Desk) -> None:
    document = await desk.submitted()
    desk.cloud.classified(document.job_id, "contract")
    desk.later(DEADLINE)
    await sweep(desk.tools)
    await desk.work()
    await desk.event(document.job_id)
    await desk.work()
    assert len(desk.bytes.parcels) == 1


async def test_a_job_at_work_is_asked_about_again_more_and_more_rarely(desk: Desk) -> None:
    document = await desk.submitted()
    asked = []
    for _ in range(30):
        desk.later(60)
        swept = await sweep(desk.tools)
        asked.append(swept.overdue)
    assert sum(asked) == 5
    (job,) = await desk.jobs(document)
    assert job.checks == 5


async def test_a_stuck_job_is_cancelled_and_submitted_anew(desk: Desk) -> None:
    document = await desk.submitted()
    await looked_for_long(desk)
    await desk.work()
    after = await desk.document(document.id)
    assert desk.cloud.cancelled == ["job-1"]
    assert (after.submissions, after.job_id) == (1, "job-2")
    assert [alert.kind for alert, _ in desk.channel.told] == ["document.overdue"]  # what is mended is no failure


@settings(max_examples=30)
@given(jumps=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=len(LOOKS) - 1))
def test_however_the_clock_jumps_no_running_job_is_stuck_before_it_was_looked_at_for_long(
    tmp_path_factory: pytest.TempPathFactory, jumps: list[float]
) -> None:
    async def jumping() -> None:
        desk = Desk(tmp_path_factory.mktemp("desk"))
        await desk.submitted()
        for seconds in jumps:
            desk.later(seconds)
            await sweep(desk.tools)
            await desk.work()
        assert desk.cloud.cancelled == []

    asyncio.run(jumping())


async def test_the_event_of_our_own_cancellation_does_not_use_up_another_submission(desk: Desk) -> None:
    document = await desk.submitted()
    await looked_for_long(desk)
    await desk.do("recheck:job-1:stuck:6")
    await desk.event("job-1", "classify.cancelled")
    await desk.do("react:job-1:classify.cancelled")
    assert (await desk.document(document.id)).submissions == 1
    await desk.work()
    after = await desk.document(document.id)
    assert (after.state, after.job_id) == (DocumentState.OPEN, "job-2")
    assert [alert.kind for alert, _ in desk.channel.told].count("job.failed") == 0


async def test_a_stuck_job_that_cannot_be_cancelled_holds_nothing_up(desk: Desk) -> None:
    document = await desk.submitted()
    desk.cloud.refuse_cancel = OutOfCredits("no credits")
    await looked_for_long(desk)
    await desk.work()
    assert (await desk.document(document.id)).job_id == "job-2"


async def test_a_job_that_is_gone_is_submitted_anew(desk: Desk) -> None:
    document = await desk.submitted()
    del desk.cloud.reports[document.job_id]
    desk.later(DEADLINE)
    await sweep(desk.tools)
    await desk.work()
    assert (await desk.document(document.id)).job_id == "job-2"


async def test_a_cancelled_job_is_held_once_its_submissions_are_used_up(desk: Desk) -> None:
    document = await desk.submitted()
    for job_id in ("job-1", "job-2"):
        desk.cloud.finish(job_id, JobStatus.CANCELLED)
        desk.later(DEADLINE)
        await sweep(desk.tools)
        await desk.work()
    after = await desk.document(document.id)
    assert (after.state, after.error) == (DocumentState.REVIEW, "the job was cancelled at LlamaCloud")


async def test_what_is_due_is_rung_for_again(desk: Desk) -> None:
    await desk.take_in()
    desk.later(1)
    assert (await sweep(desk.tools)).rung == 1
