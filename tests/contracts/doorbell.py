"""What every doorbell keeps to. A subclass provides the fixture ``bell``.

Some bells name the tasks they ring for, some only say that something is up: ``heard`` knows both.
"""

import asyncio
from collections.abc import Collection

import pytest

from receiver.ports import Doorbell, Ring

PATIENCE = 10.0
"""Seconds after which a ring that did not come is missing."""
MOMENT = 0.3


async def heard(bell: Doorbell, wanted: Collection[str], *, within: float = PATIENCE) -> list[Ring]:
    """The rings until all of the wanted tasks were rung for; each is answered. Fails when one is missing."""
    rings: list[Ring] = []
    try:
        async with asyncio.timeout(within):
            while not {ring.task_id for ring in rings} & {""} and not set(wanted) <= {ring.task_id for ring in rings}:
                came = await bell.wait(timeout_seconds=1.0)
                await bell.answered(*came)
                rings += came
    except TimeoutError:
        raise AssertionError(f"of {sorted(wanted)} only {rings} came") from None
    return rings


async def silent(bell: Doorbell) -> bool:
    """Whether nothing rings at the moment."""
    return await bell.wait(timeout_seconds=MOMENT) == []


@pytest.mark.anyio
class DoorbellContract:
    async def test_a_bell_that_nobody_rang_is_silent(self, bell: Doorbell) -> None:
        assert await silent(bell)

    async def test_a_ring_wakes_who_waits(self, bell: Doorbell) -> None:
        waiting = asyncio.create_task(heard(bell, ["task"]))
        await asyncio.sleep(MOMENT)
        await bell.ring("task")
        await waiting

    async def test_a_ring_before_anybody_waits_is_heard(self, bell: Doorbell) -> None:
        await bell.ring("task")
        await heard(bell, ["task"])

    async def test_an_answered_ring_is_over(self, bell: Doorbell) -> None:
        await bell.ring("task")
        await heard(bell, ["task"])
        assert await silent(bell)

    async def test_each_of_many_tasks_is_rung_for(self, bell: Doorbell) -> None:
        ids = [f"task-{number}" for number in range(25)]
        await bell.ring(*ids)
        await heard(bell, ids)

    async def test_a_ring_of_no_task_is_none(self, bell: Doorbell) -> None:
        await bell.answered()
        await bell.unanswered()

    @pytest.mark.parametrize("task_id", ["react:jöb 1:classify.success", 'a"b\\c\n', "\x00\x07", "📬", "x" * 5000])
    async def test_a_task_may_have_any_name(self, bell: Doorbell, task_id: str) -> None:
        await bell.ring(task_id)
        await heard(bell, [task_id])

    async def test_a_late_ring_is_late(self, bell: Doorbell) -> None:
        await bell.ring("task", delay_seconds=0.9)
        assert await silent(bell)
        await heard(bell, ["task"])

    async def test_a_ring_that_is_due_long_from_now_is_left_to_the_sweep(self, bell: Doorbell) -> None:
        await bell.ring("task", delay_seconds=86400)
        assert await silent(bell)

    async def test_a_delay_that_is_over_is_no_delay(self, bell: Doorbell) -> None:
        await bell.ring("task", delay_seconds=-5)
        await heard(bell, ["task"])

    async def test_who_stops_waiting_takes_nothing_along(self, bell: Doorbell) -> None:
        waiting = asyncio.create_task(bell.wait(timeout_seconds=1.0))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await bell.close()

    async def test_closing_twice_is_closing_once(self, bell: Doorbell) -> None:
        await bell.ring("task")
        await bell.close()
        await bell.close()
