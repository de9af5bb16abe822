"""What a wrong clock left in the future is due after one wait more."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.core.change import Insert, Replace
from receiver.core.document import DocumentState
from receiver.core.task import Task
from receiver.operations.future_dates import FutureDates
from receiver.operations.sweep import sweep
from tests.builders import NOW, a_task
from tests.in_memory_app import InMemoryApp

pytestmark = pytest.mark.anyio
HOUR = 3600.0


class Machine:
    """One that looks; ``seconds`` is its clock that nobody sets."""

    def __init__(self, app: InMemoryApp) -> None:
        self.memory_app = app
        self.seconds = 0.0
        self.ahead = FutureDates(clock=lambda: self.seconds)

    async def looks_after(self, seconds: float) -> float:
        self.seconds += seconds
        self.memory_app.later(seconds)
        return await self.ahead.bring_back(self.memory_app.context)


@pytest.fixture
def machine(app: InMemoryApp) -> Machine:
    return Machine(app)


async def test_a_task_of_a_machine_that_was_an_hour_ahead_is_done_at_the_next_look(
    app: InMemoryApp, machine: Machine
) -> None:
    app.later(HOUR)
    taken = await app.ingest()
    app.later(-HOUR)
    assert await app.work() == []
    assert await machine.looks_after(0) == HOUR
    assert (await app.work())[0].outcome == "done"
    assert (await app.document(taken.document.id)).job_id == "job-1"


async def test_a_retry_waits_once_more_and_no_longer(app: InMemoryApp, machine: Machine) -> None:
    await app.store.apply(Insert(a_task(id="t")))
    app.later(HOUR)
    (task,) = await app.store.claim(owner="fast", now=app.now, lease_seconds=60)
    await app.store.apply(Replace(task.retry(at=app.now + 300, now=app.now, error="e", cause="c")))
    app.later(-HOUR)
    assert [await machine.looks_after(seconds) for seconds in (0, 200, 90)] == [0, 0, 0]
    assert await machine.looks_after(10) == pytest.approx(HOUR - 300)
    found = await app.store.get(Task, "t")
    assert found is not None
    assert (found.due_at, found.attempts) == (app.now, 1)


@given(wait=st.floats(1, 28_800), off=st.floats(-60, 0))
def test_a_wait_that_is_as_long_as_it_was_meant_to_be_is_left_alone(
    tmp_path_factory: pytest.TempPathFactory, wait: float, off: float
) -> None:
    """However often, and whatever wrong clock looks: one that is behind sees it too far ahead, but not for long."""
    import asyncio

    async def looks() -> None:
        app = InMemoryApp(tmp_path_factory.mktemp("app"))
        machine = Machine(app)
        await app.store.apply(Insert(a_task(id="t")))
        (task,) = await app.store.claim(owner="w", now=app.now, lease_seconds=60)
        await app.store.apply(Replace(task.retry(at=app.now + wait, now=app.now, error="e", cause="c")))
        app.later(off)
        for _ in range(10):
            await machine.looks_after(wait / 20)
        found = await app.store.get(Task, "t")
        assert found is not None
        assert found.due_at == NOW + wait

    asyncio.run(looks())


async def test_a_job_whose_deadline_is_in_a_future_that_was_taken_back_is_asked_about_after_one_more(
    app: InMemoryApp, machine: Machine
) -> None:
    app.later(HOUR)
    document = await app.submitted()
    app.later(-HOUR)
    app.cloud.classified(document.job_id, "contract")
    await machine.looks_after(0)
    assert await machine.looks_after(599) == 0
    assert await machine.looks_after(1) > 0
    app.later(1)
    await sweep(app.context)
    await app.work()
    assert (await app.document(document.id)).state is DocumentState.ROUTED


async def test_a_document_shows_as_overdue_though_its_deadline_was_set_by_a_clock_ahead(
    app: InMemoryApp, machine: Machine
) -> None:
    app.later(HOUR)
    document = await app.submitted()
    app.later(-HOUR)
    await machine.looks_after(0)
    await machine.looks_after(600)
    deadline = (await app.document(document.id)).deadline
    assert deadline is not None
    assert deadline <= app.now


async def test_a_notice_that_is_to_wait_is_no_affair_of_ours(app: InMemoryApp, machine: Machine) -> None:
    await app.store.apply(Insert(a_task(id="t", kind="notify", due_at=NOW + HOUR, created_at=NOW + HOUR)))
    await machine.looks_after(0)
    assert await machine.looks_after(60) == 0


async def test_thousands_that_wait_rightly_do_not_hide_one_that_does_not(app: InMemoryApp, machine: Machine) -> None:
    rightly = [a_task(due_at=NOW + 100 + n / 100, created_at=NOW) for n in range(1200)]
    wrongly = a_task(id="wrongly", due_at=NOW + HOUR, created_at=NOW + HOUR)
    await app.store.apply(*map(Insert, rightly), Insert(wrongly))
    assert [await machine.looks_after(0) for _ in range(3)] == [0, 0, HOUR]
    found = await app.store.get(Task, "wrongly")
    assert found is not None
    assert found.due_at == NOW
