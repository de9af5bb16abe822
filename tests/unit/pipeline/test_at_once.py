"""Several things at a time: in order, never more than asked for, and the first failure is the last thing begun."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.core.errors import StoreBusy
from receiver.pipeline.at_once import at_once


@given(number=st.integers(1, 20), pauses=st.lists(st.integers(0, 3), max_size=40))
def test_results_come_in_order_and_at_most_so_many_are_in_hand(number: int, pauses: list[int]) -> None:
    in_hand = most = 0

    async def work(item: tuple[int, int]) -> int:
        nonlocal in_hand, most
        place, pause = item
        in_hand += 1
        most = max(most, in_hand)
        for _ in range(pause):
            await asyncio.sleep(0)
        in_hand -= 1
        return place

    assert asyncio.run(at_once(number, enumerate(pauses), work)) == list(range(len(pauses)))
    assert most <= number


@pytest.mark.anyio
async def test_after_a_failure_those_in_hand_are_finished_and_no_other_is_begun() -> None:
    begun, ended, all_begun, go_on = list[int](), list[int](), asyncio.Event(), asyncio.Event()

    async def work(item: int) -> None:
        begun.append(item)
        if len(begun) == 3:
            all_begun.set()
        if item == 1:
            raise StoreBusy("the disk is full")
        await go_on.wait()
        ended.append(item)

    running = asyncio.create_task(at_once(3, range(100), work))
    await all_begun.wait()
    go_on.set()
    with pytest.raises(StoreBusy, match="the disk is full"):
        await running
    assert (begun, ended) == ([0, 1, 2], [0, 2])
