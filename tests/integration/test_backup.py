"""A backup is taken while Mailroom works, holds what the copy of its store needs, and goes into an empty place only."""

import asyncio
import errno
import hashlib
import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from receiver.cli import backup as commands
from receiver.core.change import Insert, Query, Replace
from receiver.core.document import SETTLED, Document, DocumentState
from receiver.core.errors import MailroomError, Misconfigured
from receiver.core.flag import RESTORED, Flag
from receiver.operations.expired_content import delete_content
from receiver.pipeline.records import every_record
from receiver.store import backup, durable_files
from receiver.store.backup import SIGN, SPOOL, STORE, Backup, back_up, restore, verify_backup
from receiver.store.spool import FolderSpool
from receiver.store.sqlite import free_space, migrations
from receiver.store.sqlite.store import SqliteStore
from tests.builders import NOW, a_document, a_flag
from tests.in_memory_app import InMemoryApp
from tests.integration.test_durable_files import synced

pytestmark = pytest.mark.anyio
STATES = [DocumentState.OPEN, DocumentState.ROUTED, DocumentState.REVIEW, DocumentState.FAILED]


class Machine:
    """A store and a spool in a folder, with documents in every state."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.file = folder / "mailroom.db"
        self.spool = FolderSpool(folder / "spool")
        self.store = SqliteStore(self.file, lambda: NOW)

    async def ingest(self, name: str, state: DocumentState = DocumentState.OPEN) -> Document:
        content = f"%PDF-1.7 {name}".encode()
        source = self.file.with_name("source.pdf")
        source.write_bytes(content)
        at = await self.spool.keep(source, limit=1000, owner=lambda _: f"doc_{name}")
        document = a_document(
            id=f"doc_{name}", state=state, content=at.location, sha256=hashlib.sha256(content).hexdigest()
        )
        await self.store.apply(Insert(document))
        return document

    async def filled(self) -> "Machine":
        for number in range(12):
            await self.ingest(f"x{number}", STATES[number % 4])
        return self

    def back_up(self, to: Path) -> Backup:
        return back_up(self.file, self.spool, to, now=NOW)


@pytest.fixture
async def machine(tmp_path: Path):  # type: ignore[no-untyped-def]
    machine = await Machine(tmp_path / "here").filled()
    yield machine
    await machine.store.close()


async def all_documents(machine: Machine) -> dict[str, Document]:
    return {item.id: item async for item in every_record(Document, Query(limit=500), machine.store)}


async def test_what_is_restored_is_what_was_there(machine: Machine, tmp_path: Path) -> None:
    made = machine.back_up(tmp_path / "backup")
    assert (made.documents, made.files, made.missing, made.schema) == (12, 12, {}, len(migrations.steps()))
    other = Machine(tmp_path / "there")
    assert restore(tmp_path / "backup", other.file, other.spool) == made
    await other.store.open()
    assert await all_documents(other) == await all_documents(machine)
    assert await other.store.tally() == await machine.store.tally()
    assert await machine.store.get(Flag, RESTORED) is None
    assert await other.store.get(Flag, RESTORED) is not None
    for document in (await all_documents(other)).values():
        content = await other.spool.content(document)
        assert content.path is not None
        assert hashlib.sha256(content.path.read_bytes()).hexdigest() == document.sha256
    await other.store.close()


async def test_nobody_waits_for_it_and_it_is_of_one_moment(machine: Machine, tmp_path: Path) -> None:
    """Documents come in and are decided all the time: each in a copy has its bytes, and the totals balance."""
    came = asyncio.Event()

    async def work() -> None:
        for number in range(100_000):
            document = await machine.ingest(f"w{number}")
            await machine.store.apply(Replace(replace(document, state=STATES[number % 4])))
            came.set()

    working, copies = asyncio.create_task(work()), []
    for number in range(4):
        copies.append(await asyncio.to_thread(machine.back_up, tmp_path / f"backup-{number}"))
        came.clear()
        await asyncio.wait_for(came.wait(), timeout=60)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    assert copies[-1].documents > copies[0].documents >= 12
    for number, made in enumerate(copies):
        assert made.missing == {}
        other = Machine(tmp_path / f"there-{number}")
        restore(tmp_path / f"backup-{number}", other.file, other.spool)
        tally = await other.store.tally()
        assert (tally.balanced, tally.received) == (True, made.documents)
        await other.store.close()


async def test_bytes_that_were_forgotten_are_no_part_of_it(tmp_path: Path) -> None:
    app = InMemoryApp(tmp_path)
    app.store = SqliteStore(tmp_path / "mailroom.db", lambda: app.now)  # type: ignore[assignment]
    app.context = replace(app.context, store=app.store)
    for name in ("old.pdf", "older.pdf"):
        await app.routed("invoice", name=name)
    app.later(31 * 86400)
    await delete_content(app.context)
    young = await app.routed("invoice", name="young.pdf")
    made = back_up(tmp_path / "mailroom.db", FolderSpool(tmp_path / "spool"), tmp_path / "backup", now=app.now)
    assert (made.documents, made.files, made.missing, made.forgotten) == (3, 1, {}, [])
    names = [path.name for path in (tmp_path / "backup" / SPOOL).rglob("*") if path.is_file()]
    assert names == [young.content.removeprefix("spool:")]
    await app.store.close()


async def test_bytes_that_are_forgotten_meanwhile_are_no_fault(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = backup._copy_store
    documents = [item for item in (await all_documents(machine)).values() if item.state in SETTLED]

    def and_then_the_sweep(store: Path, to: Path) -> None:
        really(store, to)
        machine.spool.path_of(documents[0].content).unlink()
        with closing(sqlite3.connect(store)) as db, db:
            body = "json_set(body, '$.forgotten_at', 1.5)"
            db.execute(f"update document set body = {body} where id = ?", (documents[0].id,))  # noqa: S608

    monkeypatch.setattr(backup, "_copy_store", and_then_the_sweep)
    made = machine.back_up(tmp_path / "backup")
    assert (made.forgotten, made.missing, made.files) == ([documents[0].id], {}, 11)
    assert verify_backup(tmp_path / "backup") == made


async def test_bytes_that_were_lost_before_are_named_and_the_rest_is_saved(machine: Machine, tmp_path: Path) -> None:
    documents = list((await all_documents(machine)).values())
    machine.spool.path_of(documents[0].content).unlink()
    machine.spool.path_of(documents[1].content).write_bytes(b"%PDF-1.7 something else")
    made = machine.back_up(tmp_path / "backup")
    assert set(made.missing) == {documents[0].id, documents[1].id}
    assert made.missing[documents[0].id] == "its bytes cannot be read: No such file or directory"
    assert "other bytes" in made.missing[documents[1].id]
    other = Machine(tmp_path / "there")
    assert restore(tmp_path / "backup", other.file, other.spool).missing == made.missing
    await other.store.close()


async def test_files_that_documents_of_an_earlier_mailroom_share_are_one_in_it(
    machine: Machine, tmp_path: Path
) -> None:
    sha256 = hashlib.sha256(b"%PDF-1.7 shared").hexdigest()
    shared = machine.spool.path_of(f"spool:{sha256}")
    shared.parent.mkdir(exist_ok=True)
    shared.write_bytes(b"%PDF-1.7 shared")
    for _ in range(2):
        await machine.store.apply(Insert(a_document(content=f"spool:{sha256}", sha256=sha256)))
    assert machine.back_up(tmp_path / "backup").files == 13


async def test_it_is_durable_before_it_is_a_backup(machine: Machine, tmp_path: Path) -> None:
    with synced() as told:
        machine.back_up(tmp_path / "a" / "backup")
    folder = tmp_path / "a" / "backup"
    files = {path for path in folder.rglob("*") if path.is_file()}
    folders = {path for path in folder.rglob("*") if path.is_dir()}
    assert files | folders | {folder, tmp_path / "a", tmp_path} <= set(told)
    assert [path for path in told if path in files][-1] == folder / SIGN


async def test_a_large_file_of_an_earlier_mailroom_comes_back_able_to_shrink(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(free_space, "prepare_shrinking", lambda _: None)
        patch.setattr(free_space, "can_shrink", lambda _: False)
        machine = Machine(tmp_path / "here")
        await machine.store.apply(Insert(a_flag()))
        await machine.store.close()
    machine.back_up(tmp_path / "backup")
    modes = []
    for path in (machine.file, tmp_path / "backup" / STORE):
        with closing(sqlite3.connect(path)) as db:
            modes.append(db.execute("pragma auto_vacuum").fetchone()[0])
    assert modes == [0, 2]


# --- what is refused


def full(to: Path, machine: Machine) -> Path:
    to.mkdir()
    (to / "thesis.txt").write_text("years of work")
    return to


def in_the_spool(to: Path, machine: Machine) -> Path:
    return machine.spool.root / "backup"


def a_file(to: Path, machine: Machine) -> Path:
    to.write_text("x")
    return to


@pytest.mark.parametrize(
    ("place", "said"), [(full, "is not empty"), (in_the_spool, "is inside the spool"), (a_file, "is not empty")]
)
async def test_a_place_that_is_not_empty_is_left_alone(
    machine: Machine, tmp_path: Path, place: Callable[[Path, Machine], Path], said: str
) -> None:
    to = place(tmp_path / "backup", machine)
    before = everything(tmp_path)
    with pytest.raises(Misconfigured, match=said):
        machine.back_up(to)
    assert everything(tmp_path) == before


async def test_without_a_store_there_is_nothing_to_back_up(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="to back up"):
        back_up(tmp_path / "mailroom.db", FolderSpool(tmp_path / "spool"), tmp_path / "backup", now=NOW)
    assert everything(tmp_path) == []


def everything(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


@pytest.mark.parametrize("there", [False, True])
async def test_a_backup_that_breaks_off_leaves_nothing(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    to, really, copied = tmp_path / "backup", durable_files.sync_file, 0
    if there:
        to.mkdir()

    def full_disk(file: object) -> None:
        nonlocal copied
        copied += 1
        if copied == 5:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        really(file)  # type: ignore[arg-type]

    monkeypatch.setattr(durable_files, "sync_file", full_disk)
    with pytest.raises(MailroomError, match="No space left on device"):
        machine.back_up(to)
    assert to.exists() is there
    assert not there or list(to.iterdir()) == []


def flipped(folder: Path) -> None:
    file = next(path for path in (folder / SPOOL).rglob("*") if path.is_file())
    file.write_bytes(file.read_bytes()[:-1] + b"?")


def lacking(folder: Path) -> None:
    next(path for path in (folder / SPOOL).rglob("*") if path.is_file()).unlink()


def scratched(folder: Path) -> None:
    with (folder / STORE).open("r+b") as file:
        file.seek(8192)
        file.write(os.urandom(40_000))


def unfinished(folder: Path) -> None:
    (folder / SIGN).unlink()


def of_the_future(folder: Path) -> None:
    said = json.loads((folder / SIGN).read_text()) | {"schema": 999, "mailroom": "9.0"}
    (folder / SIGN).write_text(json.dumps(said))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (flipped, "is incomplete: the bytes of document doc_"),
        (lacking, "is incomplete: the bytes of document doc_"),
        (scratched, "is incomplete"),
        (unfinished, "is not a backup"),
        (of_the_future, r"is a backup of a newer Mailroom \(9\.0\)"),
    ],
)
async def test_a_backup_that_is_not_whole_is_not_restored(
    machine: Machine, tmp_path: Path, spoil: Callable[[Path], None], said: str
) -> None:
    machine.back_up(tmp_path / "backup")
    spoil(tmp_path / "backup")
    other = Machine(tmp_path / "there")
    with pytest.raises(Misconfigured, match=said):
        restore(tmp_path / "backup", other.file, other.spool)
    assert list((tmp_path / "there").iterdir()) == []


@pytest.mark.parametrize("name", ["mailroom.db", "mailroom.db-wal", "spool/ab/doc_ab.1234"])
async def test_nothing_is_overwritten(machine: Machine, tmp_path: Path, name: str) -> None:
    machine.back_up(tmp_path / "backup")
    other = Machine(tmp_path / "there")
    precious = tmp_path / "there" / name
    precious.parent.mkdir(parents=True, exist_ok=True)
    precious.write_bytes(b"precious")
    with pytest.raises(Misconfigured, match="into an empty location") as refused:
        restore(tmp_path / "backup", other.file, other.spool)
    assert "mv " in refused.value.fix
    assert [path for path in (tmp_path / "there").rglob("*") if path.is_file()] == [precious]
    assert precious.read_bytes() == b"precious"


async def test_a_restore_that_breaks_off_can_be_done_again(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.back_up(tmp_path / "backup")
    other, really, copied = Machine(tmp_path / "there"), durable_files.sync_file, 0

    def full_disk(file: object) -> None:
        nonlocal copied
        copied += 1
        if copied == 5:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        really(file)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(durable_files, "sync_file", full_disk)
        with pytest.raises(MailroomError, match="could not be restored"):
            restore(tmp_path / "backup", other.file, other.spool)
    assert [path for path in (tmp_path / "there").rglob("*") if path.is_file()] == []
    restore(tmp_path / "backup", other.file, other.spool)
    assert (await other.store.tally()).received == 12
    await other.store.close()


# --- the commands


def run(command: object, *arguments: str, **env: str) -> tuple[int, str, Exception | None]:
    done = CliRunner(env=env).invoke(command, arguments)  # type: ignore[arg-type]
    error = done.exception if isinstance(done.exception, MailroomError) else None
    return done.exit_code, done.output, error


async def test_the_commands_go_by_the_settings(machine: Machine, tmp_path: Path) -> None:
    here = {"MAILROOM_STORE": f"sqlite:///{machine.file}"}
    there = {"MAILROOM_STORE": f"sqlite:///{tmp_path}/there/m.db", "MAILROOM_SPOOL": f"folder://{tmp_path}/there/bytes"}
    (tmp_path / "there").mkdir()
    code, said, _ = await asyncio.to_thread(run, commands.backup, str(tmp_path / "backup"), **here)
    assert (code, said.splitlines()[0].startswith("12 documents, 12 files (0.0 MB): backed up to")) == (0, True)
    code, said, _ = await asyncio.to_thread(run, commands.restore, str(tmp_path / "backup"), "--json", **there)
    assert (code, json.loads(said)["files"]) == (0, 12)
    assert (tmp_path / "there" / "m.db").is_file()
    assert len([path for path in (tmp_path / "there" / "bytes").rglob("*") if path.is_file()]) == 12


async def test_missing_bytes_are_an_exit_code_too(machine: Machine, tmp_path: Path) -> None:
    shutil.rmtree(machine.spool.root)
    env = {"MAILROOM_STORE": f"sqlite:///{machine.file}"}
    code, said, _ = await asyncio.to_thread(run, commands.backup, str(tmp_path / "backup"), **env)
    assert (code, said.count("missing: document doc_x")) == (1, 12)


@pytest.mark.parametrize("command", [commands.backup, commands.restore])
@pytest.mark.parametrize(
    ("store", "instead"),
    [
        ("dynamodb://mailroom", "point-in-time recovery of the table"),
        ("memory://", "set MAILROOM_STORE to the SQLite file"),
    ],
)
def test_a_store_that_is_no_file_is_refused_with_what_to_do_instead(command: object, store: str, instead: str) -> None:
    _, _, error = run(command, "somewhere", MAILROOM_STORE=store)
    assert isinstance(error, Misconfigured)
    assert store in str(error)
    assert instead in error.fix


async def test_a_spool_in_a_bucket_is_left_to_its_versions(machine: Machine, tmp_path: Path) -> None:
    env = {"MAILROOM_STORE": f"sqlite:///{machine.file}", "MAILROOM_SPOOL": "s3://bucket/documents/"}
    code, said, _ = await asyncio.to_thread(run, commands.backup, str(tmp_path / "backup"), **env)
    assert (code, "no spool: its bucket keeps versions" in said) == (0, True)
    with pytest.raises(Misconfigured, match="was in a bucket, but MAILROOM_SPOOL is a folder"):
        restore(tmp_path / "backup", tmp_path / "m.db", FolderSpool(tmp_path / "bytes"))
    restore(tmp_path / "backup", tmp_path / "m.db", None)
