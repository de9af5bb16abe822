"""The wrong clocks of a chaos run: each process has its own, and all are right again in the end."""

import asyncio
import random
from pathlib import Path

import pytest

from tests.chaos import clocks as module
from tests.chaos.clocks import FURTHEST, Clocks, stepped


def test_a_process_reads_its_own_offset_at_each_look(tmp_path: Path) -> None:
    clocks = Clocks(tmp_path, random.Random(1))
    serve, worker = (stepped(clocks.file(name), true=lambda: 1000.0) for name in ("serve", "worker"))
    assert (serve(), worker()) == (1000.0, 1000.0)
    clocks.set("serve", -600.5)
    assert (serve(), worker()) == (399.5, 1000.0)
    clocks.set("serve", 60.0)
    assert (serve(), clocks.steps) == (1060.0, 2)


@pytest.mark.anyio
async def test_each_clock_is_set_wrongly_and_right_again_until_it_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for constant in ("RIGHT_SECONDS", "WRONG_SECONDS"):
        monkeypatch.setattr(module, constant, 0.002)
    clocks, seen = Clocks(tmp_path, random.Random(1)), dict[str, set[float]](serve=set(), worker=set())
    read = {name: stepped(clocks.file(name), true=lambda: 0.0) for name in seen}
    stepping = asyncio.create_task(clocks.step(seen))
    while not all(0.0 in item and len(item) > 2 for item in seen.values()):
        for name, item in seen.items():
            item.add(read[name]())
        await asyncio.sleep(0)
    stepping.cancel()
    await asyncio.gather(stepping, return_exceptions=True)
    assert all(abs(seconds) <= FURTHEST for item in seen.values() for seconds in item)
    assert [clock() for clock in read.values()] == [0.0, 0.0]
