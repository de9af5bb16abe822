"""A file that cannot be worked on is refused at the start, each with what to do; a running process is told, too."""

import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from receiver.core.change import Insert, Query
from receiver.core.document import Document
from receiver.core.errors import Misconfigured, StoreBusy
from receiver.store.sqlite import integrity, migrations
from receiver.store.sqlite.connection import connect
from receiver.store.sqlite.store import SqliteStore
from tests.builders import a_document, a_flag


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mailroom.db"


async def filled(path: Path, documents: int = 400) -> None:
    store = SqliteStore(path)
    for number in range(documents):
        await store.apply(Insert(a_document(id=f"d{number}", metadata={"text": "x" * 2000})))
    await store.close()


def contents(path: Path) -> bytes:
    return path.read_bytes()


def damaged(path: Path) -> None:
    """Bytes in the middle are not what they were: a bad disk, a half copy."""
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2 // 4096 * 4096)
        file.write(os.urandom(40 * 4096))


def cut_off(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def overwritten(path: Path) -> None:
    path.write_bytes(b"<html>503 Service Unavailable</html>" * 100)


def newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"pragma user_version = {len(migrations.steps()) + 1}")


BROKEN = [
    (damaged, "is damaged", "mailroom restore"),
    (cut_off, "is damaged", "mailroom restore"),
    (overwritten, "is not a SQLite database", "MAILROOM_STORE"),
    (newer, "was written by a newer Mailroom (schema", "install that version again"),
]


@pytest.mark.anyio
@pytest.mark.parametrize(("breaking", "said", "fix"), BROKEN, ids=[item[0].__name__ for item in BROKEN])
async def test_it_is_refused_with_what_to_do_and_left_as_it_is(
    path: Path, breaking: Callable[[Path], None], said: str, fix: str
) -> None:
    await filled(path)
    breaking(path)
    before = contents(path)
    store = SqliteStore(path)
    with pytest.raises(Misconfigured) as refused:
        await store.open()
    await store.close()
    assert said in str(refused.value)
    assert str(path) in str(refused.value)
    assert fix in refused.value.fix
    assert contents(path) == before


@pytest.mark.anyio
async def test_a_sound_file_is_opened(path: Path) -> None:
    await filled(path)
    store = SqliteStore(path)
    await store.open()
    assert len((await store.find(Document, Query(limit=500))).records) == 400
    await store.close()


@pytest.mark.anyio
async def test_a_large_file_is_read_through_for_a_bounded_time(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await filled(path)
    monkeypatch.setattr(integrity, "CHECK_SECONDS", -1.0)
    monkeypatch.setattr(integrity, "STEPS_BETWEEN", 10)
    store = SqliteStore(path)
    begun = time.monotonic()
    await store.open()
    assert time.monotonic() - begun < 60
    await store.apply(Insert(a_flag()))
    await store.close()


@pytest.mark.anyio
async def test_what_goes_bad_while_we_run_is_told_with_what_to_do(path: Path) -> None:
    await filled(path)
    damaged(path)
    store = SqliteStore(path)
    with pytest.raises(StoreBusy, match="cannot work now: the file is damaged") as told:
        for number in range(400):
            await store.get(Document, f"d{number}")
    assert "mailroom restore" in told.value.fix
    await store.close()


def test_a_file_that_is_locked_or_not_there_is_no_reason_to_refuse(path: Path) -> None:
    integrity.refuse_strange(path)
    path.touch()
    integrity.refuse_strange(path)
    connect(path, busy_seconds=1).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("begin exclusive")
        integrity.refuse_strange(path)


OTHERS = {
    "another program's": ("create table bookmarks (url text)",),
    "another program's with a number like ours": ("create table bookmarks (url text)", "pragma user_version = 3"),
    "another program's with a number like a newer one's": ("create table places (x)", "pragma user_version = 75"),
    "one whose number was set back": ("create table document (x)", "create table task (x)", "pragma user_version = 0"),
    "one whose number is below none": (
        "create table document (x)",
        "create table task (x)",
        "pragma user_version = -3",
    ),
}


@pytest.mark.anyio
@pytest.mark.parametrize("statements", OTHERS.values(), ids=OTHERS)
async def test_a_database_of_something_else_is_refused_and_stays_as_it_is(
    path: Path, statements: tuple[str, ...]
) -> None:
    with closing(sqlite3.connect(path)) as db:
        for statement in statements:
            db.execute(statement)
        db.commit()
    before = contents(path)
    store = SqliteStore(path)
    with pytest.raises(Misconfigured, match="database of another application") as refused:
        await store.tally()
    await store.close()
    assert "MAILROOM_STORE" in refused.value.fix
    assert contents(path) == before
