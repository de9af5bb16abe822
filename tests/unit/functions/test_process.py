"""The function that works on tasks: one of a batch can neither stop the others nor take them down again and again."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from handlers.functions.process import Knowledge, work_on
from receiver.bootstrap import App
from receiver.core.change import Insert, Replace, Write
from receiver.core.document import Document, DocumentState
from receiver.core.job import JobReport
from receiver.core.retry import SCHEDULE
from receiver.core.task import Task, TaskState
from receiver.settings import Settings
from tests.in_memory_app import InMemoryApp
from tests.integration.test_worker import a_notice

NAMES = tuple("abcdefghij")


class ProcessDiesError(BaseException):
    """The process ends here: nothing of ours gets to see it."""


class Channel:
    """Hands that take note, and do to some tasks what they are told to."""

    def __init__(self, **deeds: Callable[[], Any]) -> None:
        self.told: list[str] = []
        self.deeds = deeds

    async def do(self, name: str) -> None:
        if action := self.deeds.get(name):
            await action()
        await asyncio.sleep(0)
        self.told.append(name)


async def dies() -> None:
    raise ProcessDiesError


async def hangs() -> None:
    await asyncio.Event().wait()


@contextmanager
def a_process() -> Iterator[asyncio.Runner]:
    """A loop that forgets, as a process that dies does, what was going on in it."""
    with asyncio.Runner() as runner:
        runner.get_loop().set_exception_handler(lambda *_: None)
        yield runner


class Deployment:
    """A store with ten notices, and the function that tells them."""

    def __init__(self, folder: Path, channel: Channel, lease_seconds: float = 60) -> None:
        self.memory_app = InMemoryApp(folder)
        context = replace(self.memory_app.context, channels={"log": cast("Any", channel)})
        self.app = App(settings=Settings(lease_seconds=lease_seconds), context=context, receiver=None)
        asyncio.run(self.memory_app.store.apply(*(Insert(a_notice(name)) for name in NAMES)))

    def invoked(self, *names: str, seconds: float = 300) -> list[str] | None:
        """The notices whose messages come again; None when the process died."""
        records = [{"messageId": name, "body": json.dumps({"task": f"notify:{name}"})} for name in names]
        with a_process() as runner:
            try:
                return runner.run(work_on(records, self.app, Knowledge(), seconds=seconds))
            except ProcessDiesError:
                return None

    def task(self, name: str) -> Task:
        found = asyncio.run(self.memory_app.store.get(Task, f"notify:{name}"))
        assert found is not None
        return found


@settings(max_examples=20)
@given(order=st.permutations(NAMES), poison=st.sampled_from(NAMES))
def test_a_task_that_ends_its_process_takes_its_batch_down_once(
    tmp_path_factory: pytest.TempPathFactory, order: list[str], poison: str
) -> None:
    channel = Channel(**{poison: dies})
    here = Deployment(tmp_path_factory.mktemp("app"), channel)
    assert here.invoked(*order) is None
    asyncio.run(here.memory_app.workers_die())
    assert here.invoked(*order) is None
    assert sorted({*channel.told, poison}) == sorted(NAMES)
    assert {here.task(name).state for name in NAMES if name != poison} == {TaskState.DONE}


def test_a_task_that_ends_its_process_each_time_is_parked(tmp_path: Path) -> None:
    here = Deployment(tmp_path, Channel(a=dies))
    invocations = 0
    while here.task("a").state is not TaskState.PARKED:
        assert here.invoked(*NAMES) in ([], None)
        asyncio.run(here.memory_app.workers_die())
        invocations += 1
        assert invocations < 20
    assert {here.task(name).state for name in NAMES[1:]} == {TaskState.DONE}
    assert "did not finish the attempt" in here.task("a").error


def test_a_task_that_outlasts_the_function_is_retried_and_parked_after_few_tries(tmp_path: Path) -> None:
    here = Deployment(tmp_path, Channel(a=hangs))
    assert here.invoked(*NAMES, seconds=10.2) == []
    assert {here.task(name).state for name in NAMES[1:]} == {TaskState.DONE}
    assert (here.task("a").state, here.task("a").cause) == (TaskState.READY, "out_of_time")
    for _ in range(4):
        here.memory_app.later(100_000)
        assert here.invoked("a", seconds=10.05) == []
    assert (here.task("a").state, here.task("a").attempts) == (TaskState.PARKED, 5)


def test_nothing_is_begun_when_there_is_no_time_to_end_it(tmp_path: Path) -> None:
    here = Deployment(tmp_path, Channel())
    assert here.invoked("a", seconds=5) == ["a"]
    assert (here.task("a").state, here.task("a").attempts) == (TaskState.READY, 0)


def test_a_fault_of_our_own_is_one_tasks_affair(tmp_path: Path) -> None:
    here = Deployment(tmp_path, Channel())
    claim = here.memory_app.store.claim

    async def faulty(**given: Any) -> list[Task]:
        if given["ids"] == ["notify:c"]:
            raise KeyError("nobody foresaw this")
        return await claim(**given)

    here.memory_app.store.claim = faulty  # type: ignore[method-assign]
    assert here.invoked(*NAMES) == ["c"]


def test_a_message_from_a_machine_whose_clock_is_ahead_is_not_lost(tmp_path: Path) -> None:
    """A little ahead, its task is begun; more, and another message is sent for when it is due here."""
    here, sent = Deployment(tmp_path, Channel()), list[tuple[str, float]]()

    async def enqueue(task_id: str, *, delay_seconds: float = 0) -> None:
        sent.append((task_id, delay_seconds))

    here.app.context.queue.enqueue = enqueue  # type: ignore[method-assign, assignment]
    for name, ahead in (("a", 1.0), ("b", 240.0)):
        late = structs.replace(here.task(name), due_at=here.memory_app.now + ahead)
        asyncio.run(here.memory_app.store.apply(Replace(late)))
    assert here.invoked("a", "b") == []
    assert (here.task("a").state, here.task("b").state) == (TaskState.DONE, TaskState.READY)
    assert sent == [("notify:b", 240.0)]


class Result:
    """A document whose job is done, and the messages about that."""

    def __init__(self, folder: Path, lease_seconds: float = 60) -> None:
        self.here = Deployment(folder, Channel(), lease_seconds)
        self.app = self.here.memory_app
        self.claims = 0
        self.document = asyncio.run(self._told())
        (self.task,) = asyncio.run(self.app.tasks("react"))
        self._claim, self.app.store.claim = self.app.store.claim, self._counted  # type: ignore[method-assign]

    async def _told(self) -> Document:
        document = await self.app.submitted()
        self.app.cloud.classified(document.job_id, "invoice")
        await self.app.event(document.job_id)
        return document

    async def _counted(self, **given: Any) -> list[Task]:
        self.claims += 1
        return await self._claim(**given)

    def message(self, receives: object, name: str = "m") -> dict[str, Any]:
        attributes = {} if receives is None else {"attributes": {"ApproximateReceiveCount": receives}}
        return {"messageId": name, "body": json.dumps({"task": self.task.id}), **attributes}

    def invoked(self, *records: dict[str, Any]) -> list[str] | None:
        """The messages that come again; None when the process died."""
        with a_process() as runner:
            try:
                return runner.run(work_on(records, self.here.app, Knowledge(), seconds=300))
            except ProcessDiesError:
                return None

    def now(self) -> tuple[DocumentState, Task]:
        (task,) = asyncio.run(self.app.tasks("react"))
        return asyncio.run(self.app.document(self.document.id)).state, task


@pytest.mark.parametrize(
    ("receives", "later", "claims"),
    [("1", 0, 0), ("1", 60, 0), ("1", 61, 1), ("1", -1, 0), ("2", 0, 1), (None, 0, 1), ("x", 0, 1), ([], 0, 1)],
)
def test_a_new_result_whose_message_comes_for_the_first_time_needs_no_claim(
    tmp_path: Path, receives: object, later: float, claims: int
) -> None:
    result = Result(tmp_path)
    result.app.now += later
    assert result.invoked(result.message(receives)) == []
    state, task = result.now()
    assert (state, task.state, task.attempts, result.claims) == (DocumentState.ROUTED, TaskState.DONE, 1, claims)


def test_two_messages_of_one_result_decide_it_once(tmp_path: Path) -> None:
    """The queue may deliver twice, and the sweep enqueue again: both attempts run, and one is written."""
    result = Result(tmp_path)
    assert result.invoked(result.message("1", "a"), result.message("1", "b")) == []
    state, task = result.now()
    assert (state, task.state, task.version) == (DocumentState.ROUTED, TaskState.DONE, 1)
    assert len(result.app.cloud.asked) == 2
    assert [len(to.requests) for to in (result.app.bytes, result.app.words)] == [1, 1]
    assert len(asyncio.run(result.app.tasks("deliver"))) == 2


def test_a_result_that_ends_its_process_is_counted_from_the_second_time_on_and_parked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = Result(tmp_path)

    async def job(*_: Any, **__: Any) -> None:
        raise ProcessDiesError

    monkeypatch.setattr(result.app.cloud, "job", job)
    assert result.invoked(result.message("1")) is None
    assert result.now()[1] == result.task
    attempts = 0
    while result.now()[1].state is not TaskState.PARKED:
        assert result.invoked(result.message(str(2 + attempts))) is None
        attempts += 1
        assert result.now()[1].attempts == attempts
        asyncio.run(result.app.workers_die())
        result.app.later(100_000)
    assert attempts == len(SCHEDULE) + 1


def test_a_result_that_may_have_ended_its_process_runs_after_all_others_of_its_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = Result(tmp_path)
    told = cast("Channel", result.here.app.context.channels["log"]).told
    fetch, before = result.app.cloud.job, list[int]()

    async def job(*given: Any, **named: Any) -> JobReport:
        before.append(len(told))
        return await fetch(*given, **named)

    monkeypatch.setattr(result.app.cloud, "job", job)
    others = [{"messageId": name, "body": json.dumps({"task": f"notify:{name}"})} for name in NAMES]
    assert result.invoked(result.message("2"), *others) == []
    assert before == [len(NAMES)]


def test_a_long_attempt_writes_its_claim_with_its_lease(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = Result(tmp_path, lease_seconds=0.03)
    fetch, seen = result.app.cloud.job, list[Task]()

    async def slow(*given: Any, **named: Any) -> JobReport:
        while not seen or seen[-1].state is not TaskState.RUNNING:
            seen.extend(await result.app.tasks("react"))
            await asyncio.sleep(0.001)
        return await fetch(*given, **named)

    monkeypatch.setattr(result.app.cloud, "job", slow)
    assert result.invoked(result.message("1")) == []
    assert (seen[0].state, seen[-1].attempts, result.claims) == (TaskState.READY, 1, 0)
    assert result.now()[0] is DocumentState.ROUTED


@pytest.mark.parametrize(("used", "state"), [(0.0, DocumentState.ROUTED), (0.3, DocumentState.OPEN)])
def test_an_invocation_delivers_what_follows_while_it_has_most_of_its_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, used: float, state: DocumentState
) -> None:
    """Else each delivery is enqueued, and gets an invocation's whole time."""
    here, sent, seconds = Deployment(tmp_path, Channel()), list[str](), 100_000.0
    app = here.memory_app

    async def enqueue(*task_ids: str, delay_seconds: float = 0) -> None:
        sent.extend(task_ids)

    async def told() -> Document:
        document = await app.submitted()
        app.cloud.classified(document.job_id, "invoice")
        await app.event(document.job_id)
        return document

    document = asyncio.run(told())
    monotonic = time.monotonic
    monkeypatch.setattr(here.app.context.queue, "enqueue", enqueue)
    fetch, late = app.cloud.job, [0.0]

    async def slow_job(*given: Any, **named: Any) -> JobReport:
        late[0] = used * seconds
        return await fetch(*given, **named)

    monkeypatch.setattr(app.cloud, "job", slow_job)
    monkeypatch.setattr(time, "monotonic", lambda: monotonic() + late[0])
    (react,) = asyncio.run(app.tasks("react"))
    records = [{"messageId": "m", "body": json.dumps({"task": react.id})}]
    with a_process() as runner:
        assert runner.run(work_on(records, here.app, Knowledge(), seconds=seconds)) == []
    assert asyncio.run(app.document(document.id)).state is state
    assert len(sent) == (0 if state is DocumentState.ROUTED else 1)


def test_what_follows_from_an_urgent_task_does_not_wait_for_the_other_urgent_tasks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is claimed already: its lease would expire while nobody works on it."""
    app, routed = InMemoryApp(tmp_path), asyncio.Event()
    context = replace(app.context, channels={"log": cast("Any", Channel(slow=routed.wait))})
    apply = app.store.apply

    async def watched(*writes: Write) -> None:
        await apply(*writes)
        written = [item.record for item in writes if isinstance(item, Replace)]
        if any(isinstance(item, Document) and item.state is DocumentState.ROUTED for item in written):
            routed.set()

    async def both() -> None:
        document = await app.submitted()
        app.cloud.classified(document.job_id, "invoice")
        await app.event(document.job_id)
        await app.ingest("another.pdf")
        await app.store.apply(Insert(a_notice("slow")))
        monkeypatch.setattr(app.store, "apply", watched)
        (submit,) = [task for task in await app.tasks("submit") if task.state is TaskState.READY]
        records = [{"messageId": "m", "body": json.dumps({"task": submit.id})}]
        function = App(settings=Settings(), context=context, receiver=None)
        assert await work_on(records, function, Knowledge(), seconds=20) == []
        assert routed.is_set()

    asyncio.run(both())
