"""Processes that are overtaken, or die, while they tell a channel: it hears the truth last, from one at a time."""

import contextlib
from dataclasses import replace

import pytest

from receiver.alerting.digest import NEXT_SECONDS
from receiver.alerting.incidents import silence
from receiver.core.job import JobStatus
from receiver.operations.manual_routing import RoutingDecision, route_by_hand
from receiver.operations.sweep import sweep
from tests.builders import NOW
from tests.in_memory_app import TABLE, InMemoryApp
from tests.unit.alerting.fragile import DiesError, FragileChannel, FragileStore
from tests.unit.alerting.test_alert import fail, sweep_after
from tests.unit.alerting.test_notify import until_rest

pytestmark = pytest.mark.anyio
before_and_after = pytest.mark.parametrize("when", ["before", "after"])

NEVER_REMINDED = TABLE.replace("at_most: 1 per 10 minutes", "repeat: never")
WAITS = NEVER_REMINDED.replace("wait: 0 seconds", "wait: 10 seconds")


@pytest.fixture
def channel(app: InMemoryApp) -> FragileChannel:
    """A channel that nobody reminds of anything."""
    app.use(NEVER_REMINDED)
    store = FragileStore(clock=lambda: app.now)
    channel = FragileChannel(store=store)
    store.channels, app.store = {"log": channel}, store
    app.context = replace(app.context, store=store, channels={"log": channel})
    return channel


async def mend(app: InMemoryApp) -> None:
    """Others mend what is wrong, and see that it is over."""
    for document in await app.all_documents():
        await route_by_hand(document.id, RoutingDecision(to="contract"), app.context)
    await app.work()
    await sweep(app.context)
    await app.work()


@before_and_after
@pytest.mark.parametrize("seconds", [400, -400, 86400])
async def test_a_clock_that_jumps_while_a_channel_is_told_lets_no_other_process_tell_it(
    app: InMemoryApp, channel: FragileChannel, when: str, seconds: float
) -> None:
    async def meanwhile() -> None:
        app.later(seconds)
        await mend(app)
        assert len(channel.told) == (when == "after"), "a process that is alive is telling it"

    channel.others = when, meanwhile
    await fail(app, "a.pdf")
    await until_rest(app)
    assert channel.words == ["firing job.failed", "resolved job.failed"]


@before_and_after
async def test_a_process_that_was_frozen_until_it_counted_as_dead_does_not_have_the_last_word(
    app: InMemoryApp, channel: FragileChannel, when: str
) -> None:
    async def meanwhile() -> None:
        await app.workers_die()
        await mend(app)
        assert channel.words[-2:] == ["firing job.failed", "resolved job.failed"]

    channel.others = when, meanwhile
    await fail(app, "a.pdf")
    await until_rest(app)
    assert channel.words.count("firing job.failed") == 2
    assert len({notice.id for notice, _ in channel.told if notice.status == "firing"}) == 1, "a reader may drop one"
    assert channel.words[-1] == "resolved job.failed"


@pytest.mark.parametrize("accesses", range(1, 16))
async def test_wherever_a_process_is_frozen_it_does_not_unsay_what_others_told(
    app: InMemoryApp, channel: FragileChannel, accesses: int
) -> None:
    """At each access to the store: one is before it writes that there is nothing to tell yet."""
    app.use(WAITS)

    async def meanwhile() -> None:
        await app.workers_die()  # for longer than the first notice waits
        await app.work()
        app.later(NOW - app.now)  # the clock is set back: for the frozen one nothing is due yet

    await fail(app, "a.pdf")
    (incident,) = await app.incidents()
    await silence(incident.id, 0, "looked at too early", app.context, who="ann")
    assert isinstance(app.store, FragileStore)
    app.store.others_in, app.store.others = accesses, meanwhile
    await until_rest(app)
    app.store.others_in, told = 0, bool(channel.told)
    await mend(app)
    await until_rest(app)
    assert channel.words[-1:] == (["resolved job.failed"] if told else [])


async def test_a_channel_is_told_of_its_other_causes_again_where_a_process_died_as_it_told_that_they_are_over(
    app: InMemoryApp, channel: FragileChannel, any_number_of_causes: None
) -> None:
    app.use(NEVER_REMINDED.replace("repeat: never", "repeat: never, ceiling: 1 per 1 hour"))
    await fail(app, "a.pdf", "damaged")
    await others_go_on(app)
    await mend(app)
    app.later(NEXT_SECONDS)
    channel.dies = "after"
    with pytest.raises(DiesError):
        await until_rest(app)
    await others_go_on(app)  # as many as before they were over
    await app.workers_die()
    await sweep_after(app, after=NEXT_SECONDS)
    await until_rest(app)
    assert [notice.count for notice, _ in channel.told if notice.status == "digest"] == [1, 0, 1]


@pytest.mark.parametrize("writes", range(1, 11))
async def test_wherever_a_process_dies_the_channel_hears_of_all_of_its_other_causes(
    app: InMemoryApp, channel: FragileChannel, any_number_of_causes: None, writes: int
) -> None:
    app.use(NEVER_REMINDED.replace("repeat: never", "repeat: never, ceiling: 1 per 1 hour"))
    await fail(app, "a.pdf", "damaged")
    await others_go_on(app)
    document = await app.submitted(name="b.pdf")
    app.cloud.finish(document.job_id, JobStatus.FAILED, error="the dog ate it")
    await app.event(document.job_id, "classify.error")
    assert isinstance(app.store, FragileStore)
    app.store.dies_in = writes
    with contextlib.suppress(DiesError):
        await app.work()
    app.store.dies_in = 0
    for _ in range(4):
        await app.workers_die()
        await sweep_after(app, after=NEXT_SECONDS)
    assert [notice.count for notice, _ in channel.told if notice.status == "digest"] == [1, 2]


async def others_go_on(app: InMemoryApp) -> None:
    await fail(app, f"{app.now}.pdf", "The PDF is encrypted")
    await sweep_after(app, after=NEXT_SECONDS)
    await until_rest(app)
