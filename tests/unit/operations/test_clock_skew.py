"""A clock that is wrong, or was set, is told."""

import re
from dataclasses import replace

import pytest

from receiver.background import BackgroundLoops
from receiver.core.incident import Status
from receiver.operations.clock_skew import (
    ALERT_EVERY,
    APART,
    LLAMACLOUD,
    STEP,
    STORE,
    Skew,
    SkewMonitor,
    alert_of_skew,
    still,
)
from receiver.operations.clock_skew import apart as apart_of
from receiver.operations.close_incidents import GONE_SECONDS
from receiver.operations.leader_lock import LeaderLock
from tests.in_memory_app import InMemoryApp
from tests.unit.alerting.test_alert import sweep_after

pytestmark = pytest.mark.anyio


class Machine:
    """One whose clock can be set; ``seconds`` is the one that nobody sets."""

    def __init__(self, app: InMemoryApp) -> None:
        self.memory_app = app
        self.seconds = 0.0
        self.watch = SkewMonitor(clock=lambda: self.seconds)

    def later(self, seconds: float, *, clock: float) -> Skew | None:
        self.seconds += seconds
        self.memory_app.later(clock)
        return self.watch.check(self.memory_app.context)


@pytest.mark.parametrize(("clock", "found"), [(15, None), (15 + STEP, STEP), (-3600, -3615), (3615, 3600)])
async def test_a_clock_that_is_set_is_noticed_and_one_that_runs_is_not(
    app: InMemoryApp, clock: float, found: float | None
) -> None:
    machine = Machine(app)
    machine.later(0, clock=0)
    skew = machine.later(15, clock=clock)
    assert (skew and round(skew.seconds)) == found
    assert machine.later(15, clock=15) is None


@pytest.mark.parametrize(("ahead", "apart"), [(None, None), (APART - 1, None), (APART, -APART), (-240.0, 240.0)])
async def test_a_clock_that_is_apart_from_llamaclouds_is_told_once_in_an_hour(
    app: InMemoryApp, ahead: float | None, apart: float | None
) -> None:
    machine = Machine(app)
    app.cloud.clock_ahead = ahead
    lasting = await apart_of(app.context)
    told = machine.watch.unreported(lasting)
    assert (told and told.seconds) == apart
    assert machine.watch.unreported(lasting) is None
    machine.seconds += ALERT_EVERY
    assert machine.watch.unreported(lasting) == lasting


@pytest.mark.parametrize(
    ("llamacloud", "other", "found"),
    [
        (None, 0.0, None),
        (None, 900.0, Skew(STORE, 900.0)),
        (None, -900.0, Skew(STORE, -900.0)),
        (None, APART - 1, None),
        (0.4, -900.0, Skew(STORE, -900.0)),
        (-900.0, 900.0, Skew(LLAMACLOUD, 900.0)),
    ],
)
async def test_a_worker_compares_itself_with_llamacloud_or_else_with_another_worker(
    app: InMemoryApp, llamacloud: float | None, other: float, found: Skew | None
) -> None:
    app.cloud.clock_ahead = llamacloud
    assert await apart_of(app.context, ahead_of_other=other) == found
    if found is not None and found.against == STORE:  # who is wrong says so itself: one alert is enough
        await alert_of_skew(Skew(LLAMACLOUD, 900.0), "other:8", app.context)
        await app.work()
        assert await apart_of(app.context, ahead_of_other=other) is None


@pytest.mark.parametrize("wrong_by", [900.0, -900.0])
async def test_a_worker_that_asks_llamacloud_for_nothing_and_has_a_wrong_clock_raises_the_alert(
    app: InMemoryApp, wrong_by: float
) -> None:
    seconds = 0.0
    workers = {"right": 0.0, "wrong": wrong_by}
    loops = {name: BackgroundLoops(app.context, name, lease_seconds=90, sweep_seconds=60) for name in workers}
    for name, item in loops.items():
        item._sweep_turn = LeaderLock("sweep", name, every_seconds=60, clock=lambda: seconds)
        item._clock = SkewMonitor(clock=lambda: seconds)
    for _ in range(30):
        for name, item in loops.items():
            app.later(workers[name])
            await item._sweep_turn.acquired(app.context)
            await item._look_at_clock()
            app.later(-workers[name])
        seconds += 15
        app.later(15)
        await app.work()
    (incident,) = [item for item in await app.incidents() if item.kind == "clock.skewed"]
    assert (incident.status, incident.cause) == (Status.FIRING, STORE)
    assert {"right", "wrong"} <= set(re.findall(r"\w+", incident.detail))


async def test_a_person_hears_of_it_in_plain_words(app: InMemoryApp) -> None:
    for skew in (Skew("llamacloud", 240), Skew("step", -3600), Skew("store", -3600)):
        await alert_of_skew(skew, "host:7", app.context)
        await alert_of_skew(replace(skew, seconds=skew.seconds + 1), "host:7", app.context)
    await app.work()
    app.later(60)
    await app.work()
    assert sorted(notice.title for notice, _ in app.channel.told) == [
        "a machine's clock is 240 s ahead of LlamaCloud's",
        "a machine's clock is 3600 s behind the times that other machines wrote to the store",
        "a machine's clock was set back by 3600 s, or the machine was suspended",
    ]
    assert {notice.kind for notice, _ in app.channel.told} == {"clock.skewed"}


async def test_it_is_resolved_when_no_machine_finds_its_clock_wrong_any_more(app: InMemoryApp) -> None:
    skew = Skew(LLAMACLOUD, 240)
    await alert_of_skew(skew, "host:7", app.context)
    for _ in range(5):
        await sweep_after(app)  # this machine's clock is right, and that of another is not
        await still(skew, "other:8", app.context)
    assert app.channel.words == ["firing clock.skewed"]
    await sweep_after(app)
    await sweep_after(app, after=GONE_SECONDS)
    assert app.channel.words == ["firing clock.skewed", "resolved clock.skewed"]


async def test_what_comes_back_within_the_hour_is_told_anew(app: InMemoryApp) -> None:
    machine = Machine(app)
    for ahead in (0.0, -240.0, -240.0, 0.0, -240.0):
        app.cloud.clock_ahead = ahead
        if (skew := machine.watch.unreported(await apart_of(app.context))) is not None:
            await alert_of_skew(skew, "host:7", app.context)
        await app.work()
        for after in (0.0, GONE_SECONDS) if not ahead else ():
            await sweep_after(app, after=after)
    (incident,) = await app.incidents()
    assert (incident.number, incident.count) == (2, 1)
