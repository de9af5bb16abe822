"""Records are archived before they are removed: one file for each document, whole, and never too late."""

import gzip
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from handlers.destinations.folder import Folder
from receiver.config import parse
from receiver.core.change import Delete, Insert, Page, Query, Replace
from receiver.core.document import Document
from receiver.core.errors import DestinationBusy, NotFound
from receiver.core.event import Event
from receiver.core.plan import Target
from receiver.core.retention import DAY
from receiver.core.task import Task, TaskState
from receiver.operations import expired_records
from receiver.operations.check_config import check_config
from receiver.operations.document_report import document_report
from receiver.operations.document_search import documents_called
from receiver.operations.expired_content import delete_content
from receiver.operations.expired_records import delete_records
from receiver.operations.manual_routing import RoutingDecision, route_by_hand
from receiver.operations.retention import apply_retention
from receiver.pipeline.context import Context
from tests.builders import a_document
from tests.in_memory_app import TABLE, InMemoryApp
from tests.unit.operations.test_expired_records import dying

pytestmark = pytest.mark.anyio
YEAR = 366 * DAY


class Keeper(Folder):
    """A folder that may not answer."""

    broken = False
    meanwhile: Callable[[], Awaitable[None]] | None = None

    async def keep(self, target: Target, name: str, content: bytes) -> str:
        if self.meanwhile:
            await self.meanwhile()
        if self.broken:
            raise DestinationBusy("the archive does not answer")
        return await super().keep(target, name, content)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return tmp_path / "archive"


@pytest.fixture
def keeper() -> Keeper:
    return Keeper()


@pytest.fixture
def app(tmp_path: Path, archive: Path, keeper: Keeper) -> InMemoryApp:
    made = InMemoryApp(tmp_path, f"{TABLE}retention: {{documents_days: 365, archive: 'folder://{archive}/'}}\n")
    made.context = replace(made.context, destinations={**made.context.destinations, "folder": keeper})
    return made


def files(archive: Path) -> dict[str, dict[str, Any]]:
    """Document id -> its archived records."""
    found = [json.loads(gzip.decompress(path.read_bytes())) for path in sorted(archive.rglob("*.json.gz"))]
    return {item["document_id"]: item for item in found}


def contents(archive: Path, pattern: str = "*") -> dict[str, bytes]:
    """Name -> bytes of the files in the archive."""
    return {
        str(path.relative_to(archive)): path.read_bytes() for path in sorted(archive.rglob(pattern)) if path.is_file()
    }


async def test_the_file_has_all_that_was_on_record(app: InMemoryApp, archive: Path) -> None:
    document = await app.routed("invoice")
    app.later(YEAR)
    await delete_content(app.context)
    on_record = (await document_report(document.id, app.store)).on_record()
    assert (await apply_retention(app.context)).documents == 1
    assert await app.all(Document) == []
    archived = files(archive)[document.id]
    assert (archived.pop("schema"), archived.pop("archived_at")) == ("mailroom.records/1", app.now)
    assert archived == json.loads(json.dumps(on_record))
    assert archived["deliveries"]
    assert archived["jobs"]
    assert archived["history"]
    assert archived["plan"]["trace"]


async def test_the_file_has_all_jobs_also_beyond_those_that_the_api_shows(app: InMemoryApp, archive: Path) -> None:
    document = await app.routed("invoice")
    (job,) = await app.jobs(document)
    await app.store.apply(*(Insert(replace(job, id=f"job-again-{number}", version=0)) for number in range(220)))
    app.later(YEAR)
    assert (await apply_retention(app.context)).documents == 1
    assert len(files(archive)[document.id]["jobs"]) == 221


async def test_while_the_archive_does_not_answer_nothing_is_removed(
    app: InMemoryApp, archive: Path, keeper: Keeper
) -> None:
    documents = [await app.routed("invoice", name=f"{number}.pdf") for number in range(20)]
    app.later(YEAR)
    keeper.broken = True
    done = await apply_retention(app.context)
    assert (done.documents, done.troubles) == (0, ["the archive does not answer"])
    assert len(await app.all(Document)) == 20
    keeper.broken = False
    assert (await apply_retention(app.context)).documents == 20
    assert set(files(archive)) == {item.id for item in documents}


@pytest.mark.parametrize("crash", range(1, 4))
async def test_a_crash_between_archiving_and_removing_is_gone_on_with(
    app: InMemoryApp, archive: Path, monkeypatch: pytest.MonkeyPatch, crash: int
) -> None:
    documents = [await app.routed("invoice", name=f"{number}.pdf", batch_id="mail_1") for number in range(3)]
    app.later(YEAR)
    await delete_content(app.context)
    monkeypatch.setattr(expired_records, "_remove", dying(expired_records._remove, crash))
    with pytest.raises(RuntimeError, match="killed"):
        await delete_records(app.context)
    monkeypatch.undo()
    before = contents(archive)
    assert len(before) == 3, "all of the batch, before the first is removed"
    app.later(60)
    assert (await delete_records(app.context))[0] == 3 - (crash - 1)
    assert contents(archive) == before
    assert set(files(archive)) == {item.id for item in documents}


async def test_one_that_changed_since_it_was_archived_is_archived_again(
    app: InMemoryApp, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = await app.routed("invoice")
    app.later(YEAR)
    await delete_content(app.context)
    monkeypatch.setattr(expired_records, "_remove", dying(expired_records._remove, 1))
    with pytest.raises(RuntimeError, match="killed"):
        await delete_records(app.context)
    monkeypatch.undo()
    await app.store.apply(Replace((await app.document(document.id)).note(app.now, "looked at")))
    app.later(YEAR)
    assert (await delete_records(app.context))[0] == 1
    archived = [json.loads(gzip.decompress(content)) for content in contents(archive, f"{document.id}.v*.gz").values()]
    assert len(archived) == 2
    assert sorted(item["history"][-1]["what"] == "looked at" for item in archived) == [False, True]


async def test_a_document_that_comes_again_after_its_removal_is_archived_again(app: InMemoryApp, archive: Path) -> None:
    """Its id is the same, and its versions count from 0 again."""
    for lives in (1, 2, 3):
        document = await app.routed("invoice")
        app.later(YEAR)
        assert (await apply_retention(app.context)).documents == 1
        assert len(contents(archive, f"{document.id}.v*.json.gz")) == lives
        for event in await app.all(Event):  # LlamaCloud sends it anew, and it is known for 30 days only
            await app.store.apply(Delete(event))


async def test_one_that_is_opened_again_while_it_is_archived_keeps_its_tasks(app: InMemoryApp, keeper: Keeper) -> None:
    document = await app.routed("invoice")
    other = await app.routed("invoice", name="other.pdf", batch_id=document.batch_id)
    app.later(YEAR)
    await delete_content(app.context)

    async def corrects() -> None:
        keeper.meanwhile = None
        await route_by_hand(document.id, RoutingDecision(to="contract"), app.context)

    keeper.meanwhile = corrects
    assert (await delete_records(app.context))[0] == 0
    assert {item.id for item in await app.all(Document)} == {document.id, other.id}, "a batch goes together"
    waiting = [task for task in await app.all(Task) if task.state is TaskState.READY]
    assert {task.details["delivery_id"] for task in waiting if task.kind == "deliver"} == {
        item.id for item in (await app.document(document.id)).deliveries if not item.done
    }
    assert waiting


async def test_one_that_is_opened_again_just_before_its_removal_keeps_its_tasks(
    app: InMemoryApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = await app.routed("invoice")
    app.later(YEAR)
    await delete_content(app.context)
    checks = expired_records._require_unchanged

    async def checked_too_soon(batch: Sequence[Document], context: Context) -> None:
        await checks(batch, context)
        await route_by_hand(document.id, RoutingDecision(to="contract"), app.context)

    monkeypatch.setattr(expired_records, "_require_unchanged", checked_too_soon)
    assert (await delete_records(app.context))[0] == 0
    assert [task for task in await app.all(Task) if task.kind == "deliver" and task.state is TaskState.READY]


async def test_a_large_batch_is_read_as_often_as_a_small_one(app: InMemoryApp, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sweep on Lambda has 60 seconds: a packet of hundreds of pieces must not be read once for each of them."""
    document = await app.routed("invoice")
    for number in range(30):
        piece = replace(document, id=f"{document.id}{number}", parent_id=document.id, version=0)
        await app.store.apply(Insert(piece))
    app.later(YEAR)
    await delete_content(app.context)
    asked: list[str] = []
    find = app.store.find

    async def counted(kind: type[Any], query: Query) -> Page:
        asked.append(query.by)
        return await find(kind, query)

    monkeypatch.setattr(app.store, "find", counted)
    assert (await delete_records(app.context))[0] == 31
    assert asked.count("batch") == 2


async def test_a_removed_document_is_looked_for_in_the_archive(app: InMemoryApp, archive: Path) -> None:
    document = await app.routed("invoice")
    with pytest.raises(NotFound) as never:
        await document_report(a_document().id, app.store)
    assert "archive" not in never.value.fix
    app.later(YEAR)
    await apply_retention(app.context)
    for asked in (document_report(document.id, app.store), documents_called(document.id, app.store)):
        with pytest.raises(NotFound) as error:
            await asked
        assert "retention.archive" in error.value.fix
        pattern = f"{document.id[-2:]}/{document.id}.v*.json.gz"
        assert pattern in error.value.fix
        assert len(contents(archive, pattern)) == 1


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("words://records/", "cannot keep records"),
        ("ftp://records/", "cannot keep records"),
        ("folder:///archive", "does not end in a slash"),
        ("folder:///archive/{yyyy}/", "has fields"),
        ("folder:///spool/archive/", "is inside /spool"),
        ("folder:///inbox/", "is inside /inbox"),
        ("folder://archive/", "write folder:///absolute/path/"),
    ],
)
def test_a_place_that_cannot_be_an_archive_is_refused(app: InMemoryApp, url: str, why: str) -> None:
    config = parse(f"{TABLE}retention: {{documents_days: 365, archive: '{url}'}}\n", {})
    own, sources = {"MAILROOM_SPOOL": "folder:///spool/"}, ["/inbox"]
    found = check_config(config, app.context.destinations, adopted=False, own=own, sources=sources)
    (problem,) = [item for item in found if item.where == "retention.archive"]
    assert problem.severity == "error"
    assert why in problem.message
    assert config.line_of(problem)
