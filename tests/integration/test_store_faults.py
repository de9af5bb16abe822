"""The SQLite store when the disk, the lock or the file is not as it should be: refused, never half kept, and mended
without a restart. Real faults: a full file system, a limit of the kernel, another process, other permissions."""

import asyncio
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from pathlib import Path

import pytest

from receiver.core.change import Insert, InsertIfAbsent
from receiver.core.errors import Misconfigured, StoreBusy
from receiver.core.event import Event
from receiver.core.flag import Flag
from receiver.core.task import Task
from receiver.store.sqlite.store import SqliteStore
from tests.builders import a_flag, a_task, an_event

pytestmark = pytest.mark.anyio

NOBODY = 65534
ROOT = Path(__file__).parents[2]


@asynccontextmanager
async def opened(path: Path, *, busy_seconds: float = 30, queue_limit: int = 10_000) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(path, busy_seconds=busy_seconds, queue_limit=queue_limit)
    try:
        yield store
    finally:
        await store.close()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    """One that does not wait long for a lock."""
    async with opened(tmp_path / "mailroom.db", busy_seconds=0.1) as store:
        yield store


@contextmanager
def child(what: str, path: Path) -> Iterator[subprocess.Popen[str]]:
    """tests/integration/store_child.py at work on this file."""
    command = [sys.executable, "-m", "tests.integration.store_child", what, str(path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def write_lock_elsewhere(path: Path) -> Iterator[None]:
    with child("hold", path) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        yield


async def try_all(store: SqliteStore, flags: list[Flag]) -> list[str]:
    """The ids of those that were acknowledged; all the others must have been told StoreBusy."""
    told = await asyncio.gather(*(store.apply(Insert(flag)) for flag in flags), return_exceptions=True)
    assert {type(item) for item in told} <= {type(None), StoreBusy}, told
    return [flag.id for flag, item in zip(flags, told, strict=True) if item is None]


async def kept(store: SqliteStore, flags: list[Flag]) -> list[str]:
    return [flag.id for flag in flags if await store.get(Flag, flag.id) is not None]


# --- the lock


async def test_while_another_process_holds_the_lock_writes_are_refused_and_reads_go_on(
    store: SqliteStore, tmp_path: Path
) -> None:
    before, during, after = a_flag(), [a_flag() for _ in range(20)], a_flag()
    await store.apply(Insert(before))
    with write_lock_elsewhere(tmp_path / "mailroom.db"):
        assert await try_all(store, during) == []
        with pytest.raises(StoreBusy, match="locked"):
            await store.ready()
        with pytest.raises(StoreBusy):
            await store.claim(owner="a", now=0, lease_seconds=1)
        assert await store.get(Flag, before.id) == before
    await store.ready()
    await store.apply(Insert(after))
    assert await kept(store, [before, *during, after]) == [before.id, after.id]


async def test_a_change_waits_for_a_lock_that_is_short(tmp_path: Path) -> None:
    async with opened(tmp_path / "mailroom.db") as store:
        await store.open()
        with write_lock_elsewhere(tmp_path / "mailroom.db"):
            waiting = asyncio.ensure_future(store.apply(Insert(a_flag(id="patient"))))
            await asyncio.wait([waiting], timeout=0.1)
            assert not waiting.done()
        await waiting
        assert await store.get(Flag, "patient") is not None


async def test_when_too_much_is_waiting_the_rest_is_refused_at_once(tmp_path: Path) -> None:
    async with opened(tmp_path / "mailroom.db", queue_limit=10) as store:
        await store.open()
        with write_lock_elsewhere(tmp_path / "mailroom.db"):
            callers = [asyncio.ensure_future(store.apply(Insert(a_flag()))) for _ in range(30)]
            done, waiting = await asyncio.wait(callers, timeout=0.1)
            assert len(done) >= 10
            for refused in done:
                with pytest.raises(StoreBusy, match="waiting already") as busy:
                    refused.result()
                assert busy.value.retry_after
        assert await asyncio.gather(*waiting) == [None] * len(waiting)


async def test_a_caller_that_gave_up_waiting_disturbs_no_other(tmp_path: Path) -> None:
    async with opened(tmp_path / "mailroom.db") as store:
        await store.open()
        with write_lock_elsewhere(tmp_path / "mailroom.db"):
            callers = [asyncio.ensure_future(store.apply(Insert(a_flag()))) for _ in range(9)]
            await asyncio.wait(callers, timeout=0.05)
            for impatient in callers[::2]:
                impatient.cancel()
        assert await asyncio.gather(*callers[1::2]) == [None] * 4


async def test_a_closed_store_refuses(store: SqliteStore) -> None:
    await store.ready()
    await store.close()
    with pytest.raises(StoreBusy, match="closed"):
        await store.apply(Insert(a_flag()))


# --- the disk


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of 1 MB."""
    folder = Path(tempfile.mkdtemp(prefix="mailroom-small-disk-"))
    mount = shutil.which("mount")
    done = mount and subprocess.run([mount, "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True)
    if not done or done.returncode != 0:
        folder.rmdir()
        pytest.skip("mounting a small file system needs root; the file-size limit is tested all the same")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)
    folder.rmdir()


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def test_a_full_disk_refuses_and_a_freed_one_goes_on(small_disk: Path) -> None:
    flags = [a_flag(value="v" * 20_000) for _ in range(60)]
    acknowledged: list[str] = []
    ballast = small_disk / "ballast"
    async with opened(small_disk / "mailroom.db") as store:
        await store.open()
        ballast.write_bytes(b"x" * 500_000)
        for start in range(0, len(flags), 4):
            acknowledged += await try_all(store, flags[start : start + 4])
        assert 0 < len(acknowledged) < len(flags), "the disk must run full on the way"
        ballast.unlink()
        await store.ready()
        await store.apply(Insert(a_flag(id="after", value="v" * 20_000)))
        assert await kept(store, flags) == acknowledged
    async with opened(small_disk / "mailroom.db") as again:
        assert await kept(again, flags) == acknowledged
    assert_sound(small_disk / "mailroom.db")


async def test_a_disk_that_is_full_from_the_start_keeps_no_empty_store(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)
    async with opened(small_disk / "mailroom.db") as store:
        with pytest.raises(StoreBusy, match="the disk is full"):
            await store.open()
        assert names_in(small_disk) == ["ballast"]
        ballast.unlink()
        await store.ready()
        await store.apply(Insert(a_flag()))
    assert_sound(small_disk / "mailroom.db")


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """No file of this process may grow beyond ``size`` bytes: the kernel writes what fits and refuses the rest."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)


Half = tuple[Event, Task, Flag]


async def parts_kept(store: SqliteStore, change: Half) -> list[bool]:
    event, task, flag = change
    found = [await store.get(Event, event.id), await store.get(Task, task.id), await store.get(Flag, flag.id)]
    return [item is not None for item in found]


async def test_a_commit_that_fails_half_way_keeps_nothing(store: SqliteStore, tmp_path: Path) -> None:
    before = [a_flag() for _ in range(300)]
    assert len(await try_all(store, before)) == 300
    assert len(await kept(store, before)) == 300  # the reader is open now, so that the log stays
    log = tmp_path / "mailroom.db-wal"
    size = log.stat().st_size
    changes = [(an_event(), a_task(), a_flag(value="v" * 50_000)) for _ in range(10)]
    with file_size_limit(size + 100_000):
        told = await asyncio.gather(
            *(store.apply(Insert(event), InsertIfAbsent(task), Insert(flag)) for event, task, flag in changes),
            return_exceptions=True,
        )
        assert log.stat().st_size > size, "some of the commit must have reached the file"
    assert StoreBusy in {type(item) for item in told}
    await store.ready()
    async with opened(tmp_path / "mailroom.db") as other:
        for change, item in zip(changes, told, strict=True):
            expected = [item is None] * 3
            assert await parts_kept(store, change) == expected
            assert await parts_kept(other, change) == expected
        assert len(await kept(other, before)) == 300
    assert_sound(tmp_path / "mailroom.db")


def assert_sound(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("pragma integrity_check").fetchall() == [("ok",)]


# --- the file


@contextmanager
def without_rights() -> Iterator[None]:
    """As somebody whom permissions bind."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that anybody may look into: pytest's own are closed to all but one."""
    folder = Path(tempfile.mkdtemp(prefix="mailroom-store-"))
    folder.chmod(0o777)
    yield folder
    folder.chmod(0o777)
    shutil.rmtree(folder)


async def test_a_read_only_folder_refuses_until_it_is_opened(open_folder: Path) -> None:
    async with opened(open_folder / "mailroom.db") as store:
        allow(open_folder, 0o555)
        with without_rights():
            with pytest.raises(StoreBusy):
                await store.open()
            assert await try_all(store, [a_flag()]) == []
        allow(open_folder, 0o777)
        with without_rights():
            await store.ready()
            await store.apply(Insert(a_flag(id="after")))
            assert await store.get(Flag, "after") is not None


async def test_a_read_only_file_refuses_until_it_is_writable(open_folder: Path) -> None:
    path = open_folder / "mailroom.db"
    async with opened(path) as first:
        await first.apply(Insert(a_flag(id="before")))
    allow(path, 0o444)
    async with opened(path) as store:
        with without_rights():
            assert await try_all(store, [a_flag()]) == []
            with pytest.raises(StoreBusy):
                await store.ready()
        for item in matching(open_folder, "mailroom.db*"):  # SQLite gives its -wal and -shm the mode of the file
            allow(item, 0o666)
        with without_rights():
            await store.ready()
            assert await store.get(Flag, "before") is not None


def allow(path: Path, mode: int) -> None:
    path.chmod(mode)


def matching(folder: Path, pattern: str) -> list[Path]:
    return list(folder.glob(pattern))


def remove(folder: Path, pattern: str) -> None:
    for path in matching(folder, pattern):
        path.unlink()


@pytest.mark.parametrize("pattern", ["mailroom.db", "mailroom.db*"])
async def test_a_file_removed_while_open_is_noticed_before_anything_is_acknowledged(
    store: SqliteStore, tmp_path: Path, pattern: str
) -> None:
    await store.apply(Insert(a_flag(id="before")))
    remove(tmp_path, pattern)
    with pytest.raises(StoreBusy, match="removed or replaced"):
        await store.apply(Insert(a_flag(id="into the void")))
    await store.apply(Insert(a_flag(id="after")))
    async with opened(tmp_path / "mailroom.db") as other:
        assert await other.get(Flag, "after") is not None
        assert await other.get(Flag, "into the void") is None


async def test_a_reader_notices_that_its_file_was_removed(store: SqliteStore, tmp_path: Path) -> None:
    await store.apply(Insert(a_flag(id="before")))
    assert await store.get(Flag, "before") is not None
    remove(tmp_path, "*")
    with pytest.raises(StoreBusy, match="removed or replaced"):
        await store.get(Flag, "before")
    assert await store.get(Flag, "before") is None


async def test_what_can_never_work_is_misconfigured_by_the_settings_name(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("this is no database, but long enough to be taken for one" * 20)
    for path in (tmp_path / "no such folder" / "mailroom.db", tmp_path, text):
        async with opened(path) as store:
            with pytest.raises(Misconfigured) as wrong:
                await store.open()
        assert "MAILROOM_STORE" in wrong.value.fix
        assert str(path) in str(wrong.value)


# --- other processes


async def test_two_processes_that_start_on_a_new_file_share_it(tmp_path: Path) -> None:
    path = tmp_path / "mailroom.db"
    with child("fill", path) as item, child("fill", path) as two, child("fill", path) as three:
        said = [process.communicate()[0].split() for process in (item, two, three)]
        assert [process.returncode for process in (item, two, three)] == [0, 0, 0]
    assert sorted(said[0] + said[1] + said[2]) == sorted(f"t-{number}" for number in range(200))


async def test_two_processes_never_claim_the_same_task(store: SqliteStore, tmp_path: Path) -> None:
    tasks = [a_task() for _ in range(400)]
    await store.apply(*(Insert(task) for task in tasks))
    path = tmp_path / "mailroom.db"
    with child("claim", path) as item, child("claim", path) as two:
        said = [process.communicate()[0].split() for process in (item, two)]
        assert [process.returncode for process in (item, two)] == [0, 0]
    assert sorted(said[0] + said[1]) == sorted(task.id for task in tasks)


def lost(path: Path, acknowledged: list[str]) -> list[str]:
    """Which of the acknowledged are not wholly in the file; the file must be sound, and its books right."""
    assert_sound(path)
    with closing(sqlite3.connect(path)) as db:
        events = {row[0][2:] for row in db.execute("select id from event")}
        tasks = {row[0][2:] for row in db.execute("select id from task")}
        documents = {row[0][2:] for row in db.execute("select id from document")}
        totals = dict(db.execute("select what, documents from tally"))
    assert events == tasks == documents, "a change is whole or not at all"
    assert totals["taken_in"] == totals["open"] == len(documents)
    return [name for name in acknowledged if name not in documents]


def killed_while_writing(path: Path, what: str, *, after: int) -> list[str]:
    """What a child acknowledged before it was killed with SIGKILL, in the middle of its writing."""
    with child(what, path) as writer:
        assert writer.stdout is not None
        acknowledged = [writer.stdout.readline() for _ in range(after)]
        writer.kill()
        acknowledged += writer.stdout.readlines()
    return [line.strip() for line in acknowledged if line.endswith("\n")]


@pytest.mark.parametrize("after", [1, 100, 2000])
async def test_whatever_was_acknowledged_survives_a_kill(tmp_path: Path, after: int) -> None:
    path = tmp_path / "mailroom.db"
    acknowledged = killed_while_writing(path, "write", after=after)
    assert len(acknowledged) >= after
    assert lost(path, acknowledged) == []


async def test_this_test_would_find_a_store_that_acknowledges_before_it_commits(tmp_path: Path) -> None:
    path = tmp_path / "mailroom.db"
    acknowledged = killed_while_writing(path, "break", after=500)
    assert lost(path, acknowledged) != []
