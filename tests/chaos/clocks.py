"""Wall clocks that are wrong: each process reads its own offset from a file, which the run changes as it works.

Monotonic time is not touched, as on a real machine: NTP or a person sets the wall clock only.
"""

import asyncio
import random
import time
from collections.abc import Iterable
from pathlib import Path

from receiver.ports import Clock

CLOCK = "CHAOS_CLOCK"
"""The variable that names a process's file."""
FURTHEST = 3600.0
"""Seconds by which a clock is ahead or behind at most."""
RIGHT_SECONDS = 20.0
"""How long a clock is right at most, until it is set wrongly again,"""
WRONG_SECONDS = 15.0
"""and how long it is wrong at most."""


def stepped(file: Path, *, true: Clock = time.time) -> Clock:
    """The wall clock, off by the seconds that stand in this file; right where there is none."""

    def clock() -> float:
        try:
            return true() + float(file.read_text())
        except FileNotFoundError:
            return true()

    return clock


class Clocks:
    """The clocks of a run's processes. ``steps`` counts how often one was set wrongly."""

    def __init__(self, folder: Path, rng: random.Random) -> None:
        self._folder = folder / "clocks"
        self._folder.mkdir(exist_ok=True)
        self._rng = rng
        self.steps = 0

    def file(self, name: str) -> Path:
        """Where the process of this name reads its offset."""
        return self._folder / name

    async def step(self, names: Iterable[str]) -> None:
        """Sets each of them wrongly and right again, for ever and at its own times; right when it is cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                for name in names:
                    group.create_task(self._step(name))
        finally:
            for file in self._folder.iterdir():
                file.unlink()

    async def _step(self, name: str) -> None:
        while True:
            await asyncio.sleep(self._rng.uniform(0, RIGHT_SECONDS))
            self.set(name, self._rng.uniform(-FURTHEST, FURTHEST))
            await asyncio.sleep(self._rng.uniform(0, WRONG_SECONDS))
            self.file(name).unlink()

    def set(self, name: str, seconds: float) -> None:
        """From now on its clock is so far ahead; the file is replaced in one step, for it is read at any moment."""
        fresh = self._folder / f".{name}"
        fresh.write_text(f"{seconds}")
        fresh.replace(self.file(name))
        self.steps += 1
