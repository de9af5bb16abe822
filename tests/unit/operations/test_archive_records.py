"""Records are archived before they are removed: one file for each document, whole, and never too late."""

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from handlers.destinations.folder import Folder
from receiver.config import parse
from receiver.core.change import Replace
from receiver.core.document import Document
from receiver.core.errors import DestinationBusy, NotFound
from receiver.core.plan import Target
from receiver.core.retention import DAY
from receiver.operations import expired_records
from receiver.operations.check_config import check_config
from receiver.operations.document_report import document_report
from receiver.operations.document_search import documents_called
from receiver.operations.expired_content import delete_content
from receiver.operations.expired_records import delete_records
from receiver.operations.retention import apply_retention
from tests.builders import a_document
from tests.in_memory_app import TABLE, InMemoryApp
from tests.unit.operations.test_expired_records import dying

pytestmark = pytest.mark.anyio
YEAR = 366 * DAY


class Keeper(Folder):
    """A folder that may not answer."""

    broken = False

    async def keep(self, target: Target, name: str, content: bytes) -> str:
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
