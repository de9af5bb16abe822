"""A task is taken from a worker that gave no sign of life for a lease, whatever any clock says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.core.change import Insert, Replace, succeeding
from receiver.core.retry import SCHEDULE
from receiver.core.task import Task, TaskState
from receiver.operations.lease_takeover import ExpiredLeases
from tests.builders import NOW, a_task
from tests.in_memory_app import InMemoryApp

pytestmark = pytest.mark.anyio


class Watch:
    """A takeover whose own clock goes on when it is told to."""

    def __init__(self, app: InMemoryApp) -> None:
        self.memory_app = app
        self.seconds = 0.0
        self.takeover = ExpiredLeases(clock=lambda: self.seconds)

    async def looks_after(self, seconds: float) -> list[str]:
        self.seconds += seconds
        return [done.outcome for done in await self.takeover.take_over(self.memory_app.context)]


@pytest.fixture
def watch(app: InMemoryApp) -> Watch:
    return Watch(app)


async def claimed(app: InMemoryApp, **fields: object) -> Task:
    await app.store.apply(Insert(a_task(id="t", kind="packet", subject="doc-1", due_at=app.now, **fields)))
    (task,) = await app.store.claim(owner="host:7", now=app.now, lease_seconds=60, ids=["t"])
    return task


async def test_the_attempt_of_a_dead_worker_has_failed_and_is_retried_soon(app: InMemoryApp, watch: Watch) -> None:
    await claimed(app)
    assert [await watch.looks_after(seconds) for seconds in (0, 30, 29)] == [[], [], []]
    assert await watch.looks_after(1) == ["retry"]
    task = await app.store.get(Task, "t")
    assert task is not None
    assert (task.state, task.attempts, task.cut_off, task.cause) == (TaskState.READY, 1, 1, "cut_off")
    assert task.error.startswith("host:7 did not finish the attempt")
    assert app.now < task.due_at <= app.now + 1


async def test_a_task_whose_process_dies_each_time_is_parked_with_an_alert(app: InMemoryApp) -> None:
    await app.store.apply(Insert(a_task(id="t", kind="packet", subject="doc-1")))
    claims = 0
    while await app.store.claim(owner="dies", now=app.now, lease_seconds=60, ids=["t"]):
        claims += 1
        assert claims <= len(SCHEDULE) + 1
        await app.workers_die()
    await app.work()
    task = await app.store.get(Task, "t")
    assert task is not None
    assert (task.state, claims) == (TaskState.PARKED, len(SCHEDULE) + 1)
    assert [(alert.kind, alert.subject) for alert, _ in app.channel.told] == [("task.parked", "doc-1")]
    assert "process died" in app.channel.told[0][0].detail


async def test_a_living_worker_keeps_its_task_however_long_it_takes(app: InMemoryApp, watch: Watch) -> None:
    task = await claimed(app)
    for _ in range(50):
        assert await watch.looks_after(20) == []
        held = task.hold(now=app.now)
        await app.store.apply(Replace(held))
        task = succeeding(held)


@given(wrong=st.floats(-1e6, 1e6), jump=st.floats(-1e6, 1e6))
def test_no_clock_of_another_machine_and_no_jump_steals_a_lease_or_prolongs_it(
    tmp_path_factory: pytest.TempPathFactory, wrong: float, jump: float
) -> None:
    import asyncio

    async def lives_and_dies() -> None:
        app = InMemoryApp(tmp_path_factory.mktemp("app"))
        watch = Watch(app)
        app.now = NOW + wrong
        await claimed(app)
        app.now = NOW
        assert await watch.looks_after(0) == []
        app.now = NOW + jump
        assert await watch.looks_after(59.9) == []
        assert await watch.looks_after(0.2) == ["retry"]

    asyncio.run(lives_and_dies())


async def test_who_starts_anew_gives_each_worker_a_whole_lease(app: InMemoryApp, watch: Watch) -> None:
    await claimed(app)
    await watch.looks_after(0)
    fresh = Watch(app)
    assert [await fresh.looks_after(seconds) for seconds in (0, 59)] == [[], []]
    assert await fresh.looks_after(1) == ["retry"]


async def test_of_many_that_look_one_takes_over(app: InMemoryApp) -> None:
    await claimed(app)
    watches = [Watch(app) for _ in range(3)]
    for item in watches:
        await item.looks_after(0)
    assert sorted([await item.looks_after(61) for item in watches]) == [[], [], ["retry"]]


async def test_a_worker_that_comes_back_after_its_lease_writes_nothing(app: InMemoryApp, watch: Watch) -> None:
    from receiver.pipeline.process import process

    task = await claimed(app)
    await watch.looks_after(0)
    await watch.looks_after(60)
    assert (await process(task, app.context)).outcome == "lost"
