"""A queue that takes messages and delivers none, as people hear of it."""

import pytest

from receiver.operations.close_incidents import GONE_SECONDS
from receiver.operations.stalled_queue import alert_of_silence, note_received
from tests.in_memory_app import InMemoryApp
from tests.unit.alerting.test_alert import sweep_after

pytestmark = pytest.mark.anyio


async def silent(app: InMemoryApp) -> None:
    await alert_of_silence(3, app.context)
    await app.work()


async def test_a_silent_queue_is_resolved_when_it_brings_a_message_and_not_before(app: InMemoryApp) -> None:
    await note_received(app.context)  # long ago
    app.later(600)
    await silent(app)
    for _ in range(5):
        await sweep_after(app, after=GONE_SECONDS)
    assert app.channel.words == ["firing queue.silent"]
    await note_received(app.context)
    await sweep_after(app)
    await sweep_after(app, after=GONE_SECONDS)
    assert app.channel.words == ["firing queue.silent", "resolved queue.silent"]


async def test_a_queue_that_falls_silent_again_within_the_hour_is_the_next_incident(app: InMemoryApp) -> None:
    for _ in range(2):
        await silent(app)
        await silent(app)
        app.later(1)
        await note_received(app.context)
        await sweep_after(app)
        await sweep_after(app, after=GONE_SECONDS)
    (incident,) = await app.incidents()
    assert (incident.number, incident.count) == (2, 1)
