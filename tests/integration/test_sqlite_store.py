"""What is SQLite's alone: schema and growth, the use of indexes, the group commit, the sync before the answer."""

import asyncio
import json
import re
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from receiver.core.balance import Tally
from receiver.core.change import INDEXES, Insert, InsertIfAbsent, Query, Record, Replace, kind_of
from receiver.core.document import Document, DocumentState, HistoryEntry
from receiver.core.errors import Conflict, StoreBusy
from receiver.core.event import Event
from receiver.core.flag import Flag
from receiver.core.task import TaskState
from receiver.store import codec, listing
from receiver.store.sqlite import group_commit, migrations, statements
from receiver.store.sqlite import writer_thread as lane_module
from receiver.store.sqlite.connection import SqliteConnection, connect
from receiver.store.sqlite.store import SqliteStore
from receiver.store.sqlite.writer_thread import WriterThread
from tests.builders import NOW, a_document, a_flag, a_task, an_event

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]
LISTINGS = [(kind, name) for kind, indexes in INDEXES.items() for name in indexes]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mailroom.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(path)
    await store.open()
    yield store
    await store.close()


@pytest.fixture
def db(path: Path) -> Iterator[SqliteConnection]:
    with closing(connect(path, busy_seconds=5)) as db:
        yield db


# --- the schema


@pytest.mark.parametrize("kind", INDEXES, ids=kind_of)
def test_each_table_has_the_columns_that_its_indexes_name(db: SqliteConnection, kind: type[Record]) -> None:
    columns = [row[1] for row in db.execute(f"pragma table_info({kind_of(kind)})")]
    assert set(columns) == set(statements.TABLES[kind].columns)
    assert columns[:2] == ["id", "version"]


@pytest.mark.parametrize(("kind", "name"), LISTINGS, ids=lambda item: item if isinstance(item, str) else kind_of(item))
@pytest.mark.parametrize("later_page", [False, True])
@pytest.mark.parametrize("newest_first", [False, True])
def test_each_listing_reads_its_index_in_order(
    db: SqliteConnection, kind: type[Record], name: str, newest_first: bool, later_page: bool
) -> None:
    key = "k" if INDEXES[kind][name].key else None
    query = Query(by=name, key=key, since=NOW, until=NOW + 1, newest_first=newest_first, limit=1)
    if later_page:
        rows = [(a_flag(), NOW, "a"), (a_flag(), NOW, "b")]
        query = replace(query, cursor=listing.page_of(query, rows).cursor)
    sql, values = statements.page_statement(kind, query, NOW)
    plan = [row[3] for row in db.execute(f"explain query plan {sql}", values)]
    assert len(plan) == 1, plan
    assert plan[0].startswith(f"SEARCH {kind_of(kind)} USING INDEX {kind_of(kind)}_{name} "), plan


@pytest.mark.parametrize(
    ("sql", "values", "index"),
    [
        (statements.LANES, (), "task_lane"),
        (statements.CLAIMABLE, ("1 llamacloud", NOW, NOW, 1), "task_lane"),
        (statements.CLAIMABLE_OF, ("[]", NOW, NOW), "sqlite_autoindex_task_1"),
        (statements.TABLES[Event].purge, (NOW, 1), "event_expires"),
    ],
)
def test_claims_and_purges_read_the_index_meant_for_them(
    db: SqliteConnection, sql: str, values: tuple[Any, ...], index: str
) -> None:
    plan = "\n".join(row[3] for row in db.execute(f"explain query plan {sql}", values))
    assert f"INDEX {index}" in plan
    assert "SCAN task" not in plan


def test_the_tables_are_explained_to_who_opens_the_file(db: SqliteConnection) -> None:
    tables = {row[0] for row in db.execute("select name from sqlite_master where type = 'table'")}
    assert {item for item in tables if not item.startswith(("document_", "search_"))} == {
        *map(kind_of, INDEXES), "arrival", "sqlite_sequence", "tally", "forgotten", "pulse"
    }  # fmt: skip
    words = {f"document_words{part}" for part in ("", "_config", "_content", "_data", "_docsize", "_idx")}
    assert {item for item in tables if item.startswith(("document_", "search_"))} == {
        "document_search", "search_pending", "search_backfill", *words
    }  # fmt: skip
    comments = db.execute("select sql from sqlite_master where name = 'task'").fetchone()[0]
    assert "-- the document's id; for a reaction the job's" in comments


# --- growth


def test_schema_sql_is_the_schema_that_the_migrations_make(db: SqliteConnection) -> None:
    shown = (ROOT / "receiver/store/sqlite/schema.sql").read_text(encoding="utf-8")
    with closing(sqlite3.connect(":memory:")) as read:
        read.executescript(shown)
        assert _schema(read) == _schema(db)
    uncommented = re.sub(r"--.*", "", shown)
    assert set(re.findall(r"create table (\w+)", uncommented)) == {
        name for name, what in _schema(db).items() if isinstance(what, list)
    }


def _schema(db: sqlite3.Connection) -> dict[str, Any]:
    """The columns of each table in their order; each index and trigger as it was written, without its spaces.

    Left out are the tables that FTS5 makes for the texts.
    """
    found: dict[str, Any] = {}
    rows = db.execute("select type, name, sql from sqlite_master where sql is not null").fetchall()
    for kind, name, sql in [row for row in rows if not row[1].startswith(("document_words", "sqlite_"))]:
        columns = db.execute('select name, type, "notnull", dflt_value, pk from pragma_table_xinfo(?)', (name,))
        found[name] = columns.fetchall() if kind == "table" else " ".join(re.sub("--.*", "", sql).split())
    return found


async def test_fields_of_another_version_are_ignored_and_missing_ones_take_their_defaults(
    path: Path, store: SqliteStore
) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        body = '{"id": "e1", "type": "classify.success", "job_id": "j", "received_at": 5, "from_the_future": [1, {}]}'
        db.execute("insert into event values ('e1', 0, 'j', 5, null, ?)", (body,))
    assert await store.get(Event, "e1") == an_event(id="e1", job_id="j", received_at=5.0)


async def test_what_an_earlier_mailroom_settled_may_be_forgotten_too(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its documents have neither the columns nor the fields that this one goes by."""
    history = (HistoryEntry(at=NOW, what="taken in"), HistoryEntry(at=NOW + 7, what="delivered"))
    documents = [a_document(id=state, state=state, history=history) for state in DocumentState]
    documents.append(a_document(id="silent", state=DocumentState.ROUTED))
    earlier = migrations.steps()[:2]
    monkeypatch.setattr(migrations, "steps", lambda: earlier)
    columns = "id, version, batch_id, overdue_at, state, taken_in_at, type, body"
    with closing(connect(path, busy_seconds=5)) as db:
        for item in documents:
            body = json.loads(codec.encode(item))
            del body["forgotten_at"]
            values = (item.id, 0, item.batch_id, None, item.state, item.taken_in_at, None, json.dumps(body))
            db.execute(f"insert into document ({columns}) values (?, ?, ?, ?, ?, ?, ?, ?)", values)  # noqa: S608
    monkeypatch.undo()
    store = SqliteStore(path)
    found = (await store.find(Document, Query(by="forgettable", key="content", until=NOW + 8))).records
    assert {item.id: item.settled_at for item in found} == {"routed": NOW + 7, "failed": NOW + 7, "silent": NOW}
    assert found == sorted((item for item in documents if item.id in {"routed", "failed", "silent"}), key=_settled)
    await store.close()


def _settled(document: Document) -> tuple[float, str]:
    return document.settled_at or 0.0, document.id


def test_a_step_that_fails_leaves_the_file_at_the_step_before(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connect(path, busy_seconds=5).close()
    broken = (*migrations.steps(), "create table more (id text);\ninsert into nowhere values (1);\n")
    monkeypatch.setattr(migrations, "steps", lambda: broken)
    with pytest.raises(sqlite3.OperationalError, match="nowhere"):
        connect(path, busy_seconds=5)
    monkeypatch.undo()
    with closing(connect(path, busy_seconds=5)) as db:
        assert db.execute("pragma user_version").fetchone() == (len(migrations.steps()),)
        assert db.execute("select count(*) from sqlite_master where name = 'more'").fetchone() == (0,)


async def test_tasks_of_an_older_mailroom_are_claimed_before_and_after_the_step_to_lanes(
    path: Path, store: SqliteStore
) -> None:
    """They have no lane; an older process may go on writing such rows, and has running tasks in its index."""
    await store.apply(Insert(a_flag(id="file")))
    with closing(sqlite3.connect(path)) as db, db:
        for task in (a_task(id="old", due_at=NOW - 5), a_task(id="busy", state=TaskState.RUNNING, lease_until=NOW - 3)):
            columns = (task.id, 0, task.state, task.subject, NOW, task.due_at, NOW - 3, codec.encode(task))
            db.execute(
                "insert into task (id, version, state, subject, created_at, due_at, claimable_at, body) "
                "values (?, ?, ?, ?, ?, ?, ?, ?)",
                columns,
            )
    await store.apply(Insert(a_task(id="new", kind="deliver", due_at=NOW - 9)))
    claimed = await store.claim(owner="a", now=NOW, lease_seconds=60, limit=9)
    assert {task.id for task in claimed} == {"old", "new"}


async def test_a_new_step_is_taken_while_an_older_process_goes_on(
    path: Path, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.apply(Insert(a_flag(id="before")))
    more = (*migrations.steps(), "alter table flag add column colour text;\n")
    monkeypatch.setattr(migrations, "steps", lambda: more)
    with closing(connect(path, busy_seconds=5)) as db:
        assert db.execute("pragma user_version").fetchone() == (len(more),)
        assert db.execute("select id, colour from flag").fetchall() == [("before", None)]
    monkeypatch.undo()
    await store.apply(Insert(a_flag(id="old process")))
    assert await store.get(Flag, "old process") is not None


def test_many_that_start_on_a_new_file_at_the_same_moment_all_get_it(tmp_path: Path) -> None:
    start = threading.Barrier(4)

    def begin(path: Path) -> int:
        start.wait()
        with closing(connect(path, busy_seconds=30)) as db:
            return int(db.execute("select count(*) from tally").fetchone()[0])

    with ThreadPoolExecutor(4) as threads:
        for turn in range(5):
            assert list(threads.map(begin, [tmp_path / f"{turn}.db"] * 4)) == [5] * 4


def test_a_file_that_is_in_use_at_the_start_is_waited_for(path: Path) -> None:
    def journal() -> object:
        with closing(connect(path, busy_seconds=30)) as db:
            return db.execute("pragma journal_mode").fetchone()

    with closing(sqlite3.connect(path, isolation_level=None)) as other, ThreadPoolExecutor(1) as thread:
        other.execute("begin immediate")
        opening = thread.submit(journal)
        with pytest.raises(TimeoutError):
            opening.result(timeout=0.1)
        other.execute("commit")
        assert opening.result() == ("wal",)


async def test_a_closed_store_leaves_one_whole_file(path: Path, store: SqliteStore) -> None:
    await asyncio.gather(*(store.apply(Insert(a_flag())) for _ in range(20)))
    await store.close()
    assert [item.name for item in sorted(matching(path.parent, "*"))] == ["mailroom.db"]


def matching(folder: Path, pattern: str) -> list[Path]:
    return list(folder.glob(pattern))


# --- the group commit


INSERT = "insert into flag values (?, 0, '{}')"


def inserting(name: str) -> Callable[[sqlite3.Connection], int]:
    return lambda db: db.execute(INSERT, (name,)).rowcount


async def test_those_who_wait_together_share_one_commit(path: Path) -> None:
    batches: list[int] = []

    def counted(db: SqliteConnection, jobs: Sequence[group_commit.Job]) -> list[Any]:
        batches.append(len(jobs))
        return group_commit.group_commit(db, jobs)

    lane = WriterThread("test", partial(connect, path, busy_seconds=5), counted)
    told = await asyncio.gather(*(lane.do(inserting(str(number))) for number in range(64)))
    await lane.close()
    assert told == [1] * 64
    assert sum(batches) == 64
    assert len(batches) < 16


async def test_a_job_that_fails_half_done_is_undone_alone(path: Path) -> None:
    lane = WriterThread("test", partial(connect, path, busy_seconds=5), group_commit.group_commit)

    def half(db: sqlite3.Connection) -> None:
        db.execute(INSERT, ("half",))
        raise Conflict("flag", "half")

    def broken(db: sqlite3.Connection) -> None:
        db.execute(INSERT, ("broken",))
        db.execute(INSERT, (None,))

    whole = [lane.do(inserting(str(number))) for number in range(3)]
    told = await asyncio.gather(lane.do(half), lane.do(broken), *whole, return_exceptions=True)
    kept = await lane.do(lambda db: db.execute("select id from flag").fetchall())
    await lane.close()
    assert [type(item) for item in told] == [Conflict, sqlite3.IntegrityError, int, int, int]
    assert kept == [("0",), ("1",), ("2",)]


async def test_a_fault_that_nobody_thought_of_is_told_and_the_lane_goes_on(path: Path) -> None:
    faults = [RuntimeError("a bug")]

    def perform(db: SqliteConnection, jobs: Sequence[group_commit.Job]) -> list[Any]:
        if faults:
            raise faults.pop()
        return group_commit.group_commit(db, jobs)

    lane = WriterThread("test", partial(connect, path, busy_seconds=5), perform)
    with pytest.raises(StoreBusy, match="a bug"):
        await lane.do(inserting("first"))
    assert await lane.do(inserting("second")) == 1
    await lane.close()


@pytest.mark.parametrize("where", ["_weight", "_answer"])
async def test_a_fault_of_the_lane_itself_is_told_and_its_thread_goes_on(
    where: str, path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    inside = getattr(lane_module, where)
    faults: list[Exception] = []

    def failing(*given: Any) -> Any:
        if faults and threading.current_thread().name == "test":
            raise faults.pop()
        return inside(*given)

    monkeypatch.setattr(lane_module, where, failing)
    lane = WriterThread("test", partial(connect, path, busy_seconds=5), group_commit.group_commit)
    faults.append(MemoryError("no room"))
    with pytest.raises(StoreBusy, match="no room"):
        await asyncio.wait_for(lane.do(inserting("first")), 10)
    assert await asyncio.wait_for(lane.do(inserting("second")), 10) == 1
    await asyncio.wait_for(lane.close(), 10)
    assert [item.getMessage() for item in caplog.records if item.levelname == "ERROR"] == ["store.unhandled_exception"]


async def test_a_loop_that_is_gone_does_not_hurt_the_next(path: Path) -> None:
    store = SqliteStore(path)

    def ask_and_leave() -> None:
        async def ask() -> None:
            store._writer.do(inserting("nobody waits for it"))

        asyncio.run(ask())

    await asyncio.to_thread(ask_and_leave)
    await store.apply(Insert(a_flag(id="next")))
    assert await store.get(Flag, "next") is not None
    await store.close()


# --- durability


def test_every_commit_is_synced(db: SqliteConnection) -> None:
    assert db.execute("pragma journal_mode").fetchone() == ("wal",)
    assert db.execute("pragma synchronous").fetchone() == (2,)


ONE_CHANGE = """
import asyncio, os, sys
from pathlib import Path
from receiver.core.change import Insert
from receiver.store.sqlite.store import SqliteStore
from tests.builders import a_flag

async def main():
    store = SqliteStore(Path(sys.argv[1]))
    await store.ready()
    os.write(1, b"begin\\n")
    await store.apply(Insert(a_flag()))
    os.write(1, b"acknowledged\\n")
    await store.close()

asyncio.run(main())
"""


@pytest.mark.may_skip
def test_the_log_is_synced_before_the_answer(path: Path) -> None:
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed: the order of sync and answer cannot be seen")
    trace = path.with_suffix(".trace")
    watch = [strace, "-f", "-y", "-e", "trace=write,fsync,fdatasync", "-o", str(trace)]
    child = [sys.executable, "-c", ONE_CHANGE, str(path)]
    done = subprocess.run([*watch, *child], cwd=ROOT, capture_output=True, text=True)
    if "PTRACE" in done.stderr:
        pytest.skip(f"strace may not trace here: {done.stderr}")
    assert done.returncode == 0, done.stderr
    text = trace.read_text()
    between = text[text.index('"begin') : text.index('"acknowledged')]
    assert re.search(r"f(data)?sync\([^)]*-wal", between), between


# --- the books


async def test_a_document_that_vanishes_from_the_table_shows_in_the_books(path: Path, store: SqliteStore) -> None:
    await store.apply(*(Insert(a_document(id=f"d{number}")) for number in range(3)))
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("delete from document where id = 'd1'")
    tally = await store.tally()
    assert tally == Tally(received=3, open=2)
    assert not tally.balanced


async def test_records_that_another_process_wrote_are_seen(path: Path, store: SqliteStore) -> None:
    other = SqliteStore(path)
    document = a_document()
    await other.apply(Insert(document), InsertIfAbsent(a_task(subject=document.id)))
    assert await store.get(Document, document.id) == document
    await store.apply(Replace(replace(document, state=DocumentState.ROUTED)))
    with pytest.raises(Conflict):
        await other.apply(Replace(document))
    assert await other.tally() == Tally(received=1, routed=1)
    await other.close()
