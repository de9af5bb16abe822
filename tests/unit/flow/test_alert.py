"""One alert per cause and window; alert delivery is itself a retried task."""

from dataclasses import replace

import pytest

from receiver.core.errors import DestinationBusy
from receiver.core.job import JobStatus
from receiver.core.task import TaskState
from tests.desk import TABLE, Desk, PlayedChannel

pytestmark = pytest.mark.anyio


async def fail(desk: Desk, name: str, error: str = "The PDF is encrypted") -> None:
    document = await desk.submitted(name=name)
    desk.cloud.finish(document.job_id, JobStatus.FAILED, error=error)
    await desk.event(document.job_id, "classify.error")
    await desk.work()


async def test_a_hundred_failures_of_one_cause_are_one_notice(desk: Desk) -> None:
    for number in range(100):
        await fail(desk, f"{number}.pdf")
    (state,) = await desk.alerts()
    assert (len(desk.channel.told), state.count, state.suppressed) == (1, 100, 99)


async def test_another_cause_is_another_notice(desk: Desk) -> None:
    await fail(desk, "a.pdf")
    await fail(desk, "b.pdf", "The PDF is damaged")
    assert len(desk.channel.told) == 2


async def test_after_the_window_it_is_told_again_with_the_count(desk: Desk) -> None:
    await fail(desk, "a.pdf")
    await fail(desk, "b.pdf")
    desk.later(601)
    await fail(desk, "c.pdf")
    assert [count for _, count in desk.channel.told] == [1, 3]


async def test_a_channel_that_is_down_is_tried_again(desk: Desk) -> None:
    desk.channel.broken = DestinationBusy("down")
    await fail(desk, "a.pdf")
    (task,) = await desk.tasks("notify")
    assert task.state is TaskState.READY
    desk.channel.broken = None
    desk.later(10)
    await desk.work()
    assert len(desk.channel.told) == 1


async def test_two_rules_for_one_channel_are_one_notice(desk: Desk) -> None:
    desk.use(TABLE + "  - {on: [job.failed], to: log, at_most: 1 per 5 minutes}\n")
    await fail(desk, "a.pdf")
    assert len(desk.channel.told) == 1


async def test_two_channels_with_long_addresses_are_both_told(desk: Desk) -> None:
    addresses = [f"https://alerts.example.com/{'x' * 300}/{number}" for number in range(2)]
    desk.use(TABLE + "".join(f"  - {{on: [job.failed], to: '{one}'}}\n" for one in addresses))
    channels = {one: PlayedChannel() for one in ("log", *addresses)}
    desk.tools = replace(desk.tools, channels=channels)
    await fail(desk, "a.pdf", error="it is broken: " + "far too long " * 50)
    assert [len(one.told) for one in channels.values()] == [1, 1, 1]
