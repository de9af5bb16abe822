"""A child reads what strangers sent: whatever becomes of it, the process that asked goes on and knows why."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from handlers.child.memory import memory_bytes
from handlers.child.process import GIB, Bounds, Child, Children, bounds_of
from receiver.core.errors import ReaderDied, Transient

pytestmark = pytest.mark.anyio

BOUNDS = Bounds(memory_bytes=GIB // 4, at_once=2, file_bytes=100_000)


@asynccontextmanager
async def misbehaving(**bounds: Any) -> AsyncIterator[Child]:
    async with Children(replace(BOUNDS, **bounds)).started("tests.misbehaving") as child:
        yield child


async def test_a_child_answers_one_question_after_the_other() -> None:
    async with misbehaving() as child:
        assert await child.ask({"do": "echo", "text": "ä\n"}) == {"do": "echo", "text": "ä\n"}
        assert await child.ask({"do": "refuse"}) == {"refused": "because"}
        assert await child.ask({"do": "echo"}) == {"do": "echo"}
    assert child.process.returncode == -signal.SIGKILL


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"do": "raise"}, "it ended with code 1: LookupError: no such thing"),
        ({"do": "leave", "code": 7}, "it ended with code 7: it was nothing"),
        ({"do": "die", "signal": signal.SIGSEGV}, "it was killed by SIGSEGV"),
        ({"do": "grow", "bytes": GIB}, "it needs more than 256 MB of memory"),
        ({"do": "long", "bytes": 5_000_000}, "its response is longer than 4194304 bytes"),
    ],
    ids=lambda given: given["do"] if isinstance(given, dict) else "",
)
async def test_a_death_is_told_with_its_reason(
    asked: dict[str, Any], why: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with misbehaving() as child:
        with pytest.raises(ReaderDied, match=f"the process that reads it failed: {why}"):
            await child.ask(asked)
    (told,) = [record.facts for record in caplog.records if record.name == "mailroom.child"]  # type: ignore[attr-defined]
    assert (told["module"], told["why"]) == ("tests.misbehaving", why)


@pytest.mark.parametrize("what", ["sleep", "spin"])
async def test_one_answer_has_its_time(what: str) -> None:
    async with misbehaving(answer_seconds=0.2) as child:
        with pytest.raises(ReaderDied, match="it took longer than"):
            await child.ask({"do": what})


async def test_all_answers_together_have_their_time() -> None:
    async with misbehaving(total_seconds=0.5) as child:
        with pytest.raises(ReaderDied, match="it took longer than"):
            while True:
                await child.ask({"do": "echo"})
                await asyncio.sleep(0)


async def test_a_child_that_nobody_ends_ends_by_itself() -> None:
    async with misbehaving(total_seconds=0.0, answer_seconds=60) as child:
        child.bounds = replace(BOUNDS, total_seconds=60.0)
        with pytest.raises(ReaderDied, match="it was killed by SIGXCPU"):
            await child.ask({"do": "spin"})


async def test_a_file_that_it_writes_has_a_bound(tmp_path: Path) -> None:
    async with misbehaving() as child:
        await child.ask({"do": "write", "to": str(tmp_path / "some"), "bytes": 100_000})
        with pytest.raises(ReaderDied, match="File too large"):
            await child.ask({"do": "write", "to": str(tmp_path / "more"), "bytes": 100_001})


async def test_what_it_chatters_blocks_nobody_and_is_kept_in_part(caplog: pytest.LogCaptureFixture) -> None:
    async with misbehaving() as child:
        await child.ask({"do": "chatter"})
        with pytest.raises(ReaderDied):
            await child.ask({"do": "raise"})
    (told,) = [record.facts for record in caplog.records if record.name == "mailroom.child"]  # type: ignore[attr-defined]
    assert len(told["stderr"]) <= 1000


async def test_it_is_handed_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLAMA_CLOUD_API_KEY", "llx-secret")
    async with misbehaving() as child:
        names = set(await child.ask({"do": "environment"}))
    assert names - {"LC_CTYPE"} <= {"PATH", "PYTHONPATH", "LD_LIBRARY_PATH"}


async def test_a_child_that_cannot_start_is_no_fault_of_the_input(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Transient, match="No module named") as raised:
        async with Children(BOUNDS).started("tests.nowhere"):
            pass
    assert not isinstance(raised.value, ReaderDied)


async def test_only_so_many_run_at_once() -> None:
    children = Children(replace(BOUNDS, at_once=1))
    inside = 0

    async def use() -> None:
        nonlocal inside
        async with children.started("tests.misbehaving") as child:
            inside += 1
            assert inside == 1
            await child.ask({"do": "echo"})
            inside -= 1

    await asyncio.gather(*(use() for _ in range(4)))


async def test_none_is_left_when_its_block_is_cancelled() -> None:
    started: asyncio.Queue[Child] = asyncio.Queue()

    async def use() -> None:
        async with misbehaving() as child:
            started.put_nowait(child)
            await child.ask({"do": "sleep"})

    task = asyncio.create_task(use())
    child = await started.get()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert child.process.returncode == -signal.SIGKILL


@pytest.mark.parametrize("megabytes", [512, 1024, 2048, 8192, 65536])
def test_all_children_together_get_half_of_the_memory(megabytes: int) -> None:
    bounds = bounds_of(megabytes * 1024**2)
    assert 1 <= bounds.at_once <= 4
    assert bounds.at_once * bounds.memory_bytes <= megabytes * 1024**2 // 2
    assert bounds.memory_bytes >= 256 * 1024**2


def test_the_memory_is_that_of_the_function(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = memory_bytes()
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
    assert memory_bytes() == min(whole, 512 * 1024**2)


@pytest.mark.parametrize(
    ("line", "file"),
    [
        ("0::/a/b", "a/memory.max"),
        ("0::/a/b", "a/b/memory.max"),
        ("0::/", "memory.max"),
        ("4:cpu,memory:/a", "memory/a/memory.limit_in_bytes"),
    ],
)
def test_the_memory_is_that_of_the_container(
    line: str, file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = tmp_path / "cgroup" / file
    limit.parent.mkdir(parents=True)
    limit.write_text("300000000\n")
    (tmp_path / "own").write_text(f"1:cpuset:/\n{line}\n")
    monkeypatch.setattr("handlers.child.memory.OWN_CGROUP", tmp_path / "own")
    monkeypatch.setattr("handlers.child.memory.CGROUPS", tmp_path / "cgroup")
    assert memory_bytes() == 300_000_000
    limit.write_text("max\n")
    assert memory_bytes() > 300_000_000
