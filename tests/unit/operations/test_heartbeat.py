"""The heartbeat is given after each sweep, and stops when the sweep does, or when nobody could be told of anything."""

import contextlib
from dataclasses import replace
from pathlib import Path

import pytest

from receiver.alerting.send_test import send_test
from receiver.core.errors import CloudBusy, DestinationBusy, Unroutable
from receiver.core.flag import Flag
from receiver.operations.heartbeat import HEARTBEAT
from receiver.operations.sweep import sweep
from tests.in_memory_app import TABLE, InMemoryApp, InMemoryChannel

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
def app(tmp_path: Path, watchdog: Watchdog) -> InMemoryApp:
    app = InMemoryApp(tmp_path, TABLE + f'  - {{on: ["*"], to: "{OTHER}"}}\n')
    channels = {"log": app.channel, OTHER: InMemoryChannel()}
    app.context = replace(app.context, channels=channels, heartbeat=watchdog)
    return app


async def last_beat(app: InMemoryApp) -> float | None:
    flag = await app.store.get(Flag, HEARTBEAT)
    return flag.at if flag else None


async def test_each_sweep_gives_a_sign_and_notes_when(app: InMemoryApp, watchdog: Watchdog) -> None:
    for number in range(1, 3):
        app.later(60)
        assert (await sweep(app.context)).heartbeat_withheld == ""
        assert (watchdog.beats, await last_beat(app)) == (number, app.now)


async def test_llamacloud_may_be_away(app: InMemoryApp, watchdog: Watchdog) -> None:
    await app.submitted()
    app.cloud.broken = CloudBusy("it is away")
    app.later(10_000)
    with contextlib.suppress(CloudBusy):
        await sweep(app.context)
    assert watchdog.beats == 1


async def test_it_stops_when_no_channel_works_that_a_person_hears(app: InMemoryApp, watchdog: Watchdog) -> None:
    channel = app.context.channels[OTHER]
    assert isinstance(channel, InMemoryChannel)
    channel.broken = Unroutable("410 Gone")
    await send_test(OTHER, app.context, who="ann")
    app.later(60)
    assert "no alert channel works" in (await sweep(app.context)).heartbeat_withheld
    assert (watchdog.beats, await last_beat(app)) == (0, None)
    channel.broken = None
    await send_test(OTHER, app.context, who="ann")
    assert (await sweep(app.context)).heartbeat_withheld == ""
    assert watchdog.beats == 1


async def test_a_watchdog_that_does_not_answer_is_told_of_and_fails_nothing(
    app: InMemoryApp, watchdog: Watchdog
) -> None:
    watchdog.broken = DestinationBusy("MAILROOM_HEARTBEAT_URL did not answer")
    assert "did not answer" in (await sweep(app.context)).heartbeat_withheld
    assert await last_beat(app) == app.now


async def test_without_a_watchdog_the_metric_alone_goes_on(app: InMemoryApp) -> None:
    app.context = replace(app.context, heartbeat=None)
    assert (await sweep(app.context)).heartbeat_withheld == ""
    assert await last_beat(app) == app.now
