"""A queue that takes messages and delivers none, as people hear of it."""

import pytest

from receiver.flow.assess import GONE_SECONDS
from receiver.flow.recover import note_heard, tell_of_silence
from tests.desk import Desk
from tests.unit.flow.test_alert import swept

pytestmark = pytest.mark.anyio


async def silent(desk: Desk) -> None:
    await tell_of_silence(3, desk.tools)
    await desk.work()


async def test_a_silent_queue_is_resolved_when_it_brings_a_message_and_not_before(desk: Desk) -> None:
    await note_heard(desk.tools)  # long ago
    desk.later(600)
    await silent(desk)
    for _ in range(5):
        await swept(desk, after=GONE_SECONDS)
    assert desk.channel.words == ["firing queue.silent"]
    await note_heard(desk.tools)
    await swept(desk)
    await swept(desk, after=GONE_SECONDS)
    assert desk.channel.words == ["firing queue.silent", "resolved queue.silent"]


async def test_a_queue_that_falls_silent_again_within_the_hour_is_the_next_incident(desk: Desk) -> None:
    for _ in range(2):
        await silent(desk)
        await silent(desk)
        desk.later(1)
        await note_heard(desk.tools)
        await swept(desk)
        await swept(desk, after=GONE_SECONDS)
    (incident,) = await desk.incidents()
    assert (incident.number, incident.count) == (2, 1)
