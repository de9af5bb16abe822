"""One of many workers has its turn, once in an interval, whatever their clocks say."""

import asyncio

import pytest

from receiver.core.flag import Flag
from receiver.operations.leader_lock import LeaderLock
from tests.in_memory_app import InMemoryApp

pytestmark = pytest.mark.anyio
EVERY = 60.0


class Workers:
    """Some workers that share a store; ``seconds`` is the clock that nobody sets, and the desk's the other."""

    def __init__(self, app: InMemoryApp) -> None:
        self.memory_app = app
        self.seconds = 0.0
        self.turns: dict[str, LeaderLock] = {}

    async def ours(self, who: str, *, wrong_by: float = 0.0) -> bool:
        turn = self.turns.setdefault(who, LeaderLock("sweep", who, every_seconds=EVERY, clock=lambda: self.seconds))
        right, self.memory_app.now = self.memory_app.now, self.memory_app.now + wrong_by
        try:
            return await turn.acquired(self.memory_app.context)
        finally:
            self.memory_app.now = right

    def later(self, seconds: float) -> None:
        self.seconds += seconds
        self.memory_app.later(seconds)


@pytest.fixture
def workers(app: InMemoryApp) -> Workers:
    return Workers(app)


async def test_of_many_workers_one_has_the_turn(workers: Workers) -> None:
    took = await asyncio.gather(*(workers.ours(f"w{number}") for number in range(5)))
    assert took.count(True) == 1
    workers.later(30)
    assert not any([await workers.ours(f"w{number}") for number in range(5)])
    workers.later(30)
    assert [await workers.ours(f"w{number}") for number in range(5)].count(True) == 1
    flag = await workers.memory_app.store.get(Flag, "turn:sweep")
    assert flag is not None
    assert (flag.value, flag.version) == ("w0", 1)


async def test_who_starts_anew_does_not_wait_for_what_was_long_ago(workers: Workers) -> None:
    await workers.ours("before")
    workers.later(EVERY)
    assert await workers.ours("after the restart")


async def test_a_clock_that_is_set_back_stops_no_sweep(workers: Workers) -> None:
    await workers.ours("w")
    workers.memory_app.later(-3600)
    for _ in range(3):
        workers.later(EVERY)
        assert await workers.ours("w")


async def test_the_turn_of_a_fast_machine_that_died_is_over_after_an_interval(workers: Workers) -> None:
    assert await workers.ours("fast", wrong_by=3600)
    assert not await workers.ours("right")
    workers.later(EVERY / 2)
    assert not await workers.ours("right")
    workers.later(EVERY / 2)
    assert await workers.ours("right")


async def test_a_fast_machine_does_not_take_every_turn(workers: Workers) -> None:
    await workers.ours("right")
    await workers.ours("fast", wrong_by=3600)
    for _ in range(3):
        workers.later(EVERY / 4)
        assert not await workers.ours("fast", wrong_by=3600)
