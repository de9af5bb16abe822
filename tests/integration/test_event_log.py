"""What has just arrived: kept at once, filed later, and never seen to be unfiled by who asks the store."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from receiver.core.change import CheckOwner, Insert, InsertIfAbsent, Query, Replace, Write, changed
from receiver.core.errors import Conflict
from receiver.core.event import Event
from receiver.core.task import Task
from receiver.store.sqlite import event_log, writer_thread
from receiver.store.sqlite.store import SqliteStore
from tests.builders import NOW, a_job, a_task, an_event

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def _never_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_thread, "QUIET_SECONDS", 600.0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mailroom.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(path, lambda: NOW)
    await store.open()
    yield store
    await store.close()


@pytest.fixture
def db(path: Path, store: SqliteStore) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path)) as db:
        yield db


def an_arrival() -> tuple[Event, Task, list[Write]]:
    event, task = an_event(), a_task()
    return event, task, [Insert(event), InsertIfAbsent(task)]


def unfiled(db: sqlite3.Connection) -> int:
    return sum(len(event_log._unpack(changes)) for (changes,) in db.execute("select changes from arrival"))


async def test_events_that_arrive_together_are_one_row_until_somebody_asks(
    store: SqliteStore, db: sqlite3.Connection
) -> None:
    came = [an_arrival() for _ in range(50)]
    await asyncio.gather(*(store.apply(*writes) for _, _, writes in came))
    assert unfiled(db) == 50
    assert db.execute("select count(*) from arrival").fetchone()[0] < 10
    assert db.execute("select count(*) from event").fetchone() == (0,)
    event, task, _ = came[7]
    assert await store.get(Event, event.id) == event
    assert await store.get(Task, task.id) == task
    assert unfiled(db) == 0


async def test_a_backlog_is_filed_while_more_arrives(
    store: SqliteStore, db: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the pace at which it comes, after the answers: nobody asks for these, and the writer is never idle."""
    monkeypatch.setattr(event_log, "PRESSING", 20)
    monkeypatch.setattr(event_log, "SOME", 10)
    monkeypatch.setattr("receiver.store.sqlite.group_commit.SOME", 10)
    most = 0
    for _ in range(30):
        await asyncio.gather(*(store.apply(*an_arrival()[2]) for _ in range(10)))
        most = max(most, unfiled(db))
    assert db.execute("select count(*) from event").fetchone()[0] >= 300 - most
    assert most < 100


async def test_a_listing_and_a_claim_find_what_has_just_arrived(store: SqliteStore) -> None:
    event, _, writes = an_arrival()
    await store.apply(*writes)
    assert (await store.find(Event, Query())).records == [event]
    _, task, writes = an_arrival()
    await store.apply(*writes)
    claimed = await store.claim(owner="a", now=NOW, lease_seconds=60, limit=10, ids=[task.id])
    assert [item.id for item in claimed] == [task.id]
    await store.apply(*an_arrival()[2])
    assert len(await store.claim(owner="a", now=NOW, lease_seconds=60, limit=10)) == 2


async def test_a_write_to_what_has_just_arrived_finds_it(store: SqliteStore) -> None:
    event, task, writes = an_arrival()
    await store.apply(*writes)
    await store.apply(Replace(changed(task, error="told")))
    assert await store.get(Task, task.id) == changed(task, error="told", version=1)
    event, task, writes = an_arrival()
    await store.apply(*writes)
    with pytest.raises(Conflict):
        await store.apply(Insert(task))
    with pytest.raises(Conflict):
        await store.apply(Insert(event), InsertIfAbsent(a_task()))


async def test_the_idle_writer_files_by_itself(
    store: SqliteStore, db: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_thread, "QUIET_SECONDS", 0.0)
    for _ in range(3):
        await store.apply(*an_arrival()[2])
    async with asyncio.timeout(10):
        while unfiled(db):  # noqa: ASYNC110 - another thread does it
            await asyncio.sleep(0.01)
    assert db.execute("select count(*) from event").fetchone() == (3,)


async def test_an_event_that_another_process_keeps_unfiled_is_known(path: Path, store: SqliteStore) -> None:
    other = SqliteStore(path, lambda: NOW)
    event, _, writes = an_arrival()
    await store.apply(*an_arrival()[2])
    await other.apply(*writes)
    with pytest.raises(Conflict, match=event.id):
        await store.apply(Insert(event), InsertIfAbsent(a_task()))
    await other.close()


async def test_an_event_that_another_process_has_filed_is_known_and_nothing_is_filed_twice(
    path: Path, store: SqliteStore, db: sqlite3.Connection
) -> None:
    other = SqliteStore(path, lambda: NOW)
    event, _, writes = an_arrival()
    await store.apply(*writes)
    assert await other.get(Event, event.id) == event
    with pytest.raises(Conflict, match=event.id):
        await store.apply(Insert(event), InsertIfAbsent(a_task()))
    await store.apply(*an_arrival()[2])
    await other.apply(*an_arrival()[2])
    assert len((await store.find(Event, Query())).records) == 3
    assert unfiled(db) == 0
    await other.close()


async def test_what_a_dead_process_left_unfiled_is_filed_by_the_next(path: Path, store: SqliteStore) -> None:
    event, task, writes = an_arrival()
    await store.apply(*writes)
    await store.close()
    after = SqliteStore(path, lambda: NOW)
    with pytest.raises(Conflict, match=event.id):
        await after.apply(Insert(event), InsertIfAbsent(a_task()))
    assert await after.get(Task, task.id) == task
    await after.close()


async def test_a_repeat_within_one_batch_is_kept_once(store: SqliteStore) -> None:
    event = an_event()
    told = await asyncio.gather(
        *(store.apply(Insert(event), InsertIfAbsent(a_task(id=f"{number}"))) for number in range(20)),
        return_exceptions=True,
    )
    assert [type(item) for item in told].count(type(None)) == 1
    assert len((await store.find(Task, Query())).records) == 1


async def test_an_arrival_of_another_documents_job_is_refused_alone(store: SqliteStore, db: sqlite3.Connection) -> None:
    job = a_job()
    await store.apply(Insert(job))
    _, _, writes = an_arrival()
    told = await asyncio.gather(
        store.apply(CheckOwner(job.id, "another"), *writes),
        store.apply(CheckOwner(job.id, job.document_id), *an_arrival()[2]),
        store.apply(CheckOwner("unknown", "another"), *an_arrival()[2]),
        return_exceptions=True,
    )
    assert [type(item) for item in told] == [Conflict, type(None), type(None)]
    assert unfiled(db) == 2


async def test_a_burst_beyond_the_limit_is_filed_bit_by_bit(
    store: SqliteStore, db: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_log, "UNFILED_LIMIT", 10)
    for _ in range(100):
        await store.apply(*an_arrival()[2])
    assert unfiled(db) <= 12
    assert len((await store.find(Event, Query(limit=200))).records) == 100
