"""Several processes on one store keep to LlamaCloud's limits together; the clock moves only when somebody sleeps."""

import asyncio
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receiver.cloud.pacing import Pace, RequestRate
from receiver.cloud.refusal import About
from receiver.cloud.shared_budget import LEASE_SECONDS, RENEW_SECONDS, SharedBudget, SharedPace
from receiver.cloud.transport import Call, Timeouts, Transport
from receiver.core.change import Insert
from receiver.core.errors import StoreBusy
from receiver.core.flag import Flag
from receiver.store.memory import MemoryStore
from tests.unit.cloud.test_pacing import Time

RATE = RequestRate(50, 5.0)


def a_process(time: Time, store: Any, owner: str, rate: RequestRate = RATE) -> tuple[SharedBudget, SharedPace]:
    budget = SharedBudget(store, "a", owner, clock=time.clock, sleep=time.sleep)
    return budget, budget.shared(Pace(rate, clock=time.clock, sleep=time.sleep))


async def send(time: Time, pace: SharedPace, number: int, sent: list[float], *, after: float = 0.0) -> None:
    """So many requests, 16 at a time."""
    await time.sleep(after)
    left = iter(range(number))

    async def one() -> None:
        for _ in left:
            async with pace.turn():
                sent.append(time.now)

    await asyncio.gather(*(one() for _ in range(16)))


def most_in_a_window(sent: list[float], seconds: float) -> int:
    moments = sorted(sent)
    return max(sum(at <= other < at + seconds for other in moments) for at in moments)


@settings(max_examples=30)
@given(starts=st.lists(st.floats(0, 20), min_size=1, max_size=6), limit=st.integers(10, 20))
def test_processes_together_send_no_more_than_the_limit(starts: list[float], limit: int) -> None:
    time, sent = Time(), list[float]()
    store, rate = MemoryStore(clock=time.clock), RequestRate(limit, 5.0)

    async def together() -> None:
        work = [
            asyncio.create_task(send(time, a_process(time, store, str(place), rate)[1], 30, sent, after=start))
            for place, start in enumerate(starts)
        ]
        await time.run(*work)

    asyncio.run(together())
    assert len(sent) == 30 * len(starts)
    # Beside the shares, each process may send one request in a window before it has one.
    assert most_in_a_window(sent, rate.seconds) <= limit + len(starts)


def test_one_process_alone_has_the_whole_limit_at_once() -> None:
    time, sent = Time(), list[float]()

    async def alone() -> None:
        await time.run(asyncio.create_task(send(time, a_process(time, MemoryStore(), "a")[1], 50, sent)))

    asyncio.run(alone())
    assert sent == [sent[0]] * 50


def test_a_request_now_and_then_needs_no_lease() -> None:
    time, sent, store = Time(), list[float](), MemoryStore()
    pace = a_process(time, store, "a")[1]

    async def seldom() -> None:
        for _ in range(5):
            await time.run(asyncio.create_task(send(time, pace, 1, sent, after=RATE.seconds + 0.1)))
        assert await store.get(Flag, "budget:a") is None

    asyncio.run(seldom())
    assert len(sent) == 5


def test_a_share_that_is_given_back_is_used_by_the_other() -> None:
    time, store = Time(), MemoryStore()
    (first, one), (_, other) = (a_process(time, store, owner) for owner in "ab")
    early, late = list[float](), list[float]()

    async def one_after_the_other() -> None:
        await time.run(asyncio.create_task(send(time, one, 60, early)))
        await first.leave()
        await time.run(asyncio.create_task(send(time, other, 60, late)))

    asyncio.run(one_after_the_other())
    assert late[0] - early[-1] <= RENEW_SECONDS  # one needs no lease
    assert late[-1] - late[0] <= 2 * RATE.seconds + RENEW_SECONDS
    assert most_in_a_window(early + late, RATE.seconds) <= RATE.limit + 2


def test_the_share_of_a_process_that_died_is_free_after_its_lease() -> None:
    time, store = Time(), MemoryStore()
    one, other = (a_process(time, store, owner)[1] for owner in "ab")
    early, late = list[float](), list[float]()

    async def one_dies() -> None:
        await time.run(asyncio.create_task(send(time, one, 60, early)))
        await time.run(asyncio.create_task(send(time, other, 60, late)))

    asyncio.run(one_dies())
    assert late[-1] - early[-1] <= LEASE_SECONDS + 3 * RATE.seconds


class BusyStore(MemoryStore):
    async def get(self, kind: Any, record_id: str) -> Any:
        raise StoreBusy("the disk is away")


def test_without_an_answer_of_the_store_a_process_keeps_to_its_own_pace() -> None:
    time, sent = Time(), list[float]()

    async def alone() -> None:
        budget, pace = a_process(time, BusyStore(), "a")
        await time.run(asyncio.create_task(send(time, pace, 120, sent)))
        await budget.leave()

    asyncio.run(alone())
    assert most_in_a_window(sent, RATE.seconds) == RATE.limit


@pytest.mark.anyio
@pytest.mark.parametrize("value", ["of a later version", '{"b": [1.0, 99999999999]}', '{"b": [0.5, 0]}'])
async def test_what_nobody_can_have_leased_takes_nothing(value: str) -> None:
    """A flag that cannot be read, a lease longer than any, one that is over."""
    time, store = Time(), MemoryStore()
    await store.apply(Insert(Flag(id="budget:a", value=value, at=0.0)))
    sent = list[float]()
    await time.run(asyncio.create_task(send(time, a_process(time, store, "a")[1], 50, sent)))
    assert sent[-1] - sent[0] <= RATE.seconds


@pytest.mark.anyio
async def test_the_limit_of_all_requests_holds() -> None:
    time, sent = Time(), list[float]()

    async def answer(request: httpx.Request) -> httpx.Response:
        sent.append(time.now)
        return httpx.Response(200, json={"id": "dfl-1", "name": "a.pdf"})

    pace = Pace(RequestRate(20, 60.0), clock=time.clock, sleep=time.sleep)
    transport = Transport(
        "https://api.example.com", "llx-a", pace=pace, patience=Timeouts(look_seconds=0.5, connect_seconds=0.5),
        transport=httpx.MockTransport(answer),
    )  # fmt: skip

    async def ask() -> None:
        await transport.send(Call(method="GET", path="/api/v1/beta/files/dfl-1", about=About.FILE))

    await time.run(*(asyncio.create_task(ask()) for _ in range(50)))
    await transport.close()
    assert (len(sent), most_in_a_window(sent, 60.0)) == (50, 20)
