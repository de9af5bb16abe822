"""A clock that is wrong, or was set, is told."""

from dataclasses import replace

import pytest

from receiver.operations.clock_skew import ALERT_EVERY, APART, LLAMACLOUD, STEP, Skew, SkewMonitor, alert_of_skew, still
from receiver.operations.close_incidents import GONE_SECONDS
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
    told = machine.watch.compared(app.context)
    assert (told and told.seconds) == apart
    assert machine.watch.compared(app.context) is None
    machine.seconds += ALERT_EVERY
    assert (machine.watch.compared(app.context) is None) == (apart is None)


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
        if (skew := machine.watch.compared(app.context)) is not None:
            await alert_of_skew(skew, "host:7", app.context)
        await app.work()
        for after in (0.0, GONE_SECONDS) if not ahead else ():
            await sweep_after(app, after=after)
    (incident,) = await app.incidents()
    assert (incident.number, incident.count) == (2, 1)
