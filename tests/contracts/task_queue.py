"""What every doorbell keeps to. A subclass provides the fixture ``queue``.

Some bells name the tasks they ring for, some only say that something is up: ``heard`` knows both.
"""

import asyncio
from collections.abc import Collection

import pytest

from receiver.ports import Message, TaskQueue

PATIENCE = 10.0
"""Seconds after which a ring that did not come is missing."""
MOMENT = 0.3


async def heard(queue: TaskQueue, wanted: Collection[str], *, within: float = PATIENCE) -> list[Message]:
    """The rings until all of the wanted tasks were rung for; each is answered. Fails when one is missing."""
    messages: list[Message] = []
    try:
        async with asyncio.timeout(within):
            while not {message.task_id for message in messages} & {""} and not set(wanted) <= {
                message.task_id for message in messages
            }:
                came = await queue.receive(timeout_seconds=1.0)
                await queue.ack(*came)
                messages += came
    except TimeoutError:
        raise AssertionError(f"of {sorted(wanted)} only {messages} came") from None
    return messages


async def silent(queue: TaskQueue) -> bool:
    """Whether nothing rings at the moment."""
    return await queue.receive(timeout_seconds=MOMENT) == []


@pytest.mark.anyio
class TaskQueueContract:
    async def test_a_bell_that_nobody_rang_is_silent(self, queue: TaskQueue) -> None:
        assert await silent(queue)

    async def test_a_ring_wakes_who_waits(self, queue: TaskQueue) -> None:
        waiting = asyncio.create_task(heard(queue, ["task"]))
        await asyncio.sleep(MOMENT)
        await queue.enqueue("task")
        await waiting

    async def test_a_ring_before_anybody_waits_is_heard(self, queue: TaskQueue) -> None:
        await queue.enqueue("task")
        await heard(queue, ["task"])

    async def test_an_answered_ring_is_over(self, queue: TaskQueue) -> None:
        await queue.enqueue("task")
        await heard(queue, ["task"])
        assert await silent(queue)

    async def test_each_of_many_tasks_is_rung_for(self, queue: TaskQueue) -> None:
        ids = [f"task-{number}" for number in range(25)]
        await queue.enqueue(*ids)
        await heard(queue, ids)

    async def test_a_ring_of_no_task_is_none(self, queue: TaskQueue) -> None:
        await queue.ack()
        await queue.nack()

    @pytest.mark.parametrize("task_id", ["react:jöb 1:classify.success", 'a"b\\c\n', "\x00\x07", "📬", "x" * 5000])
    async def test_a_task_may_have_any_name(self, queue: TaskQueue, task_id: str) -> None:
        await queue.enqueue(task_id)
        await heard(queue, [task_id])

    async def test_a_late_ring_is_late(self, queue: TaskQueue) -> None:
        await queue.enqueue("task", delay_seconds=0.9)
        assert await silent(queue)
        await heard(queue, ["task"])

    async def test_a_ring_that_is_due_long_from_now_is_left_to_the_sweep(self, queue: TaskQueue) -> None:
        await queue.enqueue("task", delay_seconds=86400)
        assert await silent(queue)

    async def test_a_delay_that_is_over_is_no_delay(self, queue: TaskQueue) -> None:
        await queue.enqueue("task", delay_seconds=-5)
        await heard(queue, ["task"])

    async def test_who_stops_waiting_takes_nothing_along(self, queue: TaskQueue) -> None:
        waiting = asyncio.create_task(queue.receive(timeout_seconds=1.0))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await queue.close()

    async def test_closing_twice_is_closing_once(self, queue: TaskQueue) -> None:
        await queue.enqueue("task")
        await queue.close()
        await queue.close()
