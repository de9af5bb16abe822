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
from receiver.operations.retention import apply_retention
from receiver.operations.unfinished_files import UNTOUCHED, clear_leftovers
from receiver.pipeline.scratch import scratch
from receiver.settings import Settings
from tests.in_memory_app import InMemoryApp

pytestmark = pytest.mark.anyio


def left(app: InMemoryApp, path: Path, *, seconds_ago: float = UNTOUCHED + 1) -> Path:
    """A file that was last written to so long ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"half a letter")
    os.utime(path, (app.now - seconds_ago,) * 2)
    return path


def delivering_to(app: InMemoryApp, folder: Path) -> Folder:
    """The application, with this folder as a destination of invoices."""
    app.use(
        f"""\
classify: {{rules: [{{type: invoice, description: "an invoice"}}]}}
routes: [{{type: invoice, to: "folder://{folder}/{{yyyy}}/{{mm}}/{{document_id}}/{{filename}}"}}]
no_match: {{review: true}}
low_confidence: {{review: true}}
failed: {{review: true}}
"""
    )
    destination = Folder()
    app.context = replace(app.context, destinations={**app.context.destinations, "folder": destination})
    return destination


async def test_uploads_that_were_cut_off_leave_the_spool_after_a_day(app: InMemoryApp) -> None:
    old = left(app, app.folder / "spool" / ".new-dead")
    at_work = left(app, app.folder / "spool" / ".new-alive", seconds_ago=UNTOUCHED - 60)
    taken = await app.ingest()
    assert (await apply_retention(app.context)).leftovers == 1
    assert (old.exists(), at_work.exists()) == (False, True)
    assert (await app.context.content(taken.document)).size == taken.document.size


async def test_half_deliveries_leave_a_folder_wherever_they_lie(app: InMemoryApp, tmp_path: Path) -> None:
    mail = tmp_path / "mail"
    delivering_to(app, mail)
    dead = [left(app, mail / where / ".mailroom-1a2b.part") for where in (".", "2027/01", "2027/01/doc-1")]
    at_work = left(app, mail / "2027" / ".mailroom-3c4d.part", seconds_ago=60)
    theirs = [left(app, mail / name) for name in ("letter.pdf", "letter.pdf.part", ".hidden", "x.mailroom-1.part")]
    assert (await apply_retention(app.context)).leftovers == len(dead)
    assert not any(path.exists() for path in dead)
    assert at_work.exists()
    assert all(path.exists() for path in theirs)


async def test_a_large_folder_is_searched_bit_by_bit_and_then_again(app: InMemoryApp, tmp_path: Path) -> None:
    folder = delivering_to(app, tmp_path)
    dead = [left(app, tmp_path / f"{n:05}" / ".mailroom-1.part") for n in range(FOLDERS_AT_ONCE + 10)]
    first = await clear_leftovers(app.context)
    assert 0 < first < len(dead)
    assert first + await clear_leftovers(app.context) == len(dead)
    again = left(app, tmp_path / "00007" / ".mailroom-2.part")
    assert await clear_leftovers(app.context) == 0
    app.later(SEARCH_EVERY + 1)
    assert await clear_leftovers(app.context) + await clear_leftovers(app.context) == 1
    assert not again.exists()
    assert await folder.clear_leftovers(Target(url=f"folder://{tmp_path}/nowhere/"), before=app.now) == 0


def a_process_that_is_gone() -> int:
    with subprocess.Popen(["true"]) as process:
        return process.pid


async def test_a_packet_of_a_dead_process_leaves_the_disk(app: InMemoryApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(app.folder))
    gone = f"mailroom-scratch-{a_process_that_is_gone()}-"
    names = (gone, gone, "somebody-")
    dead, young, theirs = (Path(tempfile.mkdtemp(prefix=name)) for name in names)
    (dead / "packet.pdf").write_bytes(b"%PDF")
    with scratch() as at_work:
        for folder, seconds_ago in ((dead, UNTOUCHED + 1), (young, 60), (theirs, UNTOUCHED + 1), (at_work, 1e6)):
            os.utime(folder, (app.now - seconds_ago,) * 2)
        assert await clear_leftovers(app.context) == 1
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
