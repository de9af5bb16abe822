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
from receiver.store.sqlite import event_log, group_commit, writer_thread
from receiver.store.sqlite.connection import connect
from receiver.store.sqlite.event_log import logged_event_of
from receiver.store.sqlite.store import SqliteStore
from receiver.store.sqlite.transaction import transaction, without_sync
from tests.builders import NOW, a_job, a_task, an_event

pytestmark = pytest.mark.anyio

NORMAL, FULL = 1, 2
"""As SQLite numbers them."""
FRAME = 24 + 4096
"""Bytes of a page in the -wal file."""


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
    assert event in (await store.find(Event, Query(limit=100))).records
    assert await store.get(Task, task.id) == task
    assert unfiled(db) == 0


async def test_a_backlog_is_filed_while_more_arrives(
    store: SqliteStore, db: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the answers, and the more the more waits: nobody asks for these, and the writer is never idle."""
    monkeypatch.setattr(event_log, "BALANCE", 40)
    monkeypatch.setattr(event_log, "FEW", 5)
    monkeypatch.setattr("receiver.store.sqlite.group_commit.SOME", 10)
    most = 0
    for _ in range(30):
        await asyncio.gather(*(store.apply(*an_arrival()[2]) for _ in range(10)))
        most = max(most, unfiled(db))
    assert db.execute("select count(*) from event").fetchone()[0] >= 300 - most
    assert most < 100


async def test_what_is_asked_for_by_its_id_is_filed_and_little_else(store: SqliteStore, db: sqlite3.Connection) -> None:
    """A repetition or a look at one event must not wait for thousands of others."""
    came = [an_arrival() for _ in range(20)]
    for _, _, writes in came:
        await store.apply(*writes)
    event, task, writes = came[9]
    with pytest.raises(Conflict, match=event.id):
        await store.apply(*writes)
    assert unfiled(db) == 19
    assert await store.get(Event, event.id) == event
    assert await store.get(Task, task.id) == task
    assert await store.get(Event, "unknown") is None
    assert unfiled(db) == 19
    assert await store.get(Task, came[15][1].id) == came[15][1]
    assert unfiled(db) == 18
    with pytest.raises(Conflict, match=event.id):  # known though its row is gone and older ones are not
        await store.apply(*writes)
    assert unfiled(db) == 18
    assert len((await store.find(Event, Query(limit=100))).records) == 20


async def test_the_first_of_two_events_with_one_task_wins_in_whatever_order_they_are_asked_for(
    store: SqliteStore,
) -> None:
    first, second = a_task(id="one", error="first"), a_task(id="one", error="second")
    (_, _, between), before, after = an_arrival(), an_event(), an_event()
    await store.apply(Insert(before), InsertIfAbsent(first))
    await store.apply(*between)
    await store.apply(Insert(after), InsertIfAbsent(second))
    assert await store.get(Event, after.id) == after
    assert await store.get(Task, "one") == first


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


def test_a_power_failure_may_undo_filing_and_nothing_else(path: Path, tmp_path: Path) -> None:
    """Filing is not synced: whatever part of it reached the disk, every event is there once, and known."""
    with closing(connect(path, busy_seconds=5)) as db:
        came = [logged_event_of(an_arrival()[2], NOW) for _ in range(20)]
        arrivals = [item for item in came if item]
        assert db.event_log.append(db, arrivals)
        log = path.with_name(path.name + "-wal")
        synced = log.stat().st_size
        assert group_commit.file_or_shrink(db)
        assert db.execute("pragma synchronous").fetchone() == (FULL,)
        left = set[int]()
        for size in range(synced, log.stat().st_size + 1, FRAME):
            copy = tmp_path / f"{size}.db"
            copy.write_bytes(path.read_bytes())
            copy.with_name(copy.name + "-wal").write_bytes(log.read_bytes()[:size])
            with closing(connect(copy, busy_seconds=5)) as after, transaction(after):
                left.add(unfiled(after))
                after.event_log.sync(after)
                assert all(isinstance(item, Conflict) for item in after.event_log.keep(after, arrivals))
                after.event_log.file(after)
                counts = "select (select count(*) from event), (select count(*) from task)"
                assert after.execute(counts).fetchone() == (20, 20)
        assert left == {20, 0}


def test_after_a_failure_in_filing_the_next_commit_is_synced(path: Path) -> None:
    with closing(connect(path, busy_seconds=5)) as db:
        with pytest.raises(ZeroDivisionError), without_sync(db):
            assert db.execute("pragma synchronous").fetchone() == (NORMAL,)
            _ = 1 / 0
        assert db.execute("pragma synchronous").fetchone() == (FULL,)


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
