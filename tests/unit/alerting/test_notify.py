"""One notifier for each channel: in order, at its own pace, never about what was overtaken, and never in silence."""

import asyncio
from dataclasses import dataclass, field, replace

import pytest

from receiver.alerting.alert import task_for
from receiver.alerting.notify import TURN_NOTICES
from receiver.alerting.remaining import GIVEN_UP
from receiver.alerting.send_test import send_test
from receiver.alerting.wake_channels import PROBE_SECONDS, wake_channels
from receiver.core.alert import Alert
from receiver.core.change import InsertIfAbsent, Replace
from receiver.core.channel import Channel
from receiver.core.errors import AccessDenied, DestinationBusy, PartlyNotified, Unanswered, Unroutable
from receiver.core.ids import short_hash
from receiver.core.incident import Incident, Status
from receiver.core.notice import Notice
from receiver.core.notification import Notification
from receiver.core.task import TaskState
from receiver.operations.close_incidents import GONE_SECONDS
from receiver.operations.heartbeat import beat
from receiver.operations.manual_routing import RoutingDecision, route_by_hand
from receiver.operations.sweep import sweep
from receiver.worker import Worker
from tests.in_memory_app import TABLE, InMemoryApp, InMemoryChannel
from tests.unit.alerting.test_alert import fail, sweep_after

pytestmark = pytest.mark.anyio
TWO = TABLE + '  - {on: ["*"], to: "https://second.example.com", at_most: 1 per 10 minutes}\n'
SECOND = "https://second.example.com"


def with_two(app: InMemoryApp) -> tuple[InMemoryChannel, InMemoryChannel]:
    second = InMemoryChannel()
    app.use(TWO)
    app.context = replace(app.context, channels={"log": app.channel, SECOND: second})
    return app.channel, second


async def occur(app: InMemoryApp, *causes: str, kind: str = "nobody.knows") -> None:
    """Something that nobody sees the end of happens, once for each cause."""
    alerts = [Alert(kind=kind, cause=cause, title=f"{cause} happened", detail="d", at=app.now) for cause in causes]
    for at in range(0, len(alerts), 50):
        await app.store.apply(
            *(InsertIfAbsent(task_for(item, item.cause, f"{app.now}")) for item in alerts[at : at + 50])
        )
    await until_rest(app)


async def until_rest(app: InMemoryApp) -> None:
    for _ in range(30):
        if not await app.work(rounds=100):
            return


async def test_a_channel_that_was_away_hears_the_present_and_not_what_was_overtaken(app: InMemoryApp) -> None:
    first, second = with_two(app)
    second.broken = DestinationBusy("down")
    mended, stays = await fail(app, "a.pdf"), await fail(app, "b.pdf", "damaged")
    await route_by_hand(mended, RoutingDecision(to="contract"), app.context)
    await until_rest(app)
    for _ in range(5):
        await sweep_after(app)
    second.broken = None
    await sweep_after(app, after=600)
    assert first.words[:3] == ["firing job.failed", "firing job.failed", "resolved job.failed"]
    assert [(notice.status, notice.subject) for notice, _ in second.told] == [("firing", stays)]


async def test_a_channel_that_fails_is_told_to_the_others_and_its_end_too(app: InMemoryApp) -> None:
    first, second = with_two(app)
    second.broken = Unroutable("https://second.example.com answered 410 Gone", fix="take it out of mailroom.yaml")
    await fail(app, "a.pdf")
    assert first.words == ["firing job.failed", "firing channel.failing"]
    notice = first.told[-1][0]
    assert "410 Gone" in notice.detail
    assert notice.commands == (f"mailroom alerts test {SECOND}",)
    second.broken = None
    for _ in range(4):
        await sweep_after(app, after=GONE_SECONDS)
    assert first.words[2:] == ["resolved channel.failing"]
    assert second.words == ["firing job.failed"]


async def test_what_one_address_of_a_channel_refuses_is_told_to_the_others_and_the_rest_hear_each_notice_once(
    app: InMemoryApp,
) -> None:
    first, second = with_two(app)

    class Partly(InMemoryChannel):
        async def notify(self, notice: Notice) -> str:
            thread = await super().notify(notice)
            raise PartlyNotified("refused ops@b.com (550 no such user)", fix="mend the address", thread=thread)

        async def probe(self) -> list[str] | None:
            raise PartlyNotified("refused ops@b.com (550 no such user)", fix="mend the address", thread="")

    partly = Partly()
    app.context = replace(app.context, channels={"log": first, SECOND: partly})
    document_id = await fail(app, "a.pdf")
    await route_by_hand(document_id, RoutingDecision(to="contract"), app.context)
    for _ in range(3):
        await sweep_after(app, after=400)
    assert partly.words == ["firing job.failed", "resolved job.failed"]
    assert first.words == ["firing job.failed", "firing channel.failing", "resolved job.failed"]
    assert "550 no such user" in first.told[1][0].detail
    assert first.told[1][0].title == f"alert channel {SECOND} does not reach all of its addresses"
    app.context = replace(app.context, channels={SECOND: partly})
    assert await beat(app.context) == ""  # a watchdog need not be told: the others hear
    second.faults = []
    app.context = replace(app.context, channels={"log": first, SECOND: second})
    for _ in range(3):
        await sweep_after(app, after=400)
    assert first.words[3:] == ["resolved channel.failing"]


@dataclass
class FullMailbox(InMemoryChannel):
    """Two addresses, of which one takes nothing for now."""

    full: bool = True
    took: list[str] = field(default_factory=list)

    async def notify(self, notice: Notice) -> str:
        if self.broken is not None:
            raise self.broken
        asked = "full@b.com" not in notice.without
        if not notice.only:
            await super().notify(notice)
        if asked and not self.full:
            self.took.append(str(notice.status))
        if asked and self.full:
            raise PartlyNotified("452 mailbox full", fix="", thread="t", retry=("full@b.com",), never=False)
        return "t"


async def test_a_full_mailbox_holds_up_no_other_address_and_hears_the_present_when_it_is_emptied(
    app: InMemoryApp,
) -> None:
    first, _ = with_two(app)
    second = FullMailbox()
    app.context = replace(app.context, channels={"log": first, SECOND: second})
    for number in range(8):
        await occur(app, f"cause {number}")
        assert [notice.cause for notice, _ in second.told] == [f"cause {item}" for item in range(number + 1)]
        app.later(20)
    assert "firing channel.failing" not in first.words
    second.full = False
    app.later(300)
    await until_rest(app)
    assert second.took == ["firing"] * 8
    assert len(second.told) == 8


async def test_a_mailbox_that_was_full_all_the_time_does_not_get_the_end_of_what_it_never_got(app: InMemoryApp) -> None:
    first, _ = with_two(app)
    second = FullMailbox()
    app.context = replace(app.context, channels={"log": first, SECOND: second})
    document_id = await fail(app, "a.pdf")
    await route_by_hand(document_id, RoutingDecision(to="contract"), app.context)
    for _ in range(2):
        await sweep_after(app, after=400)
    second.full = False
    await sweep_after(app, after=400)
    assert second.words == ["firing job.failed", "resolved job.failed"]
    assert second.took == []
    again = await fail(app, "b.pdf")  # the next incident is another one: it gets both of its notices
    await route_by_hand(again, RoutingDecision(to="contract"), app.context)
    for _ in range(3):
        await sweep_after(app, after=400)
    assert second.took == ["firing", "resolved"]


async def test_a_mailbox_that_is_full_later_gets_the_end_of_what_it_got(app: InMemoryApp) -> None:
    first, _ = with_two(app)
    second = FullMailbox(full=False)
    app.context = replace(app.context, channels={"log": first, SECOND: second})
    document_id = await fail(app, "a.pdf")
    second.full = True
    await route_by_hand(document_id, RoutingDecision(to="contract"), app.context)
    await sweep_after(app, after=400)
    second.full = False
    for _ in range(3):
        await sweep_after(app, after=400)
    assert second.took == ["firing", "resolved"]


async def test_what_an_address_is_owed_is_not_lost_while_the_server_lets_nobody_in(app: InMemoryApp) -> None:
    first, _ = with_two(app)
    second = FullMailbox()
    app.context = replace(app.context, channels={"log": first, SECOND: second})
    await occur(app, "cause")
    second.full, second.broken = False, AccessDenied("535 the password was changed")
    for _ in range(GIVEN_UP + 2):
        app.later(300)
        await until_rest(app)
    second.broken = None
    app.later(300)
    await until_rest(app)
    assert second.took == ["firing"]


async def test_a_mailbox_that_stays_full_is_told_to_the_others(app: InMemoryApp) -> None:
    first, _ = with_two(app)
    app.context = replace(app.context, channels={"log": first, SECOND: FullMailbox()})
    await occur(app, "cause")
    for _ in range(GIVEN_UP + 1):
        app.later(300)
        await until_rest(app)
    assert first.words == ["firing nobody.knows", "firing channel.failing"]
    assert "452 mailbox full" in first.told[-1][0].detail


async def test_nobody_is_told_to_replay_what_a_channel_did_not_hear(app: InMemoryApp) -> None:
    first, second = with_two(app)
    second.broken = AccessDenied("sns:Publish was refused")  # with the fix of a destination that refuses
    await fail(app, "a.pdf")
    notice = first.told[-1][0]
    assert notice.fix == "give the key or role the permission that the message names"


async def test_a_hiccup_of_a_channel_is_nobodys_business(app: InMemoryApp) -> None:
    first, second = with_two(app)
    second.broken = DestinationBusy("503")
    await fail(app, "a.pdf")
    second.broken = None
    for _ in range(3):
        await sweep_after(app)
    assert (first.words, second.words) == (["firing job.failed"], ["firing job.failed"])


async def test_channels_that_were_all_away_do_not_tell_of_each_other_afterwards(app: InMemoryApp) -> None:
    first, second = with_two(app)
    first.broken = second.broken = AccessDenied("no network")
    await fail(app, "a.pdf")
    await sweep_after(app)
    first.broken = second.broken = None
    for _ in range(10):
        await sweep_after(app)
    assert (first.words, second.words) == (["firing job.failed"], ["firing job.failed"])


async def test_a_dead_channel_that_nothing_is_due_for_is_found_by_its_probe(app: InMemoryApp) -> None:
    first, second = with_two(app)
    second.faults = ["the topic does not exist"]
    await sweep_after(app)
    await until_rest(app)
    assert first.words == ["firing channel.failing"]
    assert first.told[0][0].detail == "the topic does not exist"
    second.faults = []
    for _ in range(3):
        await sweep_after(app, after=PROBE_SECONDS)
    assert first.words == ["firing channel.failing", "resolved channel.failing"]


async def test_what_a_probe_found_is_gone_when_a_probe_says_so_and_no_notice_waits_for_that(app: InMemoryApp) -> None:
    first, second = with_two(app)
    second.faults = ["the topic has no confirmed subscription"]
    await sweep_after(app)
    for number in range(4):
        heard = len(second.told)
        await occur(app, f"cause {number}")
        assert len(second.told) > heard, "a topic takes notices, and somebody may just have subscribed"
        await sweep_after(app, after=GONE_SECONDS)
    channel = await app.store.get(Channel, SECOND)
    assert channel is not None
    assert channel.error == "the topic has no confirmed subscription"
    assert "resolved channel.failing" not in first.words
    error = await send_test(SECOND, app.context, who="ann")
    assert str(error) == channel.error, "a test that nobody hears shows that nothing is mended"
    second.faults = []
    assert await send_test(SECOND, app.context, who="ann") is None
    for _ in range(3):
        await sweep_after(app, after=GONE_SECONDS)
    assert first.words.count("firing channel.failing") == first.words.count("resolved channel.failing") == 1


async def test_a_test_that_works_brings_at_once_what_the_channel_missed(app: InMemoryApp) -> None:
    _, second = with_two(app)
    second.broken = DestinationBusy("down")
    missed = await fail(app, "a.pdf")
    for _ in range(5):  # its next try is minutes away by now
        await sweep_after(app)
    second.broken = None
    assert await send_test(SECOND, app.context, who="ann") is None
    known = await app.store.get(Channel, SECOND)
    assert known is not None
    assert known.trying_since is None
    await until_rest(app)
    assert [notice.subject for notice, _ in second.told if notice.kind == "job.failed"] == [missed]


async def test_that_it_answers_a_probe_does_not_end_what_a_refused_notice_showed(app: InMemoryApp) -> None:
    """An endpoint whose token has expired answers HEAD as before; a bot that was removed still has a good token."""
    first, _ = with_two(app)

    class Answers(InMemoryChannel):
        async def probe(self) -> list[str] | None:
            return []

    refusing = Answers(broken=AccessDenied("it returned 401"))
    app.context = replace(app.context, channels={"log": first, SECOND: refusing})
    assert await send_test(SECOND, app.context, who="ann") is not None
    for _ in range(3):
        await sweep_after(app, after=PROBE_SECONDS)
    channel = await app.store.get(Channel, SECOND)
    assert channel is not None
    assert (channel.error, first.words) == ("it returned 401", ["firing channel.failing"])
    refusing.broken = None
    assert await send_test(SECOND, app.context, who="ann") is None
    for _ in range(3):
        await sweep_after(app, after=GONE_SECONDS)
    assert first.words == ["firing channel.failing", "resolved channel.failing"]


async def test_a_channel_that_answers_probes_and_takes_no_notice_is_tried_less_and_less_often(app: InMemoryApp) -> None:
    first, _ = with_two(app)
    tries: list[float] = []

    class Answers(InMemoryChannel):
        async def notify(self, notice: Notice) -> str:
            tries.append(app.now)
            raise DestinationBusy("it returned 500")

        async def probe(self) -> list[str] | None:
            return []

    app.context = replace(app.context, channels={"log": first, SECOND: Answers()})
    await fail(app, "a.pdf")
    for _ in range(120):
        app.later(1)
        await app.work()
    assert "firing channel.failing" in first.words
    assert len(tries) < 10


async def test_what_fails_is_called_what_it_is(app: InMemoryApp) -> None:
    """A topic without a subscription accepts notices, which reach nobody; an address that is gone accepts none."""
    first, second = with_two(app)
    second.faults = ["the topic has no confirmed subscription"]
    await sweep_after(app)
    await until_rest(app)
    assert first.told[-1][0].title == f"alert channel {SECOND} failed its check: its notices may reach nobody"
    assert await send_test(SECOND, app.context, who="ann") is not None
    second.faults, first.broken = None, Unroutable("410 Gone")
    await occur(app, "something")
    await sweep_after(app)
    await until_rest(app)
    assert second.told[-1][0].title == "alert channel log does not accept notices"


async def test_a_channel_with_a_fault_is_probed_by_one_task_however_many_notices_it_takes(app: InMemoryApp) -> None:
    _, second = with_two(app)
    second.faults = ["no rule"]
    await sweep_after(app)
    for number in range(5):
        app.later(1)
        await occur(app, f"cause {number}")
    probes = [task for task in await app.tasks("notify") if task.subject == "failing"]
    assert len([task for task in probes if task.state is TaskState.READY]) == 1


async def test_a_notice_that_a_channel_refuses_holds_up_no_other(app: InMemoryApp) -> None:
    tell = app.channel.notify

    async def particular(notice: Notice) -> str:
        if "poison" in notice.title:
            raise Unroutable("400 Bad Request")
        return await tell(notice)

    app.channel.notify = particular  # type: ignore[method-assign]
    await occur(app, "poison", "fine", "good")
    assert sorted(notice.title for notice, _ in app.channel.told) == ["fine happened", "good happened"]
    for number in range(3 * GIVEN_UP):
        app.later(300)
        await occur(app, f"later {number}")
    refused = [item for item in app.store._kept[Notification].values() if item.error]
    assert [(item.tries, item.due_at, item.error) for item in refused] == [(GIVEN_UP, None, "400 Bad Request")]
    channel = await app.store.get(Channel, "log")
    assert channel is not None
    assert channel.failing_since is None
    assert len(app.channel.told) == 2 + 3 * GIVEN_UP


@pytest.mark.usefixtures("any_number_of_causes")
async def test_beyond_the_ceiling_a_digest_tells_how_many_others_there_are(app: InMemoryApp) -> None:
    await occur(app, *(f"cause {number}" for number in range(260)))
    assert len(app.channel.told) == 20
    app.later(61)
    await until_rest(app)
    notice, count = app.channel.told[-1]
    assert (len(app.channel.told), notice.status, count) == (21, "digest", 240)
    assert len(notice.others) == 20
    await sweep_after(app, after=3700)  # all of them are quiet now
    await until_rest(app)
    app.later(601)
    await until_rest(app)
    assert app.channel.words[21:41] == ["quiet nobody.knows"] * 20
    assert [(notice.status, count, notice.over) for notice, count in app.channel.told[41:]] == [("digest", 0, True)]


@pytest.mark.parametrize("kind", ["nobody.knows", "submission.paused"])
async def test_a_digest_keeps_quiet_hours_unless_something_critical_is_in_it(app: InMemoryApp, kind: str) -> None:
    table = TABLE.replace("to: log,", 'to: log, ceiling: 1 per hour, quiet_hours: "08:00-09:00",')
    app.use(table)
    app.later(-30)  # 07:59:30: the digest is due within the quiet hours
    await occur(app, *(f"cause {chr(97 + number)}" for number in range(4)), kind=kind)
    before = len(app.channel.told)
    for _ in range(3):
        app.later(600)
        await until_rest(app)
    digests = [f"{notice.status}" for notice, _ in app.channel.told[before:]]
    assert digests == ([] if kind == "nobody.knows" else ["digest"])
    app.later(2000)
    await until_rest(app)
    assert [f"{notice.status}" for notice, _ in app.channel.told[before:]] == ["digest"]


@pytest.mark.usefixtures("any_number_of_causes")
@pytest.mark.parametrize(("kind", "status"), [("nobody.knows", Status.QUIET), ("task.parked", Status.RESOLVED)])
async def test_any_number_of_incidents_is_closed_by_index(app: InMemoryApp, kind: str, status: Status) -> None:
    await occur(app, *(f"cause {number}" for number in range(1204)), kind=kind)
    assert len(await app.all(Incident, "standing")) == 1204
    app.later(3700)
    await sweep(app.context)  # no parked task is there any more
    assert await app.all(Incident, "standing") == []
    assert {item.status for item in await app.incidents()} == {status}


@dataclass
class SlowChannel(InMemoryChannel):
    """Takes its time over each notice; says how many it has in hand."""

    seconds: float = 0.05
    in_hand: int = 0
    most: int = 0
    order: list[str] = field(default_factory=list)

    async def notify(self, notice: Notice) -> str:
        self.in_hand += 1
        self.most = max(self.most, self.in_hand)
        await asyncio.sleep(self.seconds)
        self.in_hand -= 1
        return await super().notify(notice)


@pytest.mark.usefixtures("any_number_of_causes")
async def test_a_slow_channel_holds_up_no_document_and_is_told_one_thing_at_a_time(app: InMemoryApp) -> None:
    slow = SlowChannel(seconds=0.2)
    app.use(TABLE.replace("to: log,", "to: log, ceiling: 150 per hour,"))
    app.context = replace(app.context, channels={"log": slow})
    alerts = [Alert(kind="nobody.knows", cause=f"{n}", title=f"{n}", detail="d", at=app.now) for n in range(100)]
    for at in (0, 50):
        await app.store.apply(*(InsertIfAbsent(task_for(item, item.cause)) for item in alerts[at : at + 50]))
    # Ingested first: by this clock every file is weeks old, and a worker that starts clears what seems abandoned.
    taken = [(await app.ingest(name=f"{n}.pdf", content=b"%d" % n)).document.id for n in range(10)]
    worker = Worker(app.context, concurrency=8, sweep_seconds=3600)
    async with worker.running(), asyncio.timeout(20):
        await app.context.queue.enqueue("any")
        while any(not item.job_id for item in [await app.document(item) for item in taken]):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        assert len(slow.told) < 100  # the documents did not wait for it
    assert slow.most == 1


@pytest.mark.usefixtures("any_number_of_causes")
async def test_a_turn_ends_and_goes_on_so_that_no_worker_is_held(app: InMemoryApp) -> None:
    app.use(TABLE.replace("to: log,", "to: log, ceiling: 200 per hour,"))
    await occur(app, *(f"cause {number}" for number in range(2 * TURN_NOTICES + 1)))
    assert len(app.channel.told) == 2 * TURN_NOTICES + 1
    again = [item for item in await app.tasks("notify") if item.looks]
    assert again


async def test_who_comes_while_the_channel_is_told_is_not_forgotten(app: InMemoryApp) -> None:
    """Between the last look and the end of a turn something becomes due, and its task finds the channel taken."""
    tell = app.channel.notify

    async def meanwhile(notice: Notice) -> str:
        thread = await tell(notice)
        if len(app.channel.told) == 1:
            await occur(app, "second")
        return thread

    app.channel.notify = meanwhile  # type: ignore[method-assign]
    await occur(app, "first")
    assert [notice.title for notice, _ in app.channel.told] == ["first happened", "second happened"]


class ProcessDiesError(BaseException):
    """The process ends here."""


async def test_a_process_that_dies_while_it_tells_leaves_the_channel_to_the_next(app: InMemoryApp) -> None:
    tell = app.channel.notify

    async def dies(notice: Notice) -> str:
        raise ProcessDiesError

    app.channel.notify = dies  # type: ignore[method-assign]
    with pytest.raises(ProcessDiesError):
        await occur(app, "a")
    app.channel.notify = tell  # type: ignore[method-assign]
    await occur(app, "b")
    assert app.channel.told == []  # the dead task still has the channel
    await sweep_after(app, after=301)
    await until_rest(app)
    assert app.channel.told == []  # however late the clock says it is: the lease of the dead task is not over
    await app.workers_die()
    await until_rest(app)
    assert sorted(notice.title for notice, _ in app.channel.told) == ["a happened", "b happened"]


async def test_a_clock_that_was_set_back_leaves_nothing_due_in_the_far_future(app: InMemoryApp) -> None:
    app.later(30 * 86400)
    app.channel.broken = DestinationBusy("down")
    document_id = await fail(app, "a.pdf")
    await sweep(app.context)
    app.later(-30 * 86400)
    app.channel.broken = None
    await sweep_after(app)
    await until_rest(app)
    assert app.channel.words == ["firing job.failed"]
    await route_by_hand(document_id, RoutingDecision(to="contract"), app.context)
    await until_rest(app)
    await sweep_after(app)
    assert app.channel.words == ["firing job.failed", "resolved job.failed"]


async def test_a_channel_that_is_no_longer_in_the_table_is_left_alone(app: InMemoryApp) -> None:
    first, second = with_two(app)
    await fail(app, "a.pdf")
    app.use(TABLE)
    app.context = replace(app.context, channels={"log": first})
    app.later(4 * 3600)
    await until_rest(app)
    assert len(second.told) == 1
    assert all(item.state is TaskState.DONE for item in await app.tasks("notify") if item.details["to"] == SECOND)


async def test_overdue_documents_wait_with_a_paused_submission_and_are_told_when_it_goes_on(app: InMemoryApp) -> None:
    from receiver.pipeline.pause import SUBMISSION, pause

    await app.store.apply(await pause(SUBMISSION, app.now + 7200, app.context))
    await app.ingest(name="a.pdf")
    await sweep_after(app, after=1200)
    assert app.channel.words == []
    assert [item.kind for item in await app.incidents()] == ["document.overdue"]
    await app.store.apply(await pause(SUBMISSION, 0, app.context))
    app.later(61)
    await until_rest(app)
    assert app.channel.words == ["firing document.overdue"]


async def test_an_escalation_is_told_elsewhere_when_nobody_acknowledges(app: InMemoryApp) -> None:
    second = InMemoryChannel(tracks=True)
    app.use(TABLE.replace("to: log,", f'to: log, escalate: {{to: "{SECOND}", after: 15 minutes}},'))
    app.context = replace(app.context, channels={"log": app.channel, SECOND: second})
    await fail(app, "a.pdf")
    await fail(app, "b.pdf", "damaged")
    acknowledged = next(item for item in await app.incidents() if item.cause == "damaged")
    await app.store.apply(Replace(replace(acknowledged, acknowledged_at=app.now, acknowledged_by="Ada")))
    app.later(899)
    await until_rest(app)
    assert second.told == []
    app.later(2)
    await until_rest(app)
    assert [notice.cause for notice, _ in second.told] == ["locked"]


async def test_quiet_hours_hold_back_until_the_morning(app: InMemoryApp) -> None:
    app.use(TABLE.replace("to: log,", 'to: log, quiet_hours: "00:00-09:00",'))  # it is 08:00
    document_id = await fail(app, "a.pdf")
    other = await fail(app, "b.pdf", "damaged")
    assert app.channel.told == []
    await route_by_hand(document_id, RoutingDecision(to="contract"), app.context)
    await until_rest(app)
    await sweep_after(app, after=3601)
    assert [notice.subject for notice, _ in app.channel.told] == [other]  # the other one is over


async def test_the_fingerprint_of_a_failing_channel_is_its_own(app: InMemoryApp) -> None:
    _, second = with_two(app)
    second.broken = Unroutable("gone")
    await fail(app, "a.pdf")
    incident = await app.store.get(Incident, short_hash("channel.failing", SECOND))
    assert incident is not None
    assert incident.status is Status.FIRING


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (Unanswered("no answer within 30 seconds"), ["resolved job.failed"]),
        (TimeoutError(), ["resolved job.failed"]),
        (DestinationBusy("it cannot be reached"), []),
        (Unroutable("it answered 410 Gone"), []),
    ],
)
async def test_who_may_have_heard_of_an_incident_hears_its_end(
    app: InMemoryApp, error: Exception, words: list[str]
) -> None:
    _, second = with_two(app)
    second.broken = error
    failed = await fail(app, "a.pdf")
    await route_by_hand(failed, RoutingDecision(to="contract"), app.context)
    await until_rest(app)
    await sweep_after(app)
    second.broken = None
    await sweep_after(app, after=600)
    assert [word for word in second.words if word.endswith("job.failed")] == words


@dataclass
class DeafChannel(InMemoryChannel):
    """Takes each notice and loses its answer, as long as it is deaf."""

    deaf: bool = True

    async def notify(self, notice: Notice) -> str:
        thread = await super().notify(notice)
        if self.deaf:
            raise Unanswered("it hung up after it had taken the notice")
        return thread


async def test_a_notice_whose_answer_was_lost_comes_again_under_the_same_id(app: InMemoryApp) -> None:
    deaf = DeafChannel()
    app.context = replace(app.context, channels={"log": deaf})
    await fail(app, "a.pdf")
    for _ in range(3):
        await sweep_after(app, after=400)
    deaf.deaf = False
    await sweep_after(app, after=400)
    said = [notice for notice, _ in deaf.told if notice.kind == "job.failed"]
    assert len(said) > 2
    assert len({notice.id for notice in said}) == 1
    await occur(app, "another")
    assert deaf.told[-1][0].id != said[0].id


async def test_a_digest_whose_answer_was_lost_comes_again_under_the_same_id(app: InMemoryApp) -> None:
    deaf = DeafChannel(deaf=False)
    app.use(TABLE.replace("to: log,", "to: log, ceiling: 1 per 10 hours,"))
    app.context = replace(app.context, channels={"log": deaf})
    await occur(app, "a", "b", "c")
    deaf.deaf = True
    for _ in range(3):
        await sweep_after(app, after=400)
    deaf.deaf = False
    await sweep_after(app, after=400)
    said = [notice for notice, _ in deaf.told if notice.kind == "digest"]
    assert len(said) > 2
    assert len({notice.id for notice in said}) == 1


def with_full_mailbox(app: InMemoryApp) -> FullMailbox:
    """A channel that is told of one cause at a time, and of the others in a digest."""
    app.use(TABLE.replace("to: log,", "to: log, ceiling: 1 per 10 hours,"))
    mail = FullMailbox()
    app.context = replace(app.context, channels={"log": mail})
    return mail


def digests(mail: FullMailbox) -> list[int]:
    return [count for notice, count in mail.told if notice.kind == "digest"]


async def test_a_full_mailbox_gets_the_digest_when_it_is_emptied_and_nobody_gets_it_twice(app: InMemoryApp) -> None:
    mail = with_full_mailbox(app)
    await occur(app, "a", "b", "c")
    for _ in range(3):
        app.later(61)
        await until_rest(app)
    assert digests(mail) == [2]
    assert mail.took == []
    mail.full = False
    app.later(301)
    await until_rest(app)
    assert "digest" in mail.took
    took = len(mail.took)
    app.later(3600)
    await until_rest(app)
    assert (digests(mail), len(mail.took)) == ([2], took)


async def test_a_mailbox_that_stays_full_is_given_up_and_gets_the_next_digest(app: InMemoryApp) -> None:
    mail = with_full_mailbox(app)
    await occur(app, "a", "b", "c")
    for _ in range(GIVEN_UP + 2):
        app.later(301)
        await until_rest(app)
    channel = await app.store.get(Channel, "log")
    assert channel is not None
    assert (channel.digest_at, channel.digest_owed, channel.digest_tries) == (None, (), 0)
    mail.full = False
    await occur(app, "d")
    app.later(601)
    await until_rest(app)
    assert digests(mail) == [2, 3]
    assert "digest" in mail.took


async def test_a_digest_with_another_number_waits_its_time_though_an_address_is_owed_the_last(app: InMemoryApp) -> None:
    mail = with_full_mailbox(app)
    await occur(app, "a", "b", "c")
    app.later(61)
    await until_rest(app)
    await occur(app, "d")
    app.later(301)
    await until_rest(app)
    assert digests(mail) == [2]
    app.later(601)
    await until_rest(app)
    assert digests(mail) == [2, 3]


@pytest.mark.parametrize(("ahead", "tells"), [(60.0, False), (3600.0, True)], ids=["for a minute", "by a wrong clock"])
async def test_a_channel_that_another_task_holds_is_left_to_it_unless_a_clock_was_wrong(
    app: InMemoryApp, ahead: float, tells: bool
) -> None:
    due = Notification(id="f>log", incident_id="f", channel="log", due_at=app.now - 600)
    held = Channel(id="log", holder="notify:of:others", held_until=app.now + ahead)
    await app.store.apply(InsertIfAbsent(due), InsertIfAbsent(held))
    await wake_channels(app.context)
    tasks = [task for task in await app.tasks("notify") if "swept" in task.id]
    assert bool(tasks) is tells
