"""Retention follows the machine's clock by bounded steps: a clock that is wrong for a while has nothing forgotten."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receiver.core.document import Document
from receiver.flow.pace import STEP, believed
from receiver.flow.retention import tidy_in_pace
from tests.desk import Desk

pytestmark = pytest.mark.anyio
DAY, YEAR, EVERY = 86400.0, 365 * 86400.0, 60.0


async def settled(desk: Desk) -> Document:
    """A document that just found its place."""
    document = await desk.routed("invoice")
    assert document.forgettable == "content"
    return document


async def passes(desk: Desk, count: int) -> int:
    """How many documents' bytes so many passes forget, a minute between two."""
    forgotten = 0
    for _ in range(count):
        forgotten += (await tidy_in_pace(desk.tools, every_seconds=EVERY)).forgotten
        desk.later(EVERY)
    return forgotten


async def test_a_clock_that_is_a_year_ahead_after_a_start_has_nothing_forgotten(desk: Desk) -> None:
    document = await settled(desk)
    assert await passes(desk, 2) == 0
    desk.later(YEAR)
    assert await passes(desk, 30) == 0
    desk.later(-YEAR)
    assert await passes(desk, 2) == 0
    assert (await desk.tools.content(document)).size == document.size


async def test_a_first_pass_before_there_was_a_mailroom_does_not_hold_up_the_later_ones(desk: Desk) -> None:
    now = desk.now
    desk.now = 10.0
    assert await passes(desk, 1) == 0
    desk.now = now
    await settled(desk)
    desk.later(31 * DAY)
    hours = (desk.now - 1_767_225_600) / STEP
    assert await passes(desk, int(hours) + 1) == 1


async def test_after_a_month_switched_off_retention_catches_up_within_hours(desk: Desk) -> None:
    await settled(desk)
    await passes(desk, 1)
    desk.later(31 * DAY)
    assert await passes(desk, 31 * 24) == 1


async def test_one_pass_by_a_clock_that_is_a_year_behind_holds_up_none_of_the_later_ones(desk: Desk) -> None:
    await believed(desk.tools, every_seconds=EVERY)
    desk.later(-YEAR)
    assert await believed(desk.tools, every_seconds=EVERY) == desk.now
    desk.later(YEAR)
    assert await believed(desk.tools, every_seconds=EVERY) == desk.now


async def test_a_clock_that_was_behind_for_long_comes_back_by_steps(desk: Desk) -> None:
    await believed(desk.tools, every_seconds=EVERY)
    desk.later(-DAY)
    await passes(desk, 24)
    desk.later(DAY)
    assert await believed(desk.tools, every_seconds=EVERY) < desk.now - DAY + 2 * STEP


@pytest.mark.parametrize("every", [EVERY, 3 * 3600.0])
async def test_passes_that_are_far_apart_stay_with_the_clock(desk: Desk, every: float) -> None:
    await believed(desk.tools, every_seconds=every)
    for _ in range(5):
        desk.later(every * 1.5)
        assert await believed(desk.tools, every_seconds=every) == desk.now


async def test_the_first_pass_believes_no_more_than_its_clock_shows(desk: Desk) -> None:
    desk.now = 10.0
    assert await believed(desk.tools, every_seconds=EVERY) == 10.0


@given(st.lists(st.floats(-10 * YEAR, 10 * YEAR), min_size=1, max_size=30))
@settings(max_examples=50)
def test_no_pass_believes_more_than_a_step_and_none_more_than_its_own_clock(sets: list[float]) -> None:
    async def run() -> None:
        desk = Desk(Path("unused"))
        start = await believed(desk.tools, every_seconds=EVERY)
        for count, seconds in enumerate(sets, 1):
            desk.later(seconds)
            at = await believed(desk.tools, every_seconds=EVERY)
            assert at <= min(desk.now, start + count * (STEP + 2 * EVERY))

    asyncio.run(run())
