"""What processes that were killed left half-done is removed, and never what somebody is at."""

import os
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from handlers.destinations.folder import FOLDERS_AT_ONCE, SEARCH_EVERY, Folder
from handlers.functions import application
from receiver.core.plan import Target
from receiver.flow.leftovers import UNTOUCHED, clear_leftovers
from receiver.flow.retention import tidy
from receiver.flow.scratch import scratch
from receiver.settings import Settings
from tests.desk import Desk

pytestmark = pytest.mark.anyio


def left(desk: Desk, path: Path, *, seconds_ago: float = UNTOUCHED + 1) -> Path:
    """A file that was last written to so long ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"half a letter")
    os.utime(path, (desk.now - seconds_ago,) * 2)
    return path


def delivering_to(desk: Desk, folder: Path) -> Folder:
    """The desk with this folder as a place for invoices."""
    desk.use(
        f"""\
classify: {{rules: [{{type: invoice, description: "an invoice"}}]}}
routes: [{{type: invoice, to: "folder://{folder}/{{yyyy}}/{{mm}}/{{document_id}}/{{filename}}"}}]
no_match: {{review: true}}
low_confidence: {{review: true}}
failed: {{review: true}}
"""
    )
    destination = Folder()
    desk.tools = replace(desk.tools, destinations={**desk.tools.destinations, "folder": destination})
    return destination


async def test_uploads_that_were_cut_off_leave_the_spool_after_a_day(desk: Desk) -> None:
    old = left(desk, desk.folder / "spool" / ".new-dead")
    at_work = left(desk, desk.folder / "spool" / ".new-alive", seconds_ago=UNTOUCHED - 60)
    taken = await desk.take_in()
    assert (await tidy(desk.tools)).leftovers == 1
    assert (old.exists(), at_work.exists()) == (False, True)
    assert (await desk.tools.content(taken.document)).size == taken.document.size


async def test_half_deliveries_leave_a_folder_wherever_they_lie(desk: Desk, tmp_path: Path) -> None:
    mail = tmp_path / "mail"
    delivering_to(desk, mail)
    dead = [left(desk, mail / where / ".mailroom-1a2b.part") for where in (".", "2027/01", "2027/01/doc-1")]
    at_work = left(desk, mail / "2027" / ".mailroom-3c4d.part", seconds_ago=60)
    theirs = [left(desk, mail / name) for name in ("letter.pdf", "letter.pdf.part", ".hidden", "x.mailroom-1.part")]
    assert (await tidy(desk.tools)).leftovers == len(dead)
    assert not any(path.exists() for path in dead)
    assert at_work.exists()
    assert all(path.exists() for path in theirs)


async def test_a_large_folder_is_searched_bit_by_bit_and_then_again(desk: Desk, tmp_path: Path) -> None:
    folder = delivering_to(desk, tmp_path)
    dead = [left(desk, tmp_path / f"{n:05}" / ".mailroom-1.part") for n in range(FOLDERS_AT_ONCE + 10)]
    first = await clear_leftovers(desk.tools)
    assert 0 < first < len(dead)
    assert first + await clear_leftovers(desk.tools) == len(dead)
    again = left(desk, tmp_path / "00007" / ".mailroom-2.part")
    assert await clear_leftovers(desk.tools) == 0
    desk.later(SEARCH_EVERY + 1)
    assert await clear_leftovers(desk.tools) + await clear_leftovers(desk.tools) == 1
    assert not again.exists()
    assert await folder.clear_leftovers(Target(url=f"folder://{tmp_path}/nowhere/"), before=desk.now) == 0


def a_process_that_is_gone() -> int:
    with subprocess.Popen(["true"]) as process:
        return process.pid


async def test_a_packet_of_a_dead_process_leaves_the_disk(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(desk.folder))
    gone = f"mailroom-scratch-{a_process_that_is_gone()}-"
    names = (gone, gone, "somebody-")
    dead, young, theirs = (Path(tempfile.mkdtemp(prefix=name)) for name in names)
    (dead / "packet.pdf").write_bytes(b"%PDF")
    with scratch() as at_work:
        for folder, seconds_ago in ((dead, UNTOUCHED + 1), (young, 60), (theirs, UNTOUCHED + 1), (at_work, 1e6)):
            os.utime(folder, (desk.now - seconds_ago,) * 2)
        assert await clear_leftovers(desk.tools) == 1
        assert [folder.exists() for folder in (dead, young, theirs, at_work)] == [False, True, True, True]


def test_a_function_that_starts_has_the_disk_for_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lambda starts one whose time ran out anew in the same place; its process may even have the same number."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with scratch() as left_behind:
        (left_behind / "packet.pdf").write_bytes(b"%PDF")
        monkeypatch.setattr(application, "load_app", lambda settings: settings)
        application.build(Settings())
        assert left_behind.exists()
        monkeypatch.setenv("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001")
        application.build(Settings())
        assert not left_behind.exists()
