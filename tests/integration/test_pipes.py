"""What a command prints arrives whole in a pipe, however slow its reader; a reader that goes away ends it quietly."""

import asyncio
import json
import os
import re
import shlex
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from receiver.core.change import Insert
from receiver.store.sqlite.store import SqliteStore
from tests.builders import a_document, a_task, an_event
from tests.processes import PATIENCE_SECONDS, PROGRAM, ROOT, TABLE, working

MANY = 250
MODES = {"usual": {}, "unbuffered": {"PYTHONUNBUFFERED": "1"}}
COMMANDS = [
    ("tasks", "--limit", "999", "--json"), ("documents", "--limit", "999", "--json"),
    ("events", "--limit", "999", "--json"), ("tasks", "--limit", "999"),
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with more in it than a pipe holds."""
    folder = tmp_path_factory.mktemp("pipes")
    (folder / "mailroom.yaml").write_text(TABLE)

    async def fill() -> None:
        store = SqliteStore(folder / "mailroom.db")
        await store.apply_each(*[[Insert(a_task(error="x" * 300))] for _ in range(MANY)])
        await store.apply_each(*[[Insert(a_document(error="é" * 200))] for _ in range(MANY)])
        await store.apply_each(*[[Insert(an_event(verified_by=("h" * 300,)))] for _ in range(MANY)])
        await store.close()

    asyncio.run(fill())
    return folder


def started(
    folder: Path, command: Sequence[str], mode: str, out: int, err: int = subprocess.DEVNULL
) -> subprocess.Popen[bytes]:
    env = {"PYTHONPATH": str(ROOT), **working(**MODES[mode])}
    return subprocess.Popen([*PROGRAM, *command], cwd=folder, env=env, stdout=out, stderr=err)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_all_of_it_arrives_at_a_slow_reader(folder: Path, command: Sequence[str], mode: str) -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)  # as a shell, a log shipper or another child may have left it
    process = started(folder, command, mode, writing)
    os.close(writing)
    got = b""
    with open(reading, "rb", buffering=0) as pipe:  # noqa: PTH123  a descriptor
        time.sleep(0.2)  # not waited for: the pipe is full by then, or it is not, and all must arrive
        while chunk := pipe.read(5000):
            got += chunk
    assert process.wait(PATIENCE_SECONDS) == 0
    assert len(got) > 65536
    if "--json" in command:
        (listed,) = (part for part in json.loads(got).values() if isinstance(part, list))
        assert len(listed) == MANY
    else:
        assert got.count(b"task-") == MANY
        assert got.endswith(b"\n")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("command", [COMMANDS[0], COMMANDS[3]], ids=" ".join)
def test_a_reader_that_has_had_enough_ends_it_quietly(folder: Path, command: Sequence[str], mode: str) -> None:
    process = started(folder, command, mode, subprocess.PIPE, subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.read(10)
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert (process.wait(PATIENCE_SECONDS), said) == (141, b"")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("command", [COMMANDS[0], COMMANDS[3]], ids=" ".join)
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full (Linux)")
def test_a_full_disk_that_it_is_sent_to_is_told(folder: Path, command: Sequence[str], mode: str) -> None:
    with Path("/dev/full").open("wb") as full:
        process = started(folder, command, mode, full.fileno(), subprocess.PIPE)
    said = process.communicate(timeout=PATIENCE_SECONDS)[1].decode()
    assert process.returncode == 1
    assert said == "mailroom: cannot write the output: No space left on device\n"


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_streams_that_were_closed_for_it_are_opened(folder: Path, closed: str) -> None:
    """Else a file or a connection of the process gets the number, and libuv ends the process when it is closed."""
    line = f"exec {shlex.join([*PROGRAM, 'balance'])} {closed}"
    env = {"PYTHONPATH": str(ROOT), **working()}
    done = subprocess.run(
        ["sh", "-c", line], cwd=folder, env=env, check=False, stderr=subprocess.PIPE, timeout=PATIENCE_SECONDS
    )
    lost = ">&-" in closed.replace("2>&-", "")
    usual = subprocess.run([*PROGRAM, "balance"], cwd=folder, env=env, check=False, capture_output=True)
    assert done.returncode == (1 if lost else usual.returncode)
    if lost and "2>&-" not in closed:
        assert done.stderr == b"mailroom: cannot write the output: it is closed\n"


def test_a_long_complaint_is_not_cut_short_either(tmp_path: Path) -> None:
    """A container's log is a pipe, and unbuffered."""
    rules = "\n".join(f"    - {{type: t{number}, description: x}}" for number in range(2000))
    (tmp_path / "mailroom.yaml").write_text(TABLE.replace("  rules:", f"  rules:\n{rules}"))
    process = started(tmp_path, ("sweep",), "unbuffered", subprocess.DEVNULL, subprocess.PIPE)
    assert process.stderr is not None
    time.sleep(0.2)
    said = process.stderr.read()
    process.stderr.close()
    assert process.wait(PATIENCE_SECONDS) == 2
    assert len(said) > 65536
    assert len(re.findall(rb"rules\[\d+\]\.description: ", said)) == 2000


def test_every_command_prints_by_the_one_way_that_is_whole() -> None:
    others = [path for path in (ROOT / "receiver" / "cli").rglob("*.py") if path.name != "output.py"]
    assert [path.name for path in others if re.search(r"click\.s?echo|\bprint\(|sys\.stdout", path.read_text())] == []
