"""One of many workers has its turn, once in an interval, whatever their clocks say."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.core.flag import Flag
from receiver.operations.leader_lock import LeaderLock
from tests.in_memory_app import InMemoryApp

pytestmark = pytest.mark.anyio
EVERY = 60.0


class Workers:
    """Some workers that share a store. ``seconds`` is their monotonic clock; the application has the wall clock."""

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


@given(st.floats(-5000, 5000), st.floats(1, 30), st.lists(st.sampled_from("abc"), min_size=60, max_size=90))
async def test_what_a_worker_finds_of_its_clock_is_never_more_than_is_true(
    wrong_by: float, every: float, order: list[str]
) -> None:
    """Three workers look in any order; c's clock is wrong. What it finds lacks two of its pauses at most."""
    workers = Workers(InMemoryApp(Path("unused")))
    for who in order:
        await workers.ours(who, wrong_by=wrong_by if who == "c" else 0.0)
        for other, lock in workers.turns.items():
            true = wrong_by if other == "c" else -wrong_by
            found = lock.ahead()
            assert abs(found) <= abs(true) + 1e-3
            assert found * true >= 0
            assert found == 0.0 or other == "c" or "c" in workers.turns
        workers.later(every)


@pytest.mark.parametrize("wrong_by", [900.0, -900.0])
async def test_who_sees_two_turns_of_another_knows_how_far_their_clocks_are_apart(
    workers: Workers, wrong_by: float
) -> None:
    for number in range(3 * 4):
        await workers.ours("wrong", wrong_by=wrong_by)
        if number:
            await workers.ours("right")
        workers.later(EVERY / 4)
    found = {who: turn.ahead() for who, turn in workers.turns.items() if turn.ahead()}
    ((who, seconds),) = found.items()  # the other one had every turn, and saw none of another
    assert seconds * (wrong_by if who == "wrong" else -wrong_by) > 0
    assert 900 - EVERY / 4 <= abs(seconds) <= 900
    assert workers.turns[who].other == ("right" if who == "wrong" else "wrong")


async def test_one_late_write_is_no_wrong_clock(workers: Workers) -> None:
    await workers.ours("slow")
    await workers.ours("ours")
    workers.later(EVERY)
    assert await workers.ours("slow", wrong_by=-40)  # its clock was read, and then the store did not answer for long
    await workers.ours("ours")
    for _ in range(3):
        workers.later(EVERY)
        assert await workers.ours("slow")
        await workers.ours("ours")
        assert workers.turns["ours"].ahead() == 0.0
