"""The search index in SQLite: how it follows, what it holds, and what a search may cost."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from receiver.core.change import Delete, Insert
from receiver.core.document import Classification, Document, DocumentState
from receiver.core.errors import Malformed
from receiver.core.search import parse_search
from receiver.ports import Store
from receiver.store import codec
from receiver.store.sqlite import connection, group_commit, indexed_search, migrations, search_index, store
from receiver.store.sqlite.connection import connect
from receiver.store.sqlite.store import SqliteStore
from receiver.store.sqlite.transaction import transaction
from tests.builders import NOW, a_document
from tests.contracts.store_searched import SEARCHES, expected, found_by, some_documents

pytestmark = pytest.mark.anyio


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mailroom.db"


@pytest.fixture
async def opened(path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(path, lambda: NOW)
    yield store
    await store.close()


def written_by_an_older_mailroom(path: Path, documents: list[Document], monkeypatch: pytest.MonkeyPatch) -> None:
    """A store at the step before this index."""
    with monkeypatch.context() as patch:
        earlier = migrations.steps()[:6]
        patch.setattr(migrations, "steps", lambda: earlier)
        patch.setattr(connection, "prepare_search", lambda _: False)
        with closing(connect(path, busy_seconds=5)) as db, transaction(db):
            for item in documents:
                db.execute(
                    "insert into document (id, version, batch_id, state, taken_in_at, type, body) "
                    "values (?, 0, ?, ?, ?, ?, ?)",
                    (item.id, item.batch_id, item.state, item.taken_in_at, item.type, codec.encode(item)),
                )


async def test_a_store_from_before_is_indexed_in_steps_newest_first_and_says_what_is_missing(
    path: Path, opened: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = some_documents()
    written_by_an_older_mailroom(path, documents, monkeypatch)
    monkeypatch.setattr(search_index, "SOME", 10)
    monkeypatch.setattr(store, "INDEX_STEPS", 1)
    with monkeypatch.context() as never_idle:
        never_idle.setattr(group_commit, "file_or_shrink", lambda _: True)
        left: list[int] = []
        while not left or left[-1]:
            page = await opened.search(parse_search("acme", now=NOW), limit=50)
            left.append(page.not_indexed)
            newest = expected("acme", documents)[: len(documents) - page.not_indexed]
            assert [item.id for item in page.records] == newest
    assert left == [30, 20, 10, 0]


async def test_a_store_from_before_is_indexed_while_nothing_else_is_to_do(
    path: Path, opened: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = some_documents()
    written_by_an_older_mailroom(path, documents, monkeypatch)
    monkeypatch.setattr(store, "INDEX_STEPS", 0)
    await opened.ready()  # any write wakes the writer, which then tidies
    for _ in range(10_000):
        page = await opened.search(parse_search("acme", now=NOW), limit=50)
        if not page.not_indexed:
            break
    assert [item.id for item in page.records] == expected("acme", documents)


async def test_what_a_process_without_this_index_changes_is_found_as_well(path: Path, opened: SqliteStore) -> None:
    document = a_document(name="before.pdf")
    await opened.apply(Insert(document))
    assert await found_by(opened, "before") == [document.id]
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("update document set body = replace(body, 'before.pdf', 'after.pdf'), version = 1")
    assert await found_by(opened, "before") == []
    assert await found_by(opened, "after") == [document.id]


async def test_of_a_document_that_is_removed_nothing_stays_in_the_index(path: Path, opened: SqliteStore) -> None:
    kept, gone = a_document(name="kept.pdf"), a_document(name="secret.pdf")
    await opened.apply(Insert(kept), Insert(gone))
    assert await found_by(opened, "pdf") == expected("", [kept, gone])
    await opened.apply(Delete(gone))
    assert await found_by(opened, "pdf") == [kept.id]
    await opened.close()
    with closing(sqlite3.connect(path)) as db:
        counts = [
            db.execute(f"select count(*) from {table}").fetchone()[0]  # noqa: S608
            for table in ("document_search", "document_words", "search_pending", "search_backfill")
        ]
        assert counts == [1, 1, 0, 0]
        assert db.execute("select rowid from document_words where document_words match '\"sec\"'").fetchall() == []
        db.execute("insert into document_words (document_words) values ('integrity-check')")


async def test_a_sqlite_without_full_text_search_finds_the_same(opened: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "prepare_search", lambda _: False)
    documents = some_documents()
    await opened.apply(*map(Insert, documents))
    for text in SEARCHES[::4]:
        assert await found_by(opened, text) == expected(text, documents), text


def test_whether_this_sqlite_can_keep_the_index_is_asked_and_not_assumed(path: Path) -> None:
    with closing(connect(path, busy_seconds=5)) as db:
        assert db.searches

        class Without(sqlite3.Connection):
            def execute(self, sql: str, *values: object) -> sqlite3.Cursor:
                if "document_words" in sql and "sqlite_master" not in sql:
                    raise sqlite3.OperationalError("no such module: fts5")
                return super().execute(sql, *values)  # type: ignore[arg-type]

        with closing(sqlite3.connect(path, factory=Without)) as without:
            assert search_index.prepare_search(without) is False


async def test_more_documents_of_one_moment_than_it_has_places_are_all_found(
    opened: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_index, "GROUP", 3)
    monkeypatch.setattr(indexed_search, "GROUP", 3)
    documents = [a_document(name=f"n{number}.pdf") for number in range(8)]
    await opened.apply(*map(Insert, documents))
    await opened.apply(Insert(a_document(id="later", name="later.pdf", taken_in_at=NOW + 10)))
    assert set(await found_by(opened, ".pdf", limit=100)) == {*(item.id for item in documents), "later"}


async def test_a_search_that_must_compare_texts_stops_and_says_how_far_it_looked(
    opened: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexed_search, "LOOKED_AT", 10)
    monkeypatch.setattr(indexed_search, "BATCH", 5)
    documents = some_documents()
    await opened.apply(*map(Insert, documents))
    oldest = documents[0]
    page = await opened.search(parse_search("-acme", now=NOW))
    assert (page.records, page.total, page.total_is_exact) == ([], 0, False)
    assert page.cursor is not None
    assert oldest.taken_in_at < (page.back_to or 0) < documents[-1].taken_in_at
    assert 10 <= page.looked_at <= 20
    assert await found_by(opened, "00") == expected("00", documents), "its cursor goes on"


async def test_a_search_that_takes_sqlite_too_long_is_refused_and_the_store_goes_on(
    opened: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = some_documents()
    await opened.apply(*map(Insert, documents))
    with monkeypatch.context() as slow:
        slow.setattr(indexed_search, "SECONDS", -1)
        slow.setattr(indexed_search, "STEPS_BETWEEN", 1)
        for text in ("harbour", "confidence:<0.5", "type:invoice acme"):
            with pytest.raises(Malformed, match="too many documents: add a date"):
                await opened.search(parse_search(text, now=NOW))
    assert await found_by(opened, "harbour") == expected("harbour", documents)


async def test_what_fits_is_counted_up_to_a_bound(opened: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexed_search, "COUNTED", 20)
    monkeypatch.setattr(indexed_search, "COUNTED_BY_SQL", 25)
    monkeypatch.setattr(indexed_search, "BATCH", 5)
    classification = Classification(type="invoice", confidence=0.5)
    for number in range(30):
        state = DocumentState.ROUTED if number % 2 else DocumentState.REVIEW
        one = a_document(name="a.pdf", taken_in_at=NOW + number, classification=classification, state=state)
        await opened.apply(Insert(one))
    counted = {}
    for text in ("a.pdf", "a.pdf state:review", "type:invoice", "state:review", "state:failed", "confidence:<0.4"):
        page = await opened.search(parse_search(text, now=NOW), limit=2)
        counted[text] = (page.total, page.total_is_exact)
    assert counted == {
        "a.pdf": (20, False),
        "a.pdf state:review": (15, True),
        "type:invoice": (25, False),
        "state:review": (15, True),
        "state:failed": (0, True),
        "confidence:<0.4": (0, True),
    }


@pytest.mark.parametrize(
    ("text", "index"),
    [("state:review", "search_state"), ("type:invoice state:review", "search_"), ("type:invoice", "search_type")],
)
def test_states_and_types_are_read_from_their_index_in_order(path: Path, text: str, index: str) -> None:
    narrowed = indexed_search._narrowed(parse_search(text, now=NOW), None)
    with closing(connect(path, busy_seconds=5)) as db:
        asked: list[str] = []
        db.set_trace_callback(asked.append)
        indexed_search._rows(narrowed, 1 << 62, 10, False, db)
        db.set_trace_callback(None)
        plan = "\n".join(row[3] for row in db.execute(f"explain query plan {asked[0]}"))
    assert f"INDEX {index}" in plan
    assert "TEMP B-TREE" not in plan


async def test_words_are_looked_up_unless_few_documents_are_to_be_compared(
    opened: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = some_documents()
    await opened.apply(*map(Insert, documents))
    for few in (0, 3, 2000):
        monkeypatch.setattr(indexed_search, "FEW", few)
        for text in ("harbour state:failed", "harbour type:invoice", "since:2027-01-15T08:00:00.2 pdf"):
            assert await found_by(opened, text) == expected(text, documents), (few, text)
