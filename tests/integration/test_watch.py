"""A watched folder: whole files are taken in once and moved away, unfinished ones are left alone."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from receiver.cli.watch import Inbox, being_written
from receiver.flow.arrive import Arrived, Refused
from tests.e2e.test_main_job import ROOT, environment

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


def test_a_file_is_whole_once_it_has_not_changed_for_a_while(inbox: Inbox) -> None:
    path = put(inbox, "letter.pdf")
    assert list(inbox.whole(now=0)) == []
    assert list(inbox.whole(now=1)) == []
    path.write_bytes(PDF + b" and more")
    assert list(inbox.whole(now=2)) == []
    assert list(inbox.whole(now=4)) == [path]


def test_a_file_that_is_open_for_writing_is_not_whole(inbox: Inbox) -> None:
    path = put(inbox, "letter.pdf")
    with path.open("ab"):
        assert being_written(path) == (sys.platform == "linux")
    assert not being_written(path)


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


def test_files_under_packets_are_packets(inbox: Inbox) -> None:
    assert inbox.is_packet(put(inbox, "packets/morning.pdf"))
    assert not inbox.is_packet(put(inbox, "letter.pdf"))


def test_nothing_in_done_is_overwritten(inbox: Inbox) -> None:
    for number in range(3):
        inbox.put_away(put(inbox, "letter.pdf", b"%d" % number), Arrived())
    assert {path.name: path.read_bytes() for path in (inbox.folder / "done").iterdir()} == {
        "letter.pdf": b"0", "letter (2).pdf": b"1", "letter (3).pdf": b"2",
    }  # fmt: skip


def test_the_reason_lies_beside_a_refused_file(inbox: Inbox) -> None:
    moved = inbox.put_away(put(inbox, "a.zip"), Arrived(refused=(Refused("a.zip", "is an archive"),)))
    assert moved == inbox.folder / "failed" / "a.zip"
    assert (inbox.folder / "failed" / "a.zip.reason.txt").read_text() == "a.zip: is an archive\n"


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
