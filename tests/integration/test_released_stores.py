"""A store of every released version opens, and nothing in it is lost: what those versions' own code wrote.

Each was made by running that release against the stand-in: one document delivered, one in review, one whose job was
still open. `scripts/release` refuses a version after one whose store is not here.
"""

import gzip
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import pytest

from receiver.core.change import Query
from receiver.core.document import Document, DocumentState
from receiver.core.event import Event
from receiver.core.job import Job
from receiver.core.task import Task
from receiver.store.backup import back_up, restore
from receiver.store.sqlite.store import SqliteStore
from tests.command_line import mailroom
from tests.processes import TABLE, working

R = TypeVar("R", Job, Event)
STORES = sorted((Path(__file__).parent.parent / "released_stores").iterdir())


@pytest.fixture(params=STORES, ids=[path.name for path in STORES])
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The store as that release left it: a packed file, or of the first release a dump."""
    path = tmp_path / "mailroom.db"
    if request.param.suffix == ".gz":
        path.write_bytes(gzip.decompress(request.param.read_bytes()))
        return path
    with closing(sqlite3.connect(path)) as db:
        db.executescript(request.param.read_text(encoding="utf-8"))
    return path


async def one(store: SqliteStore, kind: type[R], by: str, key: str) -> R:
    (record,) = (await store.find(kind, Query(by=by, key=key))).records
    assert isinstance(record, kind)
    return record


@pytest.mark.anyio
async def test_it_opens_with_all_its_records(file: Path) -> None:
    store = SqliteStore(file)
    await store.open()
    try:
        await store.ready()
        documents = (await store.find(Document, Query(by="all"))).records
        states = {item.name: item.state for item in documents}
        assert states == {
            "invoice.txt": DocumentState.ROUTED,
            "recipe.txt": DocumentState.REVIEW,
            "contract.txt": DocumentState.OPEN,
        }
        (routed,) = [item for item in documents if item.state is DocumentState.ROUTED]
        assert routed.effective is not None
        assert routed.effective.type == "invoice"
        assert [item.receipt is not None for item in routed.deliveries] == [True]
        jobs = [await one(store, Job, "document", item.id) for item in documents]
        ended = [job for job in jobs if job.overdue_at is None]
        assert len(ended) == 2
        assert {(await one(store, Event, "job", job.id)).type for job in ended} == {"classify.success"}
        assert (await store.find(Task, Query())).records
        tally = await store.tally()
        assert (tally.balanced, tally.received) == (True, 3)
    finally:
        await store.close()


def test_the_commands_show_it(file: Path) -> None:
    (file.parent / "mailroom.yaml").write_text(TABLE)
    listed = mailroom(file.parent, "documents", "--json", env=working())
    documents = json.loads(listed.out)["documents"]
    assert len(documents) == 3
    for item in documents:
        shown = mailroom(file.parent, "documents", item["document_id"], env=working())
        assert (shown.code, item["name"] in shown.out) == (0, True), shown


def test_a_backup_of_it_can_be_taken_and_restored(file: Path, tmp_path: Path) -> None:
    made = back_up(file, None, tmp_path / "backup", now=0.0)
    assert made.documents == 3
    (tmp_path / "new").mkdir()
    assert restore(tmp_path / "backup", tmp_path / "new" / "mailroom.db", None).documents == 3
