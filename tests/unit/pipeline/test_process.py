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
from receiver.pipeline.context import Context, StepResult, TaskHandler
from receiver.pipeline.process import Done, process
from receiver.store.memory import MemoryStore
from tests.builders import NOW, a_flag, a_task
from tests.in_memory_app import InMemoryApp

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


def failing(place: str, error: Callable[[], Exception]) -> TaskHandler:
    """A step that fails at this place, each time. Where that is after a failure, it fails first of something plain."""

    def fail(*_: Any) -> Any:
        raise error()

    async def fails(*_: Any) -> Any:
        raise error()

    async def run(task: Task, context: Context) -> StepResult:
        if place == "step":
            raise error()
        if place == "change":
            return StepResult(note="done", change=fails)
        if place == "write":
            return StepResult(note="done", change=unwritable)
        raise CloudBusy("plainly")

    async def unwritable(*_: Any) -> Sequence[Write]:
        return [Insert(a_flag(id="unwritable"))]

    after = {"attempt_failed and give_up": fails, "writes of attempt_failed and give_up": unwritable}.get(place)
    return TaskHandler(run=run, give_up=after, attempt_failed=after, alert=fail if place == "alert" else None)


class Refusing(MemoryStore):
    """A store that takes texts as the others do, and one record not at all."""

    error: Callable[[], Exception] = ValueError

    async def apply(self, *writes: Write) -> None:
        if any(getattr(getattr(write, "record", None), "id", "") == "unwritable" for write in writes):
            raise self.error()
        await super().apply(*writes)


async def lived(step: TaskHandler, store: MemoryStore, context: Context, clock: list[float]) -> list[Done]:
    """Every attempt at a task of this step, until it is parked."""
    await store.apply(Insert(a_task(id="t", kind="odd", subject="doc-1")))
    attempts: list[Done] = []
    while claimed := await store.claim(owner="w", now=clock[0], lease_seconds=60, ids=["t"]):
        attempts.append(await process(claimed[0], context, steps={"odd": step}))
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
    context = replace(InMemoryApp(tmp_path_factory.mktemp("app")).context, store=store, clock=lambda: clock[0])
    attempts = asyncio.run(lived(failing(place, error), store, context, clock))
    assert [item.outcome for item in attempts] == ["retry"] * len(SCHEDULE) + ["parked"]
    task = asyncio.run(store.get(Task, "t"))
    assert task is not None
    assert task.state is TaskState.PARKED
    assert 0 < len(task.error) <= 2000
    assert task.cause
    alerts = [item for item in asyncio.run(store.find(Task, Query())).records if item.kind == "alert"]
    assert [item.subject for item in alerts] == ["doc-1"]


async def test_an_alert_that_cannot_be_told_is_parked_without_another_alert(app: InMemoryApp) -> None:
    assert NOTICES == ("alert", "notify")
    await app.store.apply(Insert(a_task(id="t", kind="alert", details={"alert": "no json"})))
    for _ in range(len(SCHEDULE) + 1):
        await app.work()
        app.later(100_000)
    assert [task.state for task in await app.tasks("alert")] == [TaskState.PARKED]


async def test_a_store_that_is_busy_is_no_failed_attempt(app: InMemoryApp) -> None:
    async def busy(*_: Any) -> None:
        raise StoreBusy("not now")

    await app.store.apply(Insert(a_task(id="t", kind="odd")))
    (task,) = await app.store.claim(owner="w", now=NOW, lease_seconds=60)
    apply, app.store.apply = app.store.apply, busy  # type: ignore[method-assign]
    with pytest.raises(StoreBusy):
        await process(task, app.context, steps={"odd": failing("step", KeyError)})
    app.store.apply = apply  # type: ignore[method-assign]
    assert await app.store.get(Task, "t") == task


async def test_a_pause_that_cannot_be_read_keeps_no_task_from_its_end(app: InMemoryApp) -> None:
    await app.store.apply(Insert(a_flag(id="paused:results", value="{no json")), Insert(a_task(id="t", kind="odd")))
    (task,) = await app.store.claim(owner="w", now=NOW, lease_seconds=60)
    done = await process(task, app.context, steps={"odd": failing("step", lambda: CloudRefused("403"))})
    assert (done.outcome, done.note) == ("retry", "403")


async def test_a_step_that_hangs_is_ended_and_parked_after_few_attempts(app: InMemoryApp) -> None:
    ended = []

    async def hang(task: Task, context: Context) -> StepResult:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(task.attempts)
        raise AssertionError

    await app.store.apply(Insert(a_task(id="t", kind="odd")))
    done = []
    while claimed := await app.store.claim(owner="w", now=app.now, lease_seconds=60, ids=["t"]):
        done.append(await process(claimed[0], app.context, step_seconds=0.01, steps={"odd": TaskHandler(run=hang)}))
        app.later(100_000)
    assert ended == [1, 2, 3, 4, 5]
    assert [item.outcome for item in done] == ["retry"] * 4 + ["parked"]
    assert (done[-1].task.cause, done[-1].note) == ("out_of_time", "the step odd took longer than 0 seconds")
    assert [alert.kind for alert, _ in await _told(app)] == ["task.parked"]


async def test_a_timeout_within_a_step_is_the_steps_own(app: InMemoryApp) -> None:
    async def slow(task: Task, context: Context) -> StepResult:
        async with asyncio.timeout(0):
            await asyncio.Event().wait()
        raise AssertionError

    await app.store.apply(Insert(a_task(id="t", kind="odd")))
    (task,) = await app.store.claim(owner="w", now=NOW, lease_seconds=60)
    done = await process(task, app.context, step_seconds=60, steps={"odd": TaskHandler(run=slow)})
    assert (done.task.cause, done.task.error) == ("TimeoutError", "TimeoutError")


async def _told(app: InMemoryApp) -> list[tuple[Notice, int]]:
    await app.work()
    return app.channel.told
