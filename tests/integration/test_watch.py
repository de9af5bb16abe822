"""A watched folder: whole files are taken in once and moved away, unfinished ones are left alone."""

import asyncio
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from io import BufferedReader
from pathlib import Path

import msgspec
import pytest

from receiver.bootstrap import App
from receiver.cli import watch as watching_module
from receiver.cli.inbox import Inbox, being_written
from receiver.cli.submit import take_in_file
from receiver.cli.watch import look, refuse_loops
from receiver.config import parse
from receiver.core.errors import Misconfigured, StoreBusy
from receiver.core.plan import Target
from receiver.core.route import Fallback
from receiver.pipeline.ingest_file import IngestedFile, RefusedFile
from tests.e2e.test_main_job import ROOT, environment
from tests.receivers import TABLE as RECEIVER_TABLE
from tests.receivers import an_app

PDF = b"%PDF-1.7 a letter"


@pytest.fixture
def inbox(tmp_path: Path) -> Inbox:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return Inbox(folder, settle_seconds=2.0)


def put(inbox: Inbox, name: str, content: bytes = PDF) -> Path:
    path = inbox.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def put_away(inbox: Inbox, path: Path, arrived: IngestedFile | None = None) -> Path:
    return inbox.put_away(path, arrived or IngestedFile(), path.stat())


def test_a_file_is_whole_once_it_has_not_changed_for_a_while(inbox: Inbox) -> None:
    path = put(inbox, "letter.pdf")
    assert list(inbox.whole(now=0)) == []
    assert list(inbox.whole(now=1)) == []
    path.write_bytes(PDF + b" and more")
    assert list(inbox.whole(now=2)) == []
    assert list(inbox.whole(now=4)) == [path]


def test_a_file_that_is_open_for_writing_is_not_whole(inbox: Inbox) -> None:
    path = put(inbox, "letter.pdf")
    with path.open("rb") as file:
        with path.open("ab"):
            assert being_written(file) == (sys.platform == "linux")
        assert not being_written(file)


def test_hidden_and_unfinished_files_are_left_alone(inbox: Inbox) -> None:
    for name in (
        ".hidden.pdf",
        "~$letter.docx",
        "scan.pdf.part",
        "a.TMP",
        "done/old.pdf",
        "failed/bad.pdf",
        "Thumbs.db",
    ):
        put(inbox, name)
    path = put(inbox, "sub/letter.pdf")
    assert inbox.waiting() == [path]


def test_what_is_no_file_stays_where_it_is(inbox: Inbox) -> None:
    (inbox.folder / "folder").mkdir()
    assert inbox.waiting() == []


def test_files_under_packets_are_packets(inbox: Inbox) -> None:
    assert inbox.is_packet(put(inbox, "packets/morning.pdf"))
    assert not inbox.is_packet(put(inbox, "letter.pdf"))


def test_nothing_in_done_is_overwritten(inbox: Inbox) -> None:
    for number in range(3):
        put_away(inbox, put(inbox, "letter.pdf", b"%d" % number))
    assert {path.name: path.read_bytes() for path in (inbox.folder / "done").iterdir()} == {
        "letter.pdf": b"0", "letter (2).pdf": b"1", "letter (3).pdf": b"2",
    }  # fmt: skip


def test_the_reason_lies_beside_a_refused_file(inbox: Inbox) -> None:
    moved = put_away(inbox, put(inbox, "a.zip"), IngestedFile(refused=(RefusedFile("a.zip", "is an archive"),)))
    assert moved == inbox.folder / "failed" / "a.zip"
    assert (inbox.folder / "failed" / "a.zip.reason.txt").read_text() == "a.zip: is an archive\n"


@pytest.mark.parametrize("name", ["é" * 125 + ".pdf", "x" * 255, "a" * 251 + ".zip"])
def test_the_longest_names_find_their_place_whatever_lies_there(inbox: Inbox, name: str) -> None:
    refused = IngestedFile(refused=(RefusedFile(name, "is an archive"),))
    moved = [
        put_away(inbox, put(inbox, name), arrived) for arrived in (IngestedFile(), IngestedFile(), refused, refused)
    ]
    assert len(set(moved)) == 4
    assert all(path.exists() and len(os.fsencode(path.name)) <= 255 for path in moved)
    reasons = [path.read_text() for path in (inbox.folder / "failed").iterdir() if path.name.endswith(".reason.txt")]
    assert reasons == [f"{name}: is an archive\n"] * 2


def test_a_name_that_is_not_utf8_finds_its_place(inbox: Inbox) -> None:
    path = put(inbox, os.fsdecode(b"r\xe9sum\xe9.pdf"))
    moved = put_away(inbox, path, IngestedFile(refused=(RefusedFile(path.name, "is empty"),)))
    assert os.fsencode(moved.name) == b"r\xe9sum\xe9.pdf"


@pytest.mark.parametrize(
    "name",
    [
        "@eaDir/letter.pdf",
        "#recycle/letter.pdf",
        "scan.pdf.download",
        "letter.pdf.!sync",
        "letter.pdf~",
        ".~lock.a.odt#",
    ],
)
def test_what_storage_boxes_editors_and_downloads_leave_is_left_alone(inbox: Inbox, name: str) -> None:
    put(inbox, name)
    assert inbox.waiting() == []
    assert Inbox(inbox.folder, ignore=("nothing",)).waiting() == ([] if name.startswith(".") else [inbox.folder / name])


@pytest.fixture
def app(tmp_path: Path) -> App:
    return an_app(tmp_path)


async def look_at(app: App, inbox: Inbox) -> None:
    """One look at files that have come to rest."""
    inbox.settle_seconds = 0.0
    for _ in range(2):
        await look(app, inbox, asyncio.Event())


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.getMessage().startswith("watch.")]


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    logging.getLogger("mailroom").propagate = True
    return caplog


@pytest.mark.anyio
async def test_a_link_is_left_where_it_is_and_told_of_once(
    app: App, inbox: Inbox, tmp_path: Path, told: pytest.LogCaptureFixture
) -> None:
    secret = tmp_path / "secret.pdf"
    secret.write_bytes(PDF)
    (inbox.folder / "link.pdf").symlink_to(secret)
    (inbox.folder / "folder").symlink_to(tmp_path)
    for _ in range(3):
        await look_at(app, inbox)
    assert lines(told) == ["watch.skipped", "watch.skipped"]
    assert (await app.context.store.tally()).received == 0
    (inbox.folder / "folder").unlink()
    inbox.follow_symlinks = True
    (inbox.folder / "link.pdf").unlink()
    (inbox.folder / "other.pdf").symlink_to(secret)
    await look_at(app, inbox)
    assert (await app.context.store.tally()).received == 1


@pytest.mark.anyio
async def test_a_trouble_is_told_once_and_its_file_rests(
    app: App, inbox: Inbox, told: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def busy(*arguments: object, **more: object) -> IngestedFile:
        raise StoreBusy("the disk is full")

    monkeypatch.setattr(watching_module, "take_in_file", busy)
    path = put(inbox, "letter.pdf")
    for _ in range(5):
        await look_at(app, inbox)
    assert lines(told) == ["watch.failed"]
    assert list(inbox.whole(now=time.monotonic())) == []
    assert list(inbox.whole(now=time.monotonic() + 120)) == [path]


@pytest.mark.anyio
async def test_a_file_that_brings_out_a_fault_of_ours_holds_no_other_up(
    app: App, inbox: Inbox, told: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fragile(app: App, path: Path, file: BufferedReader, *, packet: bool) -> IngestedFile:
        if path.name == "a.pdf":
            raise RuntimeError("a mistake of ours")
        return await take_in_file(app, path, file, packet=packet)

    monkeypatch.setattr(watching_module, "take_in_file", fragile)
    put(inbox, "a.pdf")
    put(inbox, "b.pdf")
    for _ in range(2):
        await look_at(app, inbox)
    assert lines(told) == ["watch.failed"]
    assert "a mistake of ours" in told.text
    assert [path.name for path in inbox.waiting()] == ["a.pdf"]


@pytest.mark.anyio
async def test_a_watcher_that_is_told_to_stop_finishes_the_files_in_hand_and_no_other(
    app: App, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = asyncio.Event()
    monkeypatch.setattr(watching_module, "AT_ONCE", 1)

    async def told_meanwhile(app: App, path: Path, file: BufferedReader, *, packet: bool) -> IngestedFile:
        stop.set()
        return await take_in_file(app, path, file, packet=packet)

    monkeypatch.setattr(watching_module, "take_in_file", told_meanwhile)
    for number in range(3):
        put(inbox, f"{number}.pdf", PDF + b"%d" % number)
    inbox.settle_seconds = 0.0
    for _ in range(2):
        await look(app, inbox, stop)
    assert [path.name for path in inbox.waiting()] == ["1.pdf", "2.pdf"]


@pytest.mark.anyio
async def test_files_with_one_name_that_are_moved_at_the_same_time_do_not_overwrite_each_other(
    app: App, inbox: Inbox
) -> None:
    names = ["letter.pdf", *(f"letter ({number}).pdf" for number in range(2, 12))]
    for round_ in (b"first", b"second"):
        for name in names:
            put(inbox, name, PDF + round_ + name.encode())
        await look_at(app, inbox)
    kept = {path.read_bytes() for path in (inbox.folder / "done").iterdir()}
    assert kept == {PDF + round_ + name.encode() for round_ in (b"first", b"second") for name in names}


@pytest.mark.anyio
async def test_two_watchers_of_one_folder_say_nothing_false(
    app: App, inbox: Inbox, told: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one takes the file away at the worst moments: before it is read, and after."""
    for number, before in enumerate((True, False)):
        path = put(inbox, f"{number}.pdf", PDF + b"%d" % number)

        async def robbed(
            app: App, path: Path, file: BufferedReader, *, packet: bool, before: bool = before
        ) -> IngestedFile:
            if before:
                await asyncio.to_thread(path.unlink)
            arrived = await take_in_file(app, path, file, packet=packet)
            if not before:
                await asyncio.to_thread(path.unlink)
            return arrived

        monkeypatch.setattr(watching_module, "take_in_file", robbed)
        await look_at(app, inbox)
        assert not path.exists()
    assert lines(told) == []
    assert not (inbox.folder / "failed").exists() or list((inbox.folder / "failed").rglob("*.txt")) == []


@pytest.mark.anyio
async def test_what_mailroom_delivered_into_the_folder_is_never_taken_in(
    app: App, inbox: Inbox, told: pytest.LogCaptureFixture
) -> None:
    put(inbox, "letter.pdf")
    put(inbox, "letter.pdf.mailroom.json", b'{\n  "delivery_id": "dlv_1",\n  "mailroom": 1\n}')
    put(inbox, "own.mailroom.json", b'{"somebody": "else\'s"}')
    for _ in range(2):
        await look_at(app, inbox)
    assert (await app.context.store.tally()).received == 1
    assert lines(told).count("watch.skipped") == 2


@pytest.mark.parametrize(
    ("to", "spool", "store"),
    [
        ("folder://{folder}/sorted/{{document_id}}/{{filename}}", "", "memory://"),
        ("folder:///elsewhere/", "folder://{folder}/spool", "memory://"),
        ("folder:///elsewhere/", "", "sqlite:///{folder}/mailroom.db"),
    ],
    ids=["destination", "spool", "store"],
)
def test_a_folder_that_would_feed_itself_is_not_watched(
    inbox: Inbox, tmp_path: Path, to: str, spool: str, store: str
) -> None:
    config = parse(RECEIVER_TABLE, {})
    table = replace(config.table, no_match=Fallback(to=(Target(url=to.format(folder=inbox.folder)),)))
    app = an_app(tmp_path)
    given = {"spool": spool.format(folder=inbox.folder), "store": store.format(folder=inbox.folder)}
    app = replace(
        app,
        settings=msgspec.structs.replace(app.settings, **given),
        context=replace(app.context, config=replace(config, table=table)),
    )
    with pytest.raises(Misconfigured, match="is inside"):
        refuse_loops(app, inbox.folder)
    refuse_loops(app, tmp_path / "another")


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, str]:
    return environment(
        LLAMA_CLOUD_API_KEY="llx-test",
        LLAMA_CLOUD_BASE_URL="http://127.0.0.1:9",  # nobody is there: submission is tried again by the worker
        MAILROOM_CONFIG=str(ROOT / "samples" / "mailroom.yaml"),
        MAILROOM_PUBLIC_URL="https://mail.example.com",
        MAILROOM_TOKEN_SECRETS="a-token-secret-for-watch",
        MAILROOM_STORE=f"sqlite:///{tmp_path}/mailroom.db",
    )


@pytest.fixture
def watching(inbox: Inbox, settings: dict[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "-m", "receiver", "watch", str(inbox.folder), "--settle", "0.2"]
    child = subprocess.Popen(command, cwd=ROOT, env=settings, stderr=subprocess.DEVNULL)
    yield child
    child.kill()
    child.wait()


def appears(path: Path) -> None:
    until = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < until, f"{path} never came"
        time.sleep(0.05)


@pytest.mark.slow
def test_what_appears_is_taken_in_and_moved(
    inbox: Inbox, watching: "subprocess.Popen[bytes]", settings: dict[str, str]
) -> None:
    put(inbox, "letter.pdf")
    put(inbox, "photos.zip", b"PK\x03\x04" + bytes(100))
    appears(inbox.folder / "done" / "letter.pdf")
    appears(inbox.folder / "failed" / "photos.zip.reason.txt")
    put(inbox, "later.pdf", b"%PDF-1.7 another")
    appears(inbox.folder / "done" / "later.pdf")
    os.kill(watching.pid, signal.SIGTERM)
    assert watching.wait(30) == 0
    listed = subprocess.run(
        [sys.executable, "-m", "receiver", "documents"], cwd=ROOT, env=settings, capture_output=True, text=True
    )
    assert sorted(name for name in ("letter.pdf", "later.pdf", "photos.zip") if name in listed.stdout) == [
        "later.pdf",
        "letter.pdf",
    ]
