"""Whatever ends an attempt, the task is retried by its schedule and then parked, with words and an alert."""

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receiver.core.change import Insert, Query, Write
from receiver.core.errors import CloudBusy, CloudRefused, StoreBusy, Transient
from receiver.core.notice import Notice
from receiver.core.retry import SCHEDULE
from receiver.core.task import NOTICES, Task, TaskState
from receiver.flow.process import Done, process
from receiver.flow.tools import Outcome, StepOf, Tools
from receiver.store.memory import MemoryStore
from tests.builders import NOW, a_flag, a_task
from tests.desk import Desk

pytestmark = pytest.mark.anyio
PLACES = ("step", "change", "write", "attempt_failed and give_up", "alert", "writes of attempt_failed and give_up")


@pytest.fixture(scope="module", autouse=True)
def _unlogged() -> Iterator[None]:
    """Text that is not Unicode cannot be handed from one test process to another, and pytest hands over the log."""
    log = logging.getLogger("mailroom.task")
    log.setLevel(logging.CRITICAL + 1)
    yield
    log.setLevel(logging.NOTSET)


class Unspeakable(Exception):
    """An error that cannot say what it is."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


ERRORS: list[Callable[[], Exception]] = [
    lambda: ValueError("a change of 101 records is over DynamoDB's 100"),
    lambda: UnicodeEncodeError("utf-8", "\udcff", 0, 1, "surrogates not allowed"),
    KeyError,
    lambda: RuntimeError("\udcff is no text"),
    lambda: CloudBusy("x" * 500_000),
    lambda: Transient(""),
    TimeoutError,
    lambda: RecursionError("too deep"),
    Unspeakable,
]


def failing(place: str, error: Callable[[], Exception]) -> StepOf:
    """A step that fails at this place, each time. Where that is after a failure, it fails first of something plain."""

    def fail(*_: Any) -> Any:
        raise error()

    async def fails(*_: Any) -> Any:
        raise error()

    async def run(task: Task, tools: Tools) -> Outcome:
        if place == "step":
            raise error()
        if place == "change":
            return Outcome(note="done", change=fails)
        if place == "write":
            return Outcome(note="done", change=unwritable)
        raise CloudBusy("plainly")

    async def unwritable(*_: Any) -> Sequence[Write]:
        return [Insert(a_flag(id="unwritable"))]

    after = {"attempt_failed and give_up": fails, "writes of attempt_failed and give_up": unwritable}.get(place)
    return StepOf(run=run, give_up=after, attempt_failed=after, alert=fail if place == "alert" else None)


class Refusing(MemoryStore):
    """A store that takes texts as the others do, and one record not at all."""

    error: Callable[[], Exception] = ValueError

    async def apply(self, *writes: Write) -> None:
        if any(getattr(getattr(write, "record", None), "id", "") == "unwritable" for write in writes):
            raise self.error()
        await super().apply(*writes)


async def lived(step: StepOf, store: MemoryStore, tools: Tools, clock: list[float]) -> list[Done]:
    """Every attempt at a task of this step, until it is parked."""
    await store.apply(Insert(a_task(id="t", kind="odd", subject="doc-1")))
    attempts: list[Done] = []
    while claimed := await store.claim(owner="w", now=clock[0], lease_seconds=60, ids=["t"]):
        attempts.append(await process(claimed[0], tools, steps={"odd": step}))
        assert len(attempts) <= len(SCHEDULE) + 1
        clock[0] += 100_000
    return attempts


@settings(max_examples=60)
@given(place=st.sampled_from(PLACES), error=st.sampled_from(ERRORS))
def test_whatever_fails_wherever_it_fails_the_task_is_parked_after_its_schedule_with_an_alert(
    tmp_path_factory: pytest.TempPathFactory, place: str, error: Callable[[], Exception]
) -> None:
    clock = [NOW]
    store = Refusing(clock=lambda: clock[0])
    store.error = error
    tools = replace(Desk(tmp_path_factory.mktemp("desk")).tools, store=store, clock=lambda: clock[0])
    attempts = asyncio.run(lived(failing(place, error), store, tools, clock))
    assert [one.outcome for one in attempts] == ["retry"] * len(SCHEDULE) + ["parked"]
    task = asyncio.run(store.get(Task, "t"))
    assert task is not None
    assert task.state is TaskState.PARKED
    assert 0 < len(task.error) <= 2000
    assert task.cause
    alerts = [one for one in asyncio.run(store.find(Task, Query())).records if one.kind == "alert"]
    assert [one.subject for one in alerts] == ["doc-1"]


async def test_an_alert_that_cannot_be_told_is_parked_without_another_alert(desk: Desk) -> None:
    assert NOTICES == ("alert", "notify")
    await desk.store.apply(Insert(a_task(id="t", kind="alert", details={"alert": "no json"})))
    for _ in range(len(SCHEDULE) + 1):
        await desk.work()
        desk.later(100_000)
    assert [task.state for task in await desk.tasks("alert")] == [TaskState.PARKED]


async def test_a_store_that_is_busy_is_no_failed_attempt(desk: Desk) -> None:
    async def busy(*_: Any) -> None:
        raise StoreBusy("not now")

    await desk.store.apply(Insert(a_task(id="t", kind="odd")))
    (task,) = await desk.store.claim(owner="w", now=NOW, lease_seconds=60)
    apply, desk.store.apply = desk.store.apply, busy  # type: ignore[method-assign]
    with pytest.raises(StoreBusy):
        await process(task, desk.tools, steps={"odd": failing("step", KeyError)})
    desk.store.apply = apply  # type: ignore[method-assign]
    assert await desk.store.get(Task, "t") == task


async def test_a_pause_that_cannot_be_read_keeps_no_task_from_its_end(desk: Desk) -> None:
    await desk.store.apply(Insert(a_flag(id="paused:results", value="{no json")), Insert(a_task(id="t", kind="odd")))
    (task,) = await desk.store.claim(owner="w", now=NOW, lease_seconds=60)
    done = await process(task, desk.tools, steps={"odd": failing("step", lambda: CloudRefused("403"))})
    assert (done.outcome, done.note) == ("retry", "403")


async def test_a_step_that_hangs_is_ended_and_parked_after_few_attempts(desk: Desk) -> None:
    ended = []

    async def hang(task: Task, tools: Tools) -> Outcome:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(task.attempts)
        raise AssertionError

    await desk.store.apply(Insert(a_task(id="t", kind="odd")))
    done = []
    while claimed := await desk.store.claim(owner="w", now=desk.now, lease_seconds=60, ids=["t"]):
        done.append(await process(claimed[0], desk.tools, step_seconds=0.01, steps={"odd": StepOf(run=hang)}))
        desk.later(100_000)
    assert ended == [1, 2, 3, 4, 5]
    assert [one.outcome for one in done] == ["retry"] * 4 + ["parked"]
    assert (done[-1].task.cause, done[-1].note) == ("out_of_time", "the step odd took longer than 0 seconds")
    assert [alert.kind for alert, _ in await _told(desk)] == ["task.parked"]


async def test_a_timeout_within_a_step_is_the_steps_own(desk: Desk) -> None:
    async def slow(task: Task, tools: Tools) -> Outcome:
        async with asyncio.timeout(0):
            await asyncio.Event().wait()
        raise AssertionError

    await desk.store.apply(Insert(a_task(id="t", kind="odd")))
    (task,) = await desk.store.claim(owner="w", now=NOW, lease_seconds=60)
    done = await process(task, desk.tools, step_seconds=60, steps={"odd": StepOf(run=slow)})
    assert (done.task.cause, done.task.error) == ("TimeoutError", "TimeoutError")


async def _told(desk: Desk) -> list[tuple[Notice, int]]:
    await desk.work()
    return desk.channel.told
