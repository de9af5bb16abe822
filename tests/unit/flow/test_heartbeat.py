"""The heartbeat is given after each sweep, and stops when the sweep does, or when nobody could be told of anything."""

import contextlib
from dataclasses import replace
from pathlib import Path

import pytest

from receiver.core.errors import CloudBusy, DestinationBusy, Unroutable
from receiver.core.flag import Flag
from receiver.flow.heartbeat import HEARTBEAT
from receiver.flow.sweep import sweep
from receiver.flow.tryout import try_out
from tests.desk import TABLE, Desk, PlayedChannel

pytestmark = pytest.mark.anyio
OTHER = "https://alerts.example.com"


class Watchdog:
    """Counts the signs of life."""

    def __init__(self) -> None:
        self.beats = 0
        self.broken: Exception | None = None

    async def __call__(self) -> None:
        if self.broken:
            raise self.broken
        self.beats += 1


@pytest.fixture
def watchdog() -> Watchdog:
    return Watchdog()


@pytest.fixture
def desk(tmp_path: Path, watchdog: Watchdog) -> Desk:
    desk = Desk(tmp_path, TABLE + f'  - {{on: ["*"], to: "{OTHER}"}}\n')
    channels = {"log": desk.channel, OTHER: PlayedChannel()}
    desk.tools = replace(desk.tools, channels=channels, heartbeat=watchdog)
    return desk


async def last_beat(desk: Desk) -> float | None:
    flag = await desk.store.get(Flag, HEARTBEAT)
    return flag.at if flag else None


async def test_each_sweep_gives_a_sign_and_notes_when(desk: Desk, watchdog: Watchdog) -> None:
    for number in range(1, 3):
        desk.later(60)
        assert (await sweep(desk.tools)).mute == ""
        assert (watchdog.beats, await last_beat(desk)) == (number, desk.now)


async def test_llamacloud_may_be_away(desk: Desk, watchdog: Watchdog) -> None:
    await desk.submitted()
    desk.cloud.broken = CloudBusy("it is away")
    desk.later(10_000)
    with contextlib.suppress(CloudBusy):
        await sweep(desk.tools)
    assert watchdog.beats == 1


async def test_it_stops_when_no_channel_works_that_a_person_hears(desk: Desk, watchdog: Watchdog) -> None:
    channel = desk.tools.channels[OTHER]
    assert isinstance(channel, PlayedChannel)
    channel.broken = Unroutable("410 Gone")
    await try_out(OTHER, desk.tools, who="ann")
    desk.later(60)
    assert "no alert channel takes notices" in (await sweep(desk.tools)).mute
    assert (watchdog.beats, await last_beat(desk)) == (0, None)
    channel.broken = None
    await try_out(OTHER, desk.tools, who="ann")
    assert (await sweep(desk.tools)).mute == ""
    assert watchdog.beats == 1


async def test_a_watchdog_that_does_not_answer_is_told_of_and_fails_nothing(desk: Desk, watchdog: Watchdog) -> None:
    watchdog.broken = DestinationBusy("MAILROOM_HEARTBEAT_URL did not answer")
    assert "did not answer" in (await sweep(desk.tools)).mute
    assert await last_beat(desk) == desk.now


async def test_without_a_watchdog_the_metric_alone_goes_on(desk: Desk) -> None:
    desk.tools = replace(desk.tools, heartbeat=None)
    assert (await sweep(desk.tools)).mute == ""
    assert await last_beat(desk) == desk.now
