"""The process pool of a chaos run: a killed process is restarted; simulated by processes that only die."""

import asyncio
import random
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.chaos import process_pool
from tests.chaos.clocks import CLOCK, Clocks
from tests.chaos.process_pool import ProcessPool

pytestmark = pytest.mark.anyio
MEMBERS = {"serve": ("serve",), "worker": ("worker",)}
HOURS = 1e6


@pytest.fixture(autouse=True)
def any_work_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_pool, "WORK", 0)


class PlayedProcess:
    """At work from its start until it is killed or asked to stop."""

    def __init__(self, *, target: Any, args: tuple[Any, dict[str, str], str]) -> None:
        self.env, self.log = args[1], Path(args[2])
        self.exitcode = 0
        self.ended = threading.Event()

    def kill(self) -> None:
        self.exitcode = -signal.SIGKILL
        self.ended.set()

    def terminate(self) -> None:
        self.ended.set()


class Low(random.Random):
    """Draws below every chance."""

    def random(self) -> float:
        return 0.1


class PlayedCrew(ProcessPool):
    """``started`` has all processes that there were."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._context = SimpleNamespace(Process=PlayedProcess)  # type: ignore[assignment]
        self.started: list[PlayedProcess] = []

    @property
    def is_complete(self) -> bool:
        return len(self._alive) == len(MEMBERS)

    def _start(self, process: Any) -> None:
        with process.log.open("a") as log:
            log.write("ready\n")
        self.started.append(process)

    def _join(self, process: Any) -> None:
        process.ended.wait()


async def work_until(pool: PlayedCrew, over: Callable[[], bool]) -> None:
    async with pool.at_work(MEMBERS, {}):
        await until(lambda: pool.is_complete)
        killing = asyncio.create_task(pool.kill_at_random(0.001))
        await until(over)
        killing.cancel()


async def until(over: Callable[[], bool]) -> None:
    while not over():  # noqa: ASYNC110 - others work
        await asyncio.sleep(0.001)


async def test_a_killed_process_is_started_anew_at_once(tmp_path: Path) -> None:
    pool = PlayedCrew(tmp_path, {}, random.Random(1))
    await work_until(pool, lambda: len(pool.started) > 6)
    assert (pool.together, pool.down_seconds, pool.astray) == (0, 0.0, [])


async def test_none_is_killed_before_some_work_was_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_pool, "WORK", 1_000)
    pool = PlayedCrew(tmp_path, {}, Low())
    lines = 0

    def work_a_little() -> bool:
        nonlocal lines
        lines += 1
        with (tmp_path / "worker.log").open("a") as log:
            log.write("a step\n")
        return pool.killed == 3

    await work_until(pool, work_a_little)
    assert lines * len("a step\n") >= 2 * 1_000


async def test_with_a_downtime_it_stays_down_until_the_run_is_over(tmp_path: Path) -> None:
    pool = PlayedCrew(tmp_path, {}, random.Random(1), downtime_seconds=HOURS)
    await work_until(pool, lambda: pool.killed == 2)
    assert len(pool.started) == 2
    assert pool.down_seconds > 0


async def test_with_a_downtime_all_are_killed_at_once_now_and_then(tmp_path: Path) -> None:
    pool = PlayedCrew(tmp_path, {}, Low(), downtime_seconds=HOURS)
    await work_until(pool, lambda: pool.killed == 2)
    assert pool.together >= 1


async def test_each_process_has_a_clock_of_its_own(tmp_path: Path) -> None:
    pool = PlayedCrew(tmp_path, {}, random.Random(1), clocks=Clocks(tmp_path, random.Random(1)))
    await work_until(pool, lambda: len(pool.started) > 3)
    assert {item.env[CLOCK] for item in pool.started} == {str(tmp_path / "clocks" / name) for name in MEMBERS}
