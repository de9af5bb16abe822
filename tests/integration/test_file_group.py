"""Files that are kept at the same time share a sync, and each is there after a crash at any moment, or was not told."""

import asyncio
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from receiver.store import file_group
from receiver.store.durable_files import Folders
from receiver.store.file_group import FileGroup, path_of
from receiver.store.spool import FolderSpool

ROOT = Path(__file__).parents[2]
MANY = 8
CHILD = """
import asyncio, os, signal, sys
from pathlib import Path
from receiver.store import durable_files, file_group
from receiver.store.spool import FolderSpool

left = int(sys.argv[2])

def dying(really):
    def call(*arguments):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return really(*arguments)
    return call

os.fsync = dying(os.fsync)
os.rename = dying(os.rename)
Path.rename = dying(Path.rename)

async def keep(spool, number):
    async def chunks():
        yield b"letter %d" % number
    kept = await spool.keep(chunks(), limit=100, owner=lambda _: f"doc_{number}")
    os.write(1, f"{number} {kept.location}\\n".encode())

async def main():
    spool = FolderSpool(Path(sys.argv[1]))
    await asyncio.gather(*(keep(spool, number) for number in range(8)))

asyncio.run(main())
"""


def aside(folder: Path, number: int) -> Path:
    path = folder / f".new-{number}"
    path.write_bytes(b"%d" % number)
    return path


def test_those_that_come_while_others_are_synced_share_the_next_sync(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    group, synced, begun, go_on = FileGroup(tmp_path, Folders()), list[Path](), threading.Event(), threading.Event()

    def slow(folder: Path) -> None:
        synced.append(folder)
        begun.set()
        assert go_on.wait(30)

    monkeypatch.setattr(file_group, "sync_folder", slow)
    with ThreadPoolExecutor(MANY + 1) as pool:
        first = pool.submit(group.settle, aside(tmp_path, 0), "doc_0")
        assert begun.wait(30)
        others = [pool.submit(group.settle, aside(tmp_path, number), f"doc_{number}") for number in range(1, MANY + 1)]
        while len(group._waiting) < MANY:
            threading.Event().wait(0.001)
        go_on.set()
        names = [item.result() for item in (first, *others)]
    assert len(synced) == 2
    assert [path_of(tmp_path, name).read_bytes() for name in names] == [b"%d" % number for number in range(MANY + 1)]
    assert [name.partition(".")[0] for name in names] == [f"doc_{number}" for number in range(MANY + 1)]


def test_a_file_that_cannot_be_renamed_fails_no_other_of_its_group(tmp_path: Path) -> None:
    group = FileGroup(tmp_path, Folders())
    with pytest.raises(FileNotFoundError):
        group.settle(tmp_path / ".new-gone", "doc_gone")
    assert path_of(tmp_path, group.settle(aside(tmp_path, 1), "doc_1")).read_bytes() == b"1"


def test_a_folder_that_cannot_be_synced_fails_the_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(folder: Path) -> None:
        raise OSError(5, "Input/output error")

    group = FileGroup(tmp_path, Folders())
    monkeypatch.setattr(file_group, "sync_folder", broken)
    with pytest.raises(OSError, match="Input/output error"):
        group.settle(aside(tmp_path, 1), "doc_1")


@pytest.mark.anyio
@pytest.mark.parametrize("calls", [0, 3, 9, 11, 14, 18])
async def test_what_was_told_to_be_kept_is_whole_wherever_the_process_is_killed(tmp_path: Path, calls: int) -> None:
    """Killed at a sync or a rename, of which there are some twenty: what is left has a passing name, or is whole."""
    spool = tmp_path / "spool"
    command = [sys.executable, "-c", CHILD, str(spool), str(calls)]
    told = await asyncio.to_thread(subprocess.run, command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert told.returncode in (-signal.SIGKILL, 0), told.stderr
    kept = dict(line.split() for line in told.stdout.splitlines())
    reader = FolderSpool(spool)
    for number, location in kept.items():
        assert reader.path_of(location).read_bytes() == b"letter %s" % number.encode()
    for location, _ in await reader.listed(after="", limit=100):
        number = location.removeprefix("spool:doc_").partition(".")[0]
        assert reader.path_of(location).read_bytes() == b"letter %s" % number.encode()
    assert calls > 3 or not kept
