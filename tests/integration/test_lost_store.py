"""A store that was lost is not begun anew beside the documents it must know; a clean stop leaves it in one file."""

import json
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

import handlers.app
from receiver import bootstrap
from receiver.bootstrap import App
from receiver.cli.inbox import Inbox
from receiver.cli.running import refuse_strange_spool
from receiver.cli.submit import _submit
from receiver.cli.watch import _watch
from receiver.core.errors import AccessDenied, DestinationBusy, MailroomError, Misconfigured
from receiver.settings import Settings
from receiver.store.spool import FolderSpool
from receiver.store.sqlite.integrity import is_lost
from tests.processes import TABLE, free_port, ran, running, working
from tests.receivers import TABLE as ROUTES
from tests.receivers import an_app, settings_with

LETTER = b"%PDF-1.7 a letter"


async def letter() -> AsyncIterator[bytes]:
    yield LETTER


@pytest.fixture
async def settings(tmp_path: Path) -> Settings:
    """Of a mailroom whose spool holds a document."""
    (tmp_path / "mailroom.yaml").write_text(ROUTES)
    await FolderSpool(tmp_path / "spool").keep(letter(), limit=100, owner=lambda _: "doc_abcdef")
    return settings_with(store=f"sqlite:///{tmp_path}/mailroom.db", config=str(tmp_path / "mailroom.yaml"))


def removed(path: Path) -> None:
    path.unlink(missing_ok=True)


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def without_its_file(path: Path) -> None:
    """Only the log is left: a new file beside it would make it worthless."""
    path.with_name("mailroom.db-wal").write_bytes(b"x" * 5000)


@pytest.mark.anyio
@pytest.mark.parametrize("lose", [removed, emptied, without_its_file])
async def test_no_new_store_is_made_beside_a_full_spool(
    settings: Settings, tmp_path: Path, lose: Callable[[Path], None]
) -> None:
    lose(tmp_path / "mailroom.db")
    before = everything(tmp_path)
    with pytest.raises(Misconfigured, match=r"mailroom\.db is missing or empty, but the spool") as refused:
        handlers.app.build(settings)
    assert "mailroom restore FOLDER" in refused.value.fix
    assert f"mv {tmp_path}/spool {tmp_path}/spool.lost" in refused.value.fix
    with pytest.raises(Misconfigured, match="or it is empty"):
        bootstrap.existing_store(settings)  # nor do commands that read show empty books
    assert everything(tmp_path) == before


def everything(folder: Path) -> list[str]:
    return sorted(str(path) for path in folder.rglob("*"))


@pytest.mark.anyio
async def test_once_the_spool_is_aside_it_begins_anew(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "spool").rename(tmp_path / "spool.lost")
    async with handlers.app.build(settings).opened() as app:
        await app.context.store.open()
        await refuse_strange_spool(app)
        assert (await app.context.store.tally()).received == 0


def test_a_store_that_was_killed_young_is_no_lost_one(tmp_path: Path) -> None:
    """All that it holds is in its log then, and the file itself may be empty."""
    emptied(tmp_path / "mailroom.db")
    assert is_lost(tmp_path / "mailroom.db")
    (tmp_path / "mailroom.db-wal").write_bytes(b"")
    assert is_lost(tmp_path / "mailroom.db")
    (tmp_path / "mailroom.db-wal").write_bytes(b"x" * 5000)
    assert not is_lost(tmp_path / "mailroom.db")


def on_a_table(folder: Path) -> App:
    """An application with a store of its own that is none of SQLite's."""
    return replace(an_app(folder), settings=settings_with(store="dynamodb://table"))


@pytest.mark.anyio
async def test_a_spool_that_holds_another_stores_documents_is_not_served(tmp_path: Path) -> None:
    first, other = on_a_table(tmp_path), on_a_table(tmp_path)
    await refuse_strange_spool(first)
    with pytest.raises(Misconfigured, match="belongs to another store"):
        await refuse_strange_spool(other)  # empty as it is: what is put there could not be shown afterwards
    await first.context.spool.keep(letter(), limit=100, owner=lambda _: "doc_abcdef")
    await refuse_strange_spool(first)
    with pytest.raises(Misconfigured, match="belongs to another store than MAILROOM_STORE") as refused:
        await refuse_strange_spool(other)
    assert "MAILROOM_SPOOL" in refused.value.fix


@pytest.mark.anyio
@pytest.mark.parametrize("way", ["submit", "watch", "watch --once"])
async def test_nothing_is_taken_in_from_a_new_store_beside_the_spool_of_a_lost_one(tmp_path: Path, way: str) -> None:
    """What was taken in could not be shown: commands that read refuse such a store."""
    await refuse_strange_spool(on_a_table(tmp_path))
    other, inbox = on_a_table(tmp_path), Inbox(tmp_path / "inbox", settle_seconds=0.0)
    inbox.folder.mkdir()
    letter = inbox.folder / "letter.pdf"
    letter.write_bytes(LETTER)
    with pytest.raises(Misconfigured, match="belongs to another store"):
        if way == "submit":
            await _submit(other, [letter], packet=False, wait=False, quiet=True, followed=None)
        else:
            await _watch(other, inbox, once=way == "watch --once")
    assert (letter.exists(), (await other.context.store.tally()).received) == (True, 0)


@pytest.mark.anyio
@pytest.mark.parametrize("error", [DestinationBusy("S3 does not answer"), AccessDenied("s3:GetObject")])
async def test_a_spool_that_cannot_be_asked_is_no_reason_not_to_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: MailroomError
) -> None:
    """A receiver that takes no uploads has no business there."""
    app = on_a_table(tmp_path)

    async def away(installation: str) -> str:
        raise error

    monkeypatch.setattr(app.context.spool, "claim", away)
    await refuse_strange_spool(app)
    assert [record.message for record in caplog.records] == ["spool.unreadable"]


# --- as it is used


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mailroom.yaml").write_text(TABLE)
    return tmp_path


def upload(port: int, *names: str) -> None:
    token = {"authorization": f"Bearer {working()['MAILROOM_ADMIN_TOKEN']}"}
    files = [("files", (name, LETTER)) for name in names]
    answer = httpx.post(f"http://127.0.0.1:{port}/documents", files=files, headers=token)
    assert answer.status_code == 202, answer.text


def test_after_a_clean_stop_the_file_alone_is_the_whole_store_and_without_it_nothing_starts(folder: Path) -> None:
    operator = free_port()
    env = working(MAILROOM_OPERATOR_ADDRESS=f"127.0.0.1:{operator}")
    with (
        running(folder, "serve", "--no-worker", "--port", "0", env=env),
        running(folder, "worker", env=env, ready="worker.ready"),
    ):
        upload(operator, "1.pdf", "2.pdf", "3.pdf")
        assert (folder / "mailroom.db-wal").stat().st_size
    (folder / "copy").mkdir()
    shutil.copyfile(folder / "mailroom.db", folder / "copy" / "mailroom.db")
    listed = ran(folder, "documents", "--json", env=working(MAILROOM_STORE="sqlite:///copy/mailroom.db"))
    assert {item["name"] for item in json.loads(listed.out)["documents"]} == {"1.pdf", "2.pdf", "3.pdf"}
    (folder / "mailroom.db").unlink()
    done = ran(folder, "serve", "--port", "0", env=env)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("mailroom: mailroom.db is missing or empty, but the spool spool has documents")
    assert "\n  fix: put the file back, or restore the last backup" in done.err
    assert not (folder / "mailroom.db").exists()


def test_a_store_of_which_the_log_was_lost_shows_no_books_and_makes_no_good_backup(folder: Path) -> None:
    """What was committed first is there, and all that arrived after it is not."""
    operator = free_port()
    env = working(MAILROOM_OPERATOR_ADDRESS=f"127.0.0.1:{operator}")
    with running(folder, "serve", "--no-worker", "--port", "0", env=env):
        upload(operator, "1.pdf")
    assert ran(folder, "balance", env=env).code == 0
    (folder / "mailroom.db").unlink()
    with closing(sqlite3.connect(folder / "mailroom.db")) as db:
        db.execute("pragma journal_mode=wal")
    done = ran(folder, "balance", env=env)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("mailroom: the spool belongs to another store than MAILROOM_STORE=sqlite://")
    done = ran(folder, "backup", "copy", env=env)
    assert done.code == 1
    assert "the spool holds documents, but the store has none" in done.err
