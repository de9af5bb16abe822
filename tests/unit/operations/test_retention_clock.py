"""Retention follows the machine's clock by bounded steps: a clock that is wrong for a while has nothing forgotten."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receiver.core.document import Document
from receiver.operations.retention import apply_retention_steadily
from receiver.operations.retention_clock import STEP, retention_time
from tests.in_memory_app import InMemoryApp

pytestmark = pytest.mark.anyio
DAY, YEAR, EVERY = 86400.0, 365 * 86400.0, 60.0


async def settled(app: InMemoryApp) -> Document:
    """A document that just found its place."""
    document = await app.routed("invoice")
    assert document.forgettable == "content"
    return document


async def passes(app: InMemoryApp, count: int) -> int:
    """How many documents' bytes so many passes forget, a minute between two."""
    forgotten = 0
    for _ in range(count):
        forgotten += (await apply_retention_steadily(app.context, every_seconds=EVERY)).forgotten
        app.later(EVERY)
    return forgotten


async def test_a_clock_that_is_a_year_ahead_after_a_start_has_nothing_forgotten(app: InMemoryApp) -> None:
    document = await settled(app)
    assert await passes(app, 2) == 0
    app.later(YEAR)
    assert await passes(app, 30) == 0
    app.later(-YEAR)
    assert await passes(app, 2) == 0
    assert (await app.context.content(document)).size == document.size


async def test_a_first_pass_before_there_was_a_mailroom_does_not_hold_up_the_later_ones(app: InMemoryApp) -> None:
    now = app.now
    app.now = 10.0
    assert await passes(app, 1) == 0
    app.now = now
    await settled(app)
    app.later(31 * DAY)
    hours = (app.now - 1_767_225_600) / STEP
    assert await passes(app, int(hours) + 1) == 1


async def test_after_a_month_switched_off_retention_catches_up_within_hours(app: InMemoryApp) -> None:
    await settled(app)
    await passes(app, 1)
    app.later(31 * DAY)
    assert await passes(app, 31 * 24) == 1


async def test_one_pass_by_a_clock_that_is_a_year_behind_holds_up_none_of_the_later_ones(app: InMemoryApp) -> None:
    await retention_time(app.context, every_seconds=EVERY)
    app.later(-YEAR)
    assert await retention_time(app.context, every_seconds=EVERY) == app.now
    app.later(YEAR)
    assert await retention_time(app.context, every_seconds=EVERY) == app.now


async def test_a_clock_that_was_behind_for_long_comes_back_by_steps(app: InMemoryApp) -> None:
    await retention_time(app.context, every_seconds=EVERY)
    app.later(-DAY)
    await passes(app, 24)
    app.later(DAY)
    assert await retention_time(app.context, every_seconds=EVERY) < app.now - DAY + 2 * STEP


@pytest.mark.parametrize("every", [EVERY, 3 * 3600.0])
async def test_passes_that_are_far_apart_stay_with_the_clock(app: InMemoryApp, every: float) -> None:
    await retention_time(app.context, every_seconds=every)
    for _ in range(5):
        app.later(every * 1.5)
        assert await retention_time(app.context, every_seconds=every) == app.now


async def test_the_first_pass_believes_no_more_than_its_clock_shows(app: InMemoryApp) -> None:
    app.now = 10.0
    assert await retention_time(app.context, every_seconds=EVERY) == 10.0


@given(st.lists(st.floats(-10 * YEAR, 10 * YEAR), min_size=1, max_size=30))
@settings(max_examples=50)
def test_no_pass_believes_more_than_a_step_and_none_more_than_its_own_clock(sets: list[float]) -> None:
    async def run() -> None:
        app = InMemoryApp(Path("unused"))
        start = await retention_time(app.context, every_seconds=EVERY)
        for count, seconds in enumerate(sets, 1):
            app.later(seconds)
            at = await retention_time(app.context, every_seconds=EVERY)
            assert at <= min(app.now, start + count * (STEP + 2 * EVERY))

    asyncio.run(run())
