"""The worker with either bell: what is rung for is done, once, and answered when it is done."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, cast

import pytest
from msgspec import structs

from handlers.demo.local_aws import LocalAws
from receiver import background, worker
from receiver.core import bulkhead
from receiver.core.change import Insert, Query, Replace, Write
from receiver.core.document import DocumentState
from receiver.core.errors import DestinationBusy, FileGone, StoreBusy, Transient
from receiver.core.flag import Flag
from receiver.core.incident import Incident
from receiver.core.task import Task, TaskState, submission_of
from receiver.metrics import SummingMeter
from receiver.operations.stalled_queue import RECEIVED
from receiver.pipeline.context import Context, StepResult, TaskHandler
from receiver.pipeline.process import STEPS
from receiver.ports import CloudFile, Message, TaskQueue
from receiver.queue.local import LocalQueue
from receiver.queue.sqs import SqsQueue
from receiver.stopping import Stopping
from receiver.store.memory import MemoryStore
from receiver.worker import Worker
from tests.builders import NOW, a_document, a_task
from tests.in_memory_app import InMemoryApp, InMemoryCloud

pytestmark = pytest.mark.anyio
_numbers = count(1)


async def until(holds: Callable[[], Any]) -> None:
    """Returns when it holds; fails when it takes far too long."""
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110  others' doings have no event
            await asyncio.sleep(0.01)


@dataclass
class Hands:
    """They remember what they were told, and can be made to take their time."""

    told: list[str] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    free: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.free.set()

    async def do(self, name: str) -> None:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await self.free.wait()
        self.at_once -= 1
        self.told.append(name)


async def _by_hand(task: Task, context: Context) -> StepResult:
    hands: Any = context.channels[task.details.get("to", "log")]
    await hands.do(task.details["name"])
    return StepResult(note="done by hand")


STEPS["by_hand"] = TaskHandler(run=_by_hand)  # type: ignore[index]  # a kind of task for tests, known in this process only


def a_notice(name: str, **fields: Any) -> Task:
    """A task that a worker does with its hands, by telling them ``name``."""
    return a_task(id=f"notify:{name}", kind="by_hand", subject=name, details={"name": name}, **fields)


class Office:
    """A store, a bell and hands, and as many workers as a test asks for."""

    def __init__(self, folder: Path, queue: TaskQueue) -> None:
        self.hands = Hands()
        self.app = InMemoryApp(folder)
        self.store = self.app.store
        self.context: Context = replace(self.app.context, queue=queue, channels={"log": cast("Any", self.hands)})

    def worker(self, **given: Any) -> Worker:
        return Worker(self.context, **given)

    async def promise(self, *names: str) -> list[str]:
        tasks = [a_notice(name) for name in names]
        await self.store.apply(*map(Insert, tasks))
        return [task.id for task in tasks]

    async def state(self, task_id: str) -> TaskState:
        task = await self.store.get(Task, task_id)
        assert task is not None
        return task.state


@pytest.fixture(params=["local", pytest.param("sqs", marks=pytest.mark.aws)])
async def queue(request: pytest.FixtureRequest) -> AsyncIterator[TaskQueue]:
    if request.param == "local":
        made: TaskQueue = LocalQueue(poll_seconds=0.2)
    else:
        aws: LocalAws = request.getfixturevalue("local_aws")
        made = a_queue(aws)
    yield made
    await made.close()


def a_queue(aws: LocalAws, name: str = "") -> SqsQueue:
    name = name or f"worker-{next(_numbers)}"
    aws.client("sqs").create_queue(QueueName=name)
    return SqsQueue(name, visibility_seconds=1, client=partial(aws.client, "sqs"))


@pytest.fixture
def office(tmp_path: Path, queue: TaskQueue) -> Office:
    return Office(tmp_path, queue)


async def test_what_is_rung_for_is_done(office: Office) -> None:
    async with office.worker().running():
        (task_id,) = await office.promise("a")
        await office.context.queue.enqueue(task_id)
        await until(lambda: office.hands.told == ["a"])
    assert await office.state(task_id) is TaskState.DONE


async def test_what_was_left_from_before_is_done_without_a_ring(office: Office) -> None:
    await office.promise(*"abcdefgh")
    async with office.worker(concurrency=3).running():
        await until(lambda: len(office.hands.told) == 8)


async def test_how_late_an_attempt_begins_is_measured(office: Office) -> None:
    office.app.now = NOW + 7.5
    async with office.worker().running():
        await office.promise("a")
        await until(lambda: office.hands.told == ["a"])
    meter = office.context.meter
    assert isinstance(meter, SummingMeter)
    late = {(name, labels): (times, total) for name, labels, times, total in meter.timings()}
    assert late["mailroom_task_lateness_seconds", ("by_hand",)] == (1, 7.5)


async def test_no_more_is_begun_than_there_are_hands(office: Office) -> None:
    office.hands.free.clear()
    async with office.worker(concurrency=2).running():
        await office.context.queue.enqueue(*await office.promise(*"abcdef"))
        await until(lambda: office.hands.at_once == 2)
        office.hands.free.set()
        await until(lambda: len(office.hands.told) == 6)
    assert office.hands.most_at_once == 2


async def test_two_workers_share_and_do_nothing_twice(office: Office) -> None:
    names = [f"n{number}" for number in range(40)]
    async with office.worker(concurrency=4).running(), office.worker(concurrency=4).running():
        await office.context.queue.enqueue(*await office.promise(*names))
        await until(lambda: len(office.hands.told) == len(names))
    assert sorted(office.hands.told) == sorted(names)


async def test_who_is_told_to_stop_finishes_what_is_in_hand(office: Office) -> None:
    office.hands.free.clear()
    async with office.worker().running():
        await office.context.queue.enqueue(*await office.promise("a"))
        await until(lambda: office.hands.at_once == 1)
        asyncio.get_running_loop().call_later(0.1, office.hands.free.set)
    assert office.hands.told == ["a"]
    assert await office.state("notify:a") is TaskState.DONE


async def test_who_has_no_time_left_lets_go_of_what_is_in_hand(office: Office) -> None:
    office.hands.free.clear()
    stop = Stopping(seconds=0.3)
    async with office.worker().running(stop=stop):
        await office.context.queue.enqueue(*await office.promise("a"))
        await until(lambda: office.hands.at_once == 1)
        stop.begin()
    task = await office.store.get(Task, "notify:a")
    assert task is not None
    assert (task.state, task.attempts, task.lease_until) == (TaskState.READY, 0, None)
    office.hands.free.set()
    async with office.worker().running():
        await until(lambda: office.hands.told == ["a"])


async def test_who_is_told_to_stop_begins_nothing_more(office: Office) -> None:
    stop = Stopping(seconds=5)
    async with office.worker().running(stop=stop):
        stop.begin()
        await asyncio.sleep(0)
        await office.context.queue.enqueue(*await office.promise("a"))
        await asyncio.sleep(0.5)  # it would have been begun long ago
    assert await office.state("notify:a") is TaskState.READY


@pytest.mark.parametrize(("concurrency", "enqueued"), [(4, 0), (1, 2)])
async def test_deliveries_that_follow_are_begun_at_once_if_there_is_room_beside_what_they_follow_from(
    office: Office, monkeypatch: pytest.MonkeyPatch, concurrency: int, enqueued: int
) -> None:
    noted, enqueue = list[str](), office.context.queue.enqueue

    async def note(*task_ids: str, delay_seconds: float = 0) -> None:
        noted.extend(task_ids)
        await enqueue(*task_ids, delay_seconds=delay_seconds)

    document = await office.app.submitted()
    office.app.cloud.classified(document.job_id, "invoice")
    await office.app.event(document.job_id)
    (react,) = await office.app.tasks("react")
    monkeypatch.setattr(office.context.queue, "enqueue", note)
    async with office.worker(concurrency=concurrency).running():
        await enqueue(react.id)
        async with asyncio.timeout(20):
            while (await office.app.document(document.id)).state is not DocumentState.ROUTED:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    deliveries = await office.app.tasks("deliver")
    assert [(task.state, task.attempts) for task in deliveries] == [(TaskState.DONE, 1)] * 2
    assert len([item for item in noted if item.startswith("deliver:")]) == enqueued
    assert [len(to.requests) for to in (office.app.bytes, office.app.words)] == [1, 1]


async def test_a_ring_for_what_is_done_changes_nothing(office: Office) -> None:
    (task_id,) = await office.promise("a")
    async with office.worker().running():
        await until(lambda: office.hands.told == ["a"])
        await office.context.queue.enqueue(task_id, "nobody", task_id)
        (other,) = await office.promise("b")
        await office.context.queue.enqueue(other)
        await until(lambda: office.hands.told == ["a", "b"])


async def test_a_fault_of_our_own_ends_one_task_and_not_the_worker(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    async with office.worker().running():
        bad = structs.replace(a_notice("bad"), details={})
        await office.store.apply(Insert(bad))
        await office.context.queue.enqueue(bad.id, *await office.promise("good"))
        await until(lambda: office.hands.told == ["good"])


class Forgetful(MemoryStore):
    """A store that cannot write the end of a task, the first time."""

    failures = 0

    async def apply(self, *writes: Write) -> None:
        tasks = [write.record for write in writes if isinstance(write, Replace) and isinstance(write.record, Task)]
        if not self.failures and any(task.id == "notify:a" and task.state is TaskState.DONE for task in tasks):
            self.failures += 1
            raise StoreBusy("not now")
        await super().apply(*writes)


async def test_what_could_not_be_written_is_done_again_when_the_lease_is_over(office: Office) -> None:
    clock = {"now": NOW}
    store = Forgetful(clock=lambda: clock["now"])
    office.store = store
    office.context = replace(office.context, store=store, clock=lambda: clock["now"])
    async with office.worker(lease_seconds=0.4).running():
        await office.context.queue.enqueue(*await office.promise("a"))
        async with asyncio.timeout(20):
            while await office.state("notify:a") is not TaskState.READY or not store.failures:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        clock["now"] += 31
        await office.context.queue.enqueue("notify:a")
        await until(lambda: office.hands.told == ["a", "a"])
    assert await office.state("notify:a") is TaskState.DONE


def a_notice_to(channel: str, name: str, **fields: Any) -> Task:
    notice = a_notice(name, **fields)
    return structs.replace(notice, details={**notice.details, "to": channel})


@pytest.fixture
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """What production has in seconds, in fractions of them."""
    monkeypatch.setattr(bulkhead, "SLOW_SECONDS", 0.2)
    monkeypatch.setattr(worker, "LOOK_SECONDS", 0.1)
    monkeypatch.setattr(bulkhead, "NO_ROOM_SECONDS", 0.1)


@pytest.mark.usefixtures("quickly")
async def test_a_partner_that_hangs_stops_no_other(office: Office) -> None:
    stuck = Hands()
    stuck.free.clear()
    office.context = replace(office.context, channels={"log": cast("Any", office.hands), "stuck": cast("Any", stuck)})
    hanging = [a_notice_to("stuck", f"s{number}", due_at=NOW - 9) for number in range(40)]
    await office.store.apply(*map(Insert, hanging))
    async with office.worker(concurrency=4).running():
        await office.context.queue.enqueue(*(task.id for task in hanging))
        await until(lambda: stuck.at_once == 2)
        await office.context.queue.enqueue(*await office.promise(*"abcdefghijkl"))
        await until(lambda: len(office.hands.told) == 12)
        assert stuck.most_at_once == 2, "it has no more than the few slots of one that has not answered yet"
        stuck.free.set()
        await until(lambda: len(stuck.told) == 40)


@pytest.mark.usefixtures("quickly")
async def test_a_partner_that_is_down_stops_no_other_and_is_tried_by_a_few(office: Office) -> None:
    class Down(Hands):
        async def do(self, name: str) -> None:
            self.told.append(name)
            raise DestinationBusy("down")

    down = Down()
    office.context = replace(office.context, channels={"log": cast("Any", office.hands), "down": cast("Any", down)})
    failing = [a_notice_to("down", f"d{number}", due_at=NOW - 9) for number in range(60)]
    await office.store.apply(*map(Insert, failing))
    async with office.worker(concurrency=4).running():
        await office.context.queue.enqueue(*(task.id for task in failing))
        await until(lambda: len(down.told) >= 5)
        await office.context.queue.enqueue(*await office.promise(*"abcdefghijkl"))
        await until(lambda: len(office.hands.told) == 12)
    assert len(down.told) < 30, "those who were not tried wait, and have lost no attempt"
    waiting = [await office.store.get(Task, task.id) for task in failing]
    assert [task.attempts for task in waiting if task].count(0) > 30


def told_last(hands: Hands, name: str) -> bool:
    return hands.told[-1:] == [name]


@pytest.mark.usefixtures("quickly")
async def test_a_flood_of_submissions_does_not_hold_up_what_is_to_be_delivered(office: Office) -> None:
    """Though it came first, and the bell names it first."""
    going = asyncio.Semaphore(0)
    submitted = []

    async def slowly(external_id: str, **_: str) -> CloudFile:
        submitted.append(external_id)
        await going.acquire()
        raise FileGone("never mind")

    cloud = InMemoryCloud()
    cloud.find_file = slowly  # type: ignore[method-assign]
    office.context = replace(office.context, cloud=cloud)
    documents = [a_document(page_count=1) for _ in range(30)]
    flood = [submission_of(item, now=NOW - 9) for item in documents]
    await office.store.apply(*map(Insert, documents), *map(Insert, flood))
    async with office.worker(concurrency=4).running():
        await office.context.queue.enqueue(*(task.id for task in flood))
        await until(lambda: len(submitted) == 2)
        for name in "abcdef":
            await office.context.queue.enqueue(*await office.promise(name))
            await until(partial(told_last, office.hands, name))
        assert len(submitted) < 30
        for _ in range(100):
            going.release()
        await until(lambda: len(submitted) >= 30)


def ticking() -> Callable[[], float]:
    """A clock that shows NOW, and runs."""
    begun = time.monotonic()
    return lambda: NOW + time.monotonic() - begun


@pytest.mark.aws
@pytest.mark.parametrize("behind", [0.2, 2.5])
async def test_a_worker_whose_clock_is_behind_loses_no_message(
    local_aws: LocalAws, tmp_path: Path, behind: float
) -> None:
    """What is not yet due by its clock is heard again, and done without any sweep."""
    queue, right = a_queue(local_aws), ticking()
    office = Office(tmp_path, queue)
    office.context = replace(office.context, clock=lambda: right() - behind)
    async with office.worker(sweep_seconds=3600).running():
        task = a_notice("a", due_at=right(), created_at=right())
        await office.store.apply(Insert(task))
        await queue.enqueue(task.id)
        await until(lambda: office.hands.told == ["a"])
    await queue.close()


@pytest.mark.aws
async def test_a_message_whose_task_is_in_other_hands_stays_until_that_is_over(
    local_aws: LocalAws, tmp_path: Path
) -> None:
    queue = a_queue(local_aws, "worker-other-hands")
    office = Office(tmp_path, queue)
    (task_id,) = await office.promise("a")
    (task,) = await office.store.claim(owner="another", now=NOW, lease_seconds=300)
    put_back, message = [], queue.enqueue

    async def noted(*task_ids: str, delay_seconds: float = 0) -> None:
        await message(*task_ids, delay_seconds=min(delay_seconds, 1))
        if task_id in task_ids and delay_seconds:
            put_back.append(delay_seconds)

    queue.enqueue = noted  # type: ignore[method-assign]
    async with office.worker(sweep_seconds=3600).running():
        await queue.enqueue(task_id)
        await until(lambda: put_back)
        await office.store.apply(Replace(task.release(now=NOW)))  # and whoever let go of it rings for nobody
        await until(lambda: office.hands.told == ["a"])
    assert put_back[0] == 300
    await queue.close()


class Silent(LocalQueue):
    """A queue that names tasks, takes every message and delivers none, until it is well."""

    names_tasks = True
    well = False

    def __init__(self) -> None:
        super().__init__()
        self.rings: list[Message] = []

    async def enqueue(self, *task_ids: str, delay_seconds: float = 0) -> None:
        if self.well:
            self.rings += [Message(task_id) for task_id in task_ids]

    async def receive(self, *, timeout_seconds: float, limit: int = 10) -> list[Message]:
        await asyncio.sleep(min(timeout_seconds, 0.02))
        messages, self.rings = self.rings, []
        return messages


async def test_who_begins_after_a_time_without_any_worker_does_not_take_the_queue_for_silent(office: Office) -> None:
    ids = await office.promise(*"abc")
    worker = office.worker(sweep_seconds=0.01)
    assert await worker.begin_overlooked(ids) == 0
    await until(lambda: len(office.hands.told) == 3)


async def test_work_goes_on_without_a_queue_that_delivers_nothing_and_somebody_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "LOOK_SECONDS", 0.05)
    queue = Silent()
    office = Office(tmp_path, queue)
    office.context = replace(office.context, clock=ticking())
    async with office.worker(sweep_seconds=0.2).running():
        while "queue.silent" not in await kinds_told(office):
            office.hands.told.clear()
            await office.store.apply(Insert(a_notice(f"swept {next(_numbers)}", due_at=office.context.clock())))
            await until(lambda: office.hands.told)
        monkeypatch.setattr(background, "overlooked", nothing)
        for name in "abc":  # no sweep finds them: from now on the worker looks by itself
            await office.promise(name)
            await until(partial(told_last, office.hands, name))
        queue.well = True
        await queue.enqueue(*await office.promise("z"))
        await until(partial(told_last, office.hands, "z"))


async def test_a_worker_writes_down_that_the_queue_delivers(tmp_path: Path) -> None:
    queue = Silent()
    queue.well = True
    office = Office(tmp_path, queue)
    worker = office.worker()
    await worker.begin_overlooked([])
    assert await office.store.get(Flag, RECEIVED) is None
    async with worker.running():
        for name in "ab":  # who listens for the second message has dealt with the first
            await queue.enqueue(*await office.promise(name))
            await until(lambda: not queue.rings)
    await worker.begin_overlooked([])
    assert await office.store.get(Flag, RECEIVED) is not None


async def nothing(*_: object, **__: object) -> list[str]:
    return []


async def kinds_told(office: Office) -> list[str]:
    return [item.kind for item in (await office.store.find(Incident, Query())).records]


class Broken(LocalQueue):
    """A bell that neither rings nor can be heard."""

    def __init__(self, fault: Exception) -> None:
        super().__init__()
        self.fault = fault

    async def receive(self, *, timeout_seconds: float, limit: int = 10) -> list[Message]:
        raise self.fault

    async def enqueue(self, *task_ids: str, delay_seconds: float = 0) -> None:
        raise Transient("the bell is broken")


@pytest.mark.parametrize("fault", [Transient("the bell is broken"), KeyError("nobody foresaw this")])
async def test_a_broken_bell_keeps_nobody_from_work(
    tmp_path: Path, fault: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "PAUSE_AFTER_FAULT", 0.01)
    office = Office(tmp_path, Broken(fault))
    async with office.worker().running():
        await office.promise("a")
        await until(lambda: office.hands.told == ["a"])
        await office.promise("b")
        await until(lambda: office.hands.told == ["a", "b"])


@pytest.mark.aws
async def test_a_ring_is_answered_when_its_task_is_done_and_not_before(local_aws: LocalAws, tmp_path: Path) -> None:
    queue = a_queue(local_aws, "worker-watched")
    office = Office(tmp_path, queue)
    async with office.worker().running():
        await queue.enqueue(*await office.promise("first"))  # from then on it listens, and looks for nothing by itself
        await until(lambda: office.hands.told and waiting(local_aws, "worker-watched") == (0, 0))
        office.hands.free.clear()
        await queue.enqueue(*await office.promise("a"))
        await until(lambda: office.hands.at_once == 1)
        await asyncio.sleep(2.5)  # more than twice as long as it stays out of sight by itself
        there = waiting(local_aws, "worker-watched")
        office.hands.free.set()
        await until(lambda: waiting(local_aws, "worker-watched") == (0, 0))
    await queue.close()
    assert there == (0, 1)
    assert office.hands.told == ["first", "a"]


def waiting(aws: LocalAws, name: str) -> tuple[int, int]:
    """How many messages wait to be received, and how many to be answered."""
    sqs, names = aws.client("sqs"), ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return int(found[names[0]]), int(found[names[1]])
