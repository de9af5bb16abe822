"""What is forgotten leaves the disk: the file shrinks bit by bit while others go on writing."""

import asyncio
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from receiver.core.change import Delete, Insert, Query
from receiver.core.document import Document
from receiver.core.event import Event
from receiver.pipeline.records import every_record
from receiver.store.sqlite import free_space, migrations
from receiver.store.sqlite.connection import connect
from receiver.store.sqlite.store import SqliteStore
from tests.builders import NOW, a_document, a_flag, an_event

pytestmark = pytest.mark.anyio
PATIENCE = 120.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mailroom.db"


def pages(path: Path) -> tuple[int, int]:
    """All of the file's, and the free ones among them."""
    with closing(sqlite3.connect(path)) as db:
        return db.execute("pragma page_count").fetchone()[0], db.execute("pragma freelist_count").fetchone()[0]


def mode(path: Path) -> int:
    with closing(sqlite3.connect(path)) as db:
        return int(db.execute("pragma auto_vacuum").fetchone()[0])


async def filled(path: Path, *, megabytes: int = 12) -> SqliteStore:
    store = SqliteStore(path, lambda: NOW)
    one_kb = {"text": "x" * 1000}
    await asyncio.gather(*(store.apply(Insert(a_document(metadata=one_kb))) for _ in range(500 * megabytes)))
    return store


async def test_the_file_shrinks_while_others_write(path: Path) -> None:
    store = await filled(path)
    before, _ = pages(path)
    documents = [item async for item in every_record(Document, Query(limit=2000), store)]
    for start in range(0, len(documents), 500):
        await store.apply(*(Delete(item) for item in documents[start : start + 500]))
    end, written = time.monotonic() + PATIENCE, 0
    while pages(path)[1] > free_space.SPARE_PAGES + free_space.SOME_PAGES:
        await store.apply(Insert(a_flag(id=f"meanwhile-{written}")))
        written += 1
        await asyncio.sleep(0.05)
        assert time.monotonic() < end, pages(path)
    assert pages(path)[0] < before / 2
    await store.close()
    assert pages(path)[0] < before / 2


async def test_what_is_purged_makes_room_for_what_comes(path: Path) -> None:
    """A little free space is kept: giving it back and taking it again would be work for nothing."""
    store = SqliteStore(path, lambda: NOW)
    await asyncio.gather(*(store.apply(Insert(an_event(expires_at=NOW + 1))) for _ in range(500)))
    while await store.purge(now=NOW + 1):
        pass
    assert (await store.find(Event, Query())).records == []
    await store.close()
    assert 0 < pages(path)[1] <= free_space.SPARE_PAGES


def of_an_earlier_mailroom(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file as it was made before files could shrink."""
    earlier = migrations.steps()[:2]
    with monkeypatch.context() as patch:
        patch.setattr(free_space, "prepare_shrinking", lambda _: None)
        patch.setattr(free_space, "can_shrink", lambda _: False)
        patch.setattr(migrations, "steps", lambda: earlier)
        with closing(connect(path, busy_seconds=5)) as db:
            db.execute("insert into flag values ('before', 0, '{}')")
    assert mode(path) == 0


async def test_a_small_file_of_an_earlier_mailroom_is_made_able_to_shrink(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_an_earlier_mailroom(path, monkeypatch)
    store = SqliteStore(path)
    await store.ready()
    await store.close()
    assert mode(path) == 2
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("select id from flag").fetchall() == [("before",)]


async def test_a_large_one_is_left_for_a_backup_and_works_as_before(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_an_earlier_mailroom(path, monkeypatch)
    monkeypatch.setattr(free_space, "REWRITTEN_BYTES", 0)
    store = SqliteStore(path)
    await store.apply(Insert(a_flag()))
    await store.close()
    assert mode(path) == 0


async def test_one_that_another_process_works_on_is_left_until_the_next_start(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_an_earlier_mailroom(path, monkeypatch)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("begin immediate")
        with closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as db:
            assert free_space.can_shrink(db) is False
        other.execute("commit")
    connect(path, busy_seconds=1).close()
    assert mode(path) == 2
