"""A task is taken from a worker that gave no sign of life for a lease, whatever any clock says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.core.change import Insert, Update, succeeding
from receiver.core.retry import SCHEDULE
from receiver.core.task import Task, TaskState
from receiver.flow.takeover import Takeover
from tests.builders import NOW, a_task
from tests.desk import Desk

pytestmark = pytest.mark.anyio


class Watch:
    """A takeover whose own clock goes on when it is told to."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.seconds = 0.0
        self.takeover = Takeover(clock=lambda: self.seconds)

    async def looks_after(self, seconds: float) -> list[str]:
        self.seconds += seconds
        return [done.outcome for done in await self.takeover.look(self.desk.tools)]


@pytest.fixture
def watch(desk: Desk) -> Watch:
    return Watch(desk)


async def claimed(desk: Desk, **fields: object) -> Task:
    await desk.store.apply(Insert(a_task(id="t", kind="packet", subject="doc-1", due_at=desk.now, **fields)))
    (task,) = await desk.store.claim(owner="host:7", now=desk.now, lease_seconds=60, ids=["t"])
    return task


async def test_the_attempt_of_a_dead_worker_has_failed_and_is_retried_soon(desk: Desk, watch: Watch) -> None:
    await claimed(desk)
    assert [await watch.looks_after(seconds) for seconds in (0, 30, 29)] == [[], [], []]
    assert await watch.looks_after(1) == ["retry"]
    task = await desk.store.get(Task, "t")
    assert task is not None
    assert (task.state, task.attempts, task.cut_off, task.cause) == (TaskState.READY, 1, 1, "cut_off")
    assert task.error.startswith("host:7 did not end the attempt")
    assert desk.now < task.due_at <= desk.now + 1


async def test_a_task_whose_process_dies_each_time_is_parked_with_an_alert(desk: Desk) -> None:
    await desk.store.apply(Insert(a_task(id="t", kind="packet", subject="doc-1")))
    claims = 0
    while await desk.store.claim(owner="dies", now=desk.now, lease_seconds=60, ids=["t"]):
        claims += 1
        assert claims <= len(SCHEDULE) + 1
        await desk.workers_die()
    await desk.work()
    task = await desk.store.get(Task, "t")
    assert task is not None
    assert (task.state, claims) == (TaskState.PARKED, len(SCHEDULE) + 1)
    assert [(alert.kind, alert.subject) for alert, _ in desk.channel.told] == [("task.parked", "doc-1")]
    assert "process died" in desk.channel.told[0][0].detail


async def test_a_living_worker_keeps_its_task_however_long_it_takes(desk: Desk, watch: Watch) -> None:
    task = await claimed(desk)
    for _ in range(50):
        assert await watch.looks_after(20) == []
        held = task.hold(now=desk.now)
        await desk.store.apply(Update(held))
        task = succeeding(held)


@given(wrong=st.floats(-1e6, 1e6), jump=st.floats(-1e6, 1e6))
def test_no_clock_of_another_machine_and_no_jump_steals_a_lease_or_prolongs_it(
    tmp_path_factory: pytest.TempPathFactory, wrong: float, jump: float
) -> None:
    import asyncio

    async def lives_and_dies() -> None:
        desk = Desk(tmp_path_factory.mktemp("desk"))
        watch = Watch(desk)
        desk.now = NOW + wrong
        await claimed(desk)
        desk.now = NOW
        assert await watch.looks_after(0) == []
        desk.now = NOW + jump
        assert await watch.looks_after(59.9) == []
        assert await watch.looks_after(0.2) == ["retry"]

    asyncio.run(lives_and_dies())


async def test_who_starts_anew_gives_each_worker_a_whole_lease(desk: Desk, watch: Watch) -> None:
    await claimed(desk)
    await watch.looks_after(0)
    fresh = Watch(desk)
    assert [await fresh.looks_after(seconds) for seconds in (0, 59)] == [[], []]
    assert await fresh.looks_after(1) == ["retry"]


async def test_of_many_that_look_one_takes_over(desk: Desk) -> None:
    await claimed(desk)
    watches = [Watch(desk) for _ in range(3)]
    for one in watches:
        await one.looks_after(0)
    assert sorted([await one.looks_after(61) for one in watches]) == [[], [], ["retry"]]


async def test_a_worker_that_comes_back_after_its_lease_writes_nothing(desk: Desk, watch: Watch) -> None:
    from receiver.flow.process import process

    task = await claimed(desk)
    await watch.looks_after(0)
    await watch.looks_after(60)
    assert (await process(task, desk.tools)).outcome == "lost"
