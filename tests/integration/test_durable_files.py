"""What is told to be kept or delivered is there after a power cut: bytes, names, and every folder on the way.

``os.fsync`` is listened to: what it was called for is the truth about durability that can be had without a power cut.
"""

import asyncio
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.destinations.folder import Folder
from receiver.core.errors import DestinationBusy
from receiver.store.durable_files import Folders
from receiver.store.spool import FolderSpool
from tests.delivery_requests import a_delivery_request

ROOT = Path(__file__).parents[2]
LETTER = b"%PDF-1.7 a letter"
LEVELS = st.lists(st.sampled_from(["a", "b", "über"]), max_size=5)


async def deliver(place: Path) -> None:
    await Folder().deliver(a_delivery_request(f"folder://{place}/letter.pdf", LETTER, template=f"folder://{place}/"))


async def keep(place: Path) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield LETTER

    await FolderSpool(place).keep(chunks(), limit=100, owner=lambda _: "doc_abc")


WRITERS: list[Callable[[Path], Awaitable[None]]] = [deliver, keep]


@contextmanager
def synced() -> Iterator[list[Path]]:
    """The files and folders that are synced in the block, in this order."""
    told: list[Path] = []
    really = os.fsync

    def listening(descriptor: int) -> None:
        told.append(Path(f"/proc/self/fd/{descriptor}").readlink())
        really(descriptor)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", listening)
        yield told


def folders_to(top: Path) -> list[Path]:
    """Every folder from ``top`` down that leads to a file."""
    inside = [path.parent for path in top.rglob("*") if path.is_file()]
    return [folder for item in inside for folder in (item, *item.parents) if folder.is_relative_to(top)]


@pytest.mark.parametrize("write", WRITERS)
@settings(max_examples=30)
@given(there=LEVELS, new=LEVELS)
def test_every_level_is_synced_whoever_made_it(
    write: Callable[[Path], Awaitable[None]], there: list[str], new: list[str]
) -> None:
    with tempfile.TemporaryDirectory() as folder, synced() as told:
        top = Path(folder).resolve()
        top.joinpath(*there).mkdir(parents=True, exist_ok=True)  # a process made these, and died before it synced
        place = top.joinpath(*there, *new)
        asyncio.run(write(place))  # type: ignore[arg-type]
        assert folders_to(top)
        assert {*folders_to(top), top.parent} <= set(told)


@pytest.mark.anyio
@pytest.mark.parametrize("write", WRITERS)
async def test_the_names_are_synced_after_the_bytes(write: Callable[[Path], Awaitable[None]], tmp_path: Path) -> None:
    with synced() as told:
        await write(tmp_path / "new")
    folder = max(folders_to(tmp_path), key=lambda item: len(item.parts))
    bytes_at = min(at for at, path in enumerate(told) if path.parent == folder or ".new-" in path.name)
    assert bytes_at < max(at for at, path in enumerate(told) if path == folder)


@pytest.mark.anyio
async def test_a_file_that_was_there_is_synced_before_it_counts_as_delivered(tmp_path: Path) -> None:
    """It may have been linked by a process that died before it synced the folder."""
    (tmp_path / "letter.pdf").write_bytes(LETTER)
    with synced() as told:
        await deliver(tmp_path)
    assert {tmp_path / "letter.pdf", tmp_path} <= set(told)


@pytest.mark.anyio
async def test_what_cannot_be_synced_is_not_delivered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(folder: Path) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("receiver.store.durable_files.sync_folder", broken)
    with pytest.raises(DestinationBusy, match="Input/output error"):
        await deliver(tmp_path / "new")


def test_a_level_that_may_not_be_read_is_nobody_elses_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Above the folders that we write to lie others, which we only walk through."""
    from receiver.store import durable_files

    really = durable_files.sync_folder

    def refused(folder: Path) -> None:
        if folder == tmp_path:
            raise PermissionError(13, "Permission denied")
        really(folder)

    (tmp_path / "home").mkdir()
    monkeypatch.setattr(durable_files, "sync_folder", refused)
    Folders().make(tmp_path / "home" / "mail")
    with pytest.raises(PermissionError):
        Folders().make(tmp_path / "new")
    assert (tmp_path / "home" / "mail").is_dir()


def test_a_folder_that_was_removed_meanwhile_is_made_again(tmp_path: Path) -> None:
    folders = Folders()
    folders.make(tmp_path / "a" / "b")
    (tmp_path / "a" / "b").rmdir()
    folders.make(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()


def test_what_was_synced_once_is_not_synced_again(tmp_path: Path) -> None:
    folders = Folders()
    folders.make(tmp_path / "2027" / "01" / "doc-1")
    with synced() as told:
        folders.make(tmp_path / "2027" / "01" / "doc-2")
    assert told == [tmp_path / "2027" / "01"]


CHILD = """
import asyncio, os, sys
from pathlib import Path
from tests.integration import test_durable_files

os.write(1, b"begin\\n")
asyncio.run(getattr(test_durable_files, sys.argv[1])(Path(sys.argv[2])))
os.write(1, b"told\\n")
"""


@pytest.mark.may_skip
@pytest.mark.parametrize("write", ["deliver", "keep"])
def test_the_system_calls_say_so_too(write: str, tmp_path: Path) -> None:
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed: the order of system calls cannot be seen")
    trace, place = tmp_path / "trace", tmp_path / "a" / "b"
    watch = [strace, "-f", "-y", "-e", "trace=write,fsync,mkdir,mkdirat,link,linkat,rename", "-o", str(trace)]
    done = subprocess.run(
        [*watch, sys.executable, "-c", CHILD, write, str(place)], cwd=ROOT, capture_output=True, text=True
    )
    if "PTRACE" in done.stderr:
        pytest.skip(f"strace may not trace here: {done.stderr}")
    assert done.returncode == 0, done.stderr
    calls = trace.read_text().partition('"begin')[2].partition('"told')[0]
    made = re.findall(rf'mkdir(?:at)?\((?:AT_FDCWD, )?"({re.escape(str(tmp_path))}[^"]*)"[^)]*\) = 0', calls)
    assert str(place) in made
    for folder in made:
        after = calls.partition(f'"{folder}"')[2]
        assert re.search(rf"fsync\(\d+<{re.escape(str(Path(folder).parent))}>\)\s+= 0", after), folder
    named = re.search(r"(?:link|linkat|rename)\(", calls)
    assert named
    assert "fsync(" in calls[: named.start()]
    assert "fsync(" in calls[named.end() :]
