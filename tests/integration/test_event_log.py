"""What has just arrived: kept at once, filed later, and never seen to be unfiled by who asks the store."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from receiver.core.change import CheckOwner, Insert, InsertIfAbsent, Query, Record, Replace, Write, changed
from receiver.core.errors import Conflict
from receiver.core.event import Event
from receiver.core.task import Task, TaskState
from receiver.pipeline.records import every_record
from receiver.store.codec import decode
from receiver.store.sqlite import event_log, group_commit, writer_thread
from receiver.store.sqlite.connection import connect
from receiver.store.sqlite.encoded_change import encode_change
from receiver.store.sqlite.event_log import logged_event_of
from receiver.store.sqlite.statements import page_statement
from receiver.store.sqlite.store import SqliteStore
from receiver.store.sqlite.transaction import transaction, without_sync
from receiver.store.sqlite.unfiled_page import may_be_unfiled, merged_page
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
    assert unfiled(db) == 50
    assert await store.get(Task, task.id) == task
    assert len([event async for event in every_record(Event, Query(limit=20), store)]) == 50
    assert unfiled(db) == 0  # who reads on has them filed


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


@given(
    arrivals=st.lists(
        st.tuples(st.integers(0, 9), st.integers(0, 5), st.integers(0, 3), st.integers(0, 5), st.booleans()),
        max_size=15,
    ),
    newest_first=st.booleans(),
    limit=st.integers(1, 6),
    since=st.none() | st.integers(0, 5),
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
def test_a_page_is_the_same_before_and_after_filing(
    path: Path, arrivals: list[tuple[int, int, int, int, bool]], newest_first: bool, limit: int, since: int | None
) -> None:
    """The same task twice, in the log and in the table; ids and times that repeat."""
    with closing(connect(path, busy_seconds=5)) as db:
        db.execute("pragma synchronous = off")
        for table in ("event", "task", "arrival"):
            db.execute(f"delete from {table}")  # noqa: S608 - of the example before
        old = a_task(id="t-0", state=TaskState.DONE, expires_at=NOW - 1)
        group_commit.group_commit(db, [encode_change((Insert(old),), NOW - 2)])
        for event_no, task_no, job, at, filed in arrivals:
            when, subject = NOW + at + 0.123, f'd"{job}\\ü'
            event = an_event(id=f"e-{event_no}", job_id=subject, received_at=when)
            task = a_task(id=f"t-{task_no}", subject=subject, created_at=when, due_at=when)
            arrival = logged_event_of([Insert(event), InsertIfAbsent(task)], NOW)
            assert arrival is not None
            group_commit.group_commit(db, [[arrival]])
            if filed:
                group_commit.file_or_shrink(db)
        since_at = None if since is None else NOW + since
        asked: list[tuple[type[Record], Query]] = [
            (kind, Query(by=by, key=key, since=since_at, newest_first=newest_first, limit=limit))
            for kind, by, key in LISTED
        ]
        before = [_listed(kind, query, db) for kind, query in asked]
        with transaction(db):
            db.event_log.file(db)
        for (kind, query), rows in zip(asked, before, strict=True):
            sql, values = page_statement(kind, query, NOW)
            assert rows == [(decode(kind, body), *place) for body, *place in db.execute(sql, values).fetchall()]
            assert rows == _listed(kind, query, db)


LISTED: list[tuple[type[Record], str, str | None]] = [
    (Event, "all", None),
    (Event, "job", 'd"1\\ü'),
    (Task, "all", None),
    (Task, "state", TaskState.READY),
    (Task, "subject", 'd"1\\ü'),
    (Task, "claimable", None),
]


def _listed(kind: type[Record], query: Query, db: sqlite3.Connection) -> list[tuple[Record, float, str]]:
    assert may_be_unfiled(kind, query)
    return [(decode(kind, body), order, key) for body, order, key in merged_page(kind, query, NOW, db)]


async def test_an_id_with_a_zero_character_is_stored_and_listed(store: SqliteStore) -> None:
    event = an_event(job_id="a\0b")
    await store.apply(Insert(event), InsertIfAbsent(a_task(subject="a\0b")))
    assert (await store.find(Event, Query(by="job", key="a\0b"))).records == [event]
    assert len((await store.find(Task, Query(by="subject", key="a\0b"))).records) == 1


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
    assert len(await store.claim(owner="a", now=NOW, lease_seconds=60, limit=10)) == 3
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
