"""The budget for what LlamaCloud limits, on a clock that only moves when somebody sleeps."""

import asyncio
import random
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.cloud.pacing import Pace, RequestRate


class Time:
    """A clock, and sleeps that end in the order of their moments."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._numbers = count(1)
        self._alarms: list[tuple[float, int, asyncio.Future[None]]] = []

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        alarm = asyncio.get_running_loop().create_future()
        self._alarms.append((self.now + seconds, next(self._numbers), alarm))
        await alarm

    async def run(self, *tasks: "asyncio.Task[None]") -> None:
        """Let time pass until all of them are done."""
        while not all(task.done() for task in tasks):
            for _ in range(5):  # until everybody sleeps
                await asyncio.sleep(0)
            self._alarms = sorted(alarm for alarm in self._alarms if not alarm[2].cancelled())
            if self._alarms:
                moment, _, alarm = self._alarms.pop(0)
                self.now = max(self.now, moment)
                alarm.set_result(None)
        await asyncio.gather(*tasks)


async def departures(time: Time, pace: Pace, number: int, answer_seconds: float = 0.0) -> list[float]:
    """When each of ``number`` requests that all come at once may leave."""
    moments: list[float] = []

    async def request() -> None:
        async with pace.turn():
            moments.append(time.now)
            if answer_seconds:
                await time.sleep(answer_seconds)

    await time.run(*(asyncio.create_task(request()) for _ in range(number)))
    return moments


async def arrivals(time: Time, pace: Pace, number: int, seed: int) -> list[float]:
    """When the vendor sees them, on ways of any length there and back."""
    ways = random.Random(seed)
    moments: list[float] = []

    async def request() -> None:
        async with pace.turn():
            await time.sleep(ways.expovariate(2.0))
            moments.append(time.now)
            await time.sleep(ways.expovariate(2.0))

    await time.run(*(asyncio.create_task(request()) for _ in range(number)))
    return sorted(moments)


def a_pace(time: Time, limit: int, seconds: float) -> Pace:
    return Pace(RequestRate(limit, seconds), clock=time.clock, sleep=time.sleep)


@given(limit=st.integers(1, 7), seconds=st.floats(0.1, 10), number=st.integers(1, 40), seed=st.integers(0, 9999))
def test_however_uneven_the_way_no_window_at_the_vendor_holds_more_than_the_limit(
    limit: int, seconds: float, number: int, seed: int
) -> None:
    time = Time()
    seen = asyncio.run(arrivals(time, a_pace(time, limit, seconds), number, seed))

    assert len(seen) == number
    for earlier, later in zip(seen, seen[limit:], strict=False):
        assert later - earlier >= seconds - 1e-6


@pytest.mark.anyio
async def test_up_to_the_limit_nobody_waits() -> None:
    time = Time()
    assert await departures(time, a_pace(time, 40, 1), 40) == [1000.0] * 40


@pytest.mark.anyio
async def test_the_next_one_waits_for_a_window_after_an_answer_and_no_longer() -> None:
    time = Time()
    moments = await departures(time, a_pace(time, 2, 5), 5, answer_seconds=1)
    assert moments == [1000.0, 1000.0, 1006.0, 1006.0, 1012.0]


@pytest.mark.anyio
async def test_first_come_first_served() -> None:
    time = Time()
    pace = a_pace(time, 2, 1)
    order: list[int] = []

    async def request(place: int) -> None:
        async with pace.turn():
            order.append(place)

    await time.run(*(asyncio.create_task(request(place)) for place in range(12)))
    assert order == list(range(12))


@pytest.mark.anyio
async def test_held_means_nobody_leaves_until_it_is_over() -> None:
    time = Time()
    pace = a_pace(time, 10, 1)
    pace.hold(7)
    pace.hold(3)  # a shorter one does not shorten it

    assert await departures(time, pace, 2) == [1007.0, 1007.0]


@pytest.mark.anyio
async def test_a_failed_request_counts_like_any_other() -> None:
    time = Time()
    pace = a_pace(time, 1, 5)
    with pytest.raises(ConnectionError):
        async with pace.turn():
            raise ConnectionError

    assert await departures(time, pace, 1) == [1005.0]


@pytest.mark.anyio
async def test_who_gives_up_waiting_neither_takes_a_slot_nor_loses_one() -> None:
    time = Time()
    pace = a_pace(time, 1, 5)
    await departures(time, pace, 1)

    async def request() -> None:
        async with pace.turn():
            raise AssertionError("it had left before")

    leaver = asyncio.create_task(request())
    for _ in range(5):
        await asyncio.sleep(0)
    leaver.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaver

    assert await departures(time, pace, 1) == [1005.0]


@pytest.mark.anyio
async def test_without_a_limit_nobody_waits_until_llamacloud_says_that_it_was_too_fast() -> None:
    time = Time()
    pace = Pace(RequestRate(0, 5.0), clock=time.clock, sleep=time.sleep)
    assert await departures(time, pace, 500) == [1000.0] * 500
    pace.hold(2.0)
    assert await departures(time, pace, 3) == [1002.0] * 3
