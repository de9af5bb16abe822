"""A clock that is wrong, or was set, is told."""

from dataclasses import replace

import pytest

from receiver.flow.assess import GONE_SECONDS
from receiver.flow.skew import APART, LLAMACLOUD, STEP, TOLD_EVERY, Skew, Watch, still, tell
from tests.desk import Desk
from tests.unit.flow.test_alert import swept

pytestmark = pytest.mark.anyio


class Machine:
    """One whose clock can be set; ``seconds`` is the one that nobody sets."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.seconds = 0.0
        self.watch = Watch(clock=lambda: self.seconds)

    def later(self, seconds: float, *, clock: float) -> Skew | None:
        self.seconds += seconds
        self.desk.later(clock)
        return self.watch.look(self.desk.tools)


@pytest.mark.parametrize(("clock", "found"), [(15, None), (15 + STEP, STEP), (-3600, -3615), (3615, 3600)])
async def test_a_clock_that_is_set_is_noticed_and_one_that_runs_is_not(
    desk: Desk, clock: float, found: float | None
) -> None:
    machine = Machine(desk)
    machine.later(0, clock=0)
    skew = machine.later(15, clock=clock)
    assert (skew and round(skew.seconds)) == found
    assert machine.later(15, clock=15) is None


@pytest.mark.parametrize(("ahead", "apart"), [(None, None), (APART - 1, None), (APART, -APART), (-240.0, 240.0)])
async def test_a_clock_that_is_apart_from_llamaclouds_is_told_once_in_an_hour(
    desk: Desk, ahead: float | None, apart: float | None
) -> None:
    machine = Machine(desk)
    desk.cloud.clock_ahead = ahead
    told = machine.watch.compared(desk.tools)
    assert (told and told.seconds) == apart
    assert machine.watch.compared(desk.tools) is None
    machine.seconds += TOLD_EVERY
    assert (machine.watch.compared(desk.tools) is None) == (apart is None)


async def test_a_person_hears_of_it_in_plain_words(desk: Desk) -> None:
    for skew in (Skew("llamacloud", 240), Skew("step", -3600), Skew("store", -3600)):
        await tell(skew, "host:7", desk.tools)
        await tell(replace(skew, seconds=skew.seconds + 1), "host:7", desk.tools)
    await desk.work()
    desk.later(60)
    await desk.work()
    assert sorted(notice.title for notice, _ in desk.channel.told) == [
        "a machine's clock is 240 s ahead of LlamaCloud's",
        "a machine's clock is 3600 s behind the times that others wrote into the store",
        "a machine's clock was set back by 3600 s, or it slept",
    ]
    assert {notice.kind for notice, _ in desk.channel.told} == {"clock.skewed"}


async def test_it_is_resolved_when_no_machine_finds_its_clock_wrong_any_more(desk: Desk) -> None:
    skew = Skew(LLAMACLOUD, 240)
    await tell(skew, "host:7", desk.tools)
    for _ in range(5):
        await swept(desk)  # this machine's clock is right, and that of another is not
        await still(skew, "other:8", desk.tools)
    assert desk.channel.words == ["firing clock.skewed"]
    await swept(desk)
    await swept(desk, after=GONE_SECONDS)
    assert desk.channel.words == ["firing clock.skewed", "resolved clock.skewed"]


async def test_what_comes_back_within_the_hour_is_told_anew(desk: Desk) -> None:
    machine = Machine(desk)
    for ahead in (0.0, -240.0, -240.0, 0.0, -240.0):
        desk.cloud.clock_ahead = ahead
        if (skew := machine.watch.compared(desk.tools)) is not None:
            await tell(skew, "host:7", desk.tools)
        await desk.work()
        for after in (0.0, GONE_SECONDS) if not ahead else ():
            await swept(desk, after=after)
    (incident,) = await desk.incidents()
    assert (incident.number, incident.count) == (2, 1)
