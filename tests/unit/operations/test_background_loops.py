"""The loops of workers that started in the same moment drift apart."""

import asyncio
from dataclasses import replace

import pytest

from receiver.background import OVERDUE_SECONDS, STAGGER, BackgroundLoops
from tests.in_memory_app import InMemoryApp

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("spread", [0.0, 0.5, 1.0])
async def test_a_part_of_each_pause_is_random_and_no_pause_is_longer_for_it(
    app: InMemoryApp, monkeypatch: pytest.MonkeyPatch, spread: float
) -> None:
    pauses: list[float] = []

    async def noted(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            raise asyncio.CancelledError

    monkeypatch.setattr("receiver.background.asyncio.sleep", noted)
    context = replace(app.context, spread=lambda: spread)
    loops = BackgroundLoops(context, "host:1", lease_seconds=90, sweep_seconds=60)
    with pytest.raises(asyncio.CancelledError):
        await loops.loops()["overdue"]()
    assert pauses == [pytest.approx(OVERDUE_SECONDS * (1 - STAGGER * spread))] * 3
