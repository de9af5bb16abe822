"""One notifier for each channel: in order, at its own pace, never about what was overtaken, and never in silence."""

import asyncio
from dataclasses import dataclass, field, replace

import pytest

from receiver.core.alert import Alert
from receiver.core.change import Ensure, Update
from receiver.core.channel import Channel
from receiver.core.errors import AccessDenied, DestinationBusy, PartlyTold, Unanswered, Unroutable
from receiver.core.incident import Incident, Status
from receiver.core.naming import fingerprint
from receiver.core.notice import Notice
from receiver.core.notification import Notification
from receiver.core.task import TaskState
from receiver.flow.alert import task_for
from receiver.flow.assess import GONE_SECONDS
from receiver.flow.by_hand import Word, route_by_hand
from receiver.flow.heartbeat import beat
from receiver.flow.notify import GIVEN_UP, TURN_NOTICES
from receiver.flow.rouse import PROBE_SECONDS, rouse
from receiver.flow.sweep import sweep
from receiver.runner import Worker
from tests.desk import TABLE, Desk, PlayedChannel
from tests.unit.flow.test_alert import fail, swept

pytestmark = pytest.mark.anyio
TWO = TABLE + '  - {on: ["*"], to: "https://second.example.com", at_most: 1 per 10 minutes}\n'
SECOND = "https://second.example.com"


def with_two(desk: Desk) -> tuple[PlayedChannel, PlayedChannel]:
    second = PlayedChannel()
    desk.use(TWO)
    desk.tools = replace(desk.tools, channels={"log": desk.channel, SECOND: second})
    return desk.channel, second


async def occur(desk: Desk, *causes: str, kind: str = "nobody.knows") -> None:
    """Something that nobody sees the end of happens, once for each cause."""
    alerts = [Alert(kind=kind, cause=cause, title=f"{cause} happened", detail="d", at=desk.now) for cause in causes]
    for at in range(0, len(alerts), 50):
        await desk.store.apply(*(Ensure(task_for(one, one.cause, f"{desk.now}")) for one in alerts[at : at + 50]))
    await until_rest(desk)


async def until_rest(desk: Desk) -> None:
    for _ in range(30):
        if not await desk.work(rounds=100):
            return


async def test_a_channel_that_was_away_hears_the_present_and_not_what_was_overtaken(desk: Desk) -> None:
    first, second = with_two(desk)
    second.broken = DestinationBusy("down")
    mended, stays = await fail(desk, "a.pdf"), await fail(desk, "b.pdf", "damaged")
    await route_by_hand(mended, Word(to="contract"), desk.tools)
    await until_rest(desk)
    for _ in range(5):
        await swept(desk)
    second.broken = None
    await swept(desk, after=600)
    assert first.words[:3] == ["firing job.failed", "firing job.failed", "resolved job.failed"]
    assert [(notice.word, notice.subject) for notice, _ in second.told] == [("firing", stays)]


async def test_a_channel_that_fails_is_told_to_the_others_and_its_end_too(desk: Desk) -> None:
    first, second = with_two(desk)
    second.broken = Unroutable("https://second.example.com answered 410 Gone", fix="take it out of mailroom.yaml")
    await fail(desk, "a.pdf")
    assert first.words == ["firing job.failed", "firing channel.failing"]
    notice = first.told[-1][0]
    assert "410 Gone" in notice.detail
    assert notice.commands == (f"mailroom alerts test {SECOND}",)
    second.broken = None
    for _ in range(4):
        await swept(desk, after=GONE_SECONDS)
    assert first.words[2:] == ["resolved channel.failing"]
    assert second.words == ["firing job.failed"]


async def test_what_one_address_of_a_channel_refuses_is_told_to_the_others_and_the_rest_hear_each_notice_once(
    desk: Desk,
) -> None:
    first, second = with_two(desk)

    class Partly(PlayedChannel):
        async def notify(self, notice: Notice) -> str:
            thread = await super().notify(notice)
            raise PartlyTold("refused ops@b.com (550 no such user)", fix="mend the address", thread=thread)

        async def probe(self) -> list[str] | None:
            raise PartlyTold("refused ops@b.com (550 no such user)", fix="mend the address", thread="")

    partly = Partly()
    desk.tools = replace(desk.tools, channels={"log": first, SECOND: partly})
    document_id = await fail(desk, "a.pdf")
    await route_by_hand(document_id, Word(to="contract"), desk.tools)
    for _ in range(3):
        await swept(desk, after=400)
    assert partly.words == ["firing job.failed", "resolved job.failed"]
    assert first.words == ["firing job.failed", "firing channel.failing", "resolved job.failed"]
    assert "550 no such user" in first.told[1][0].detail
    assert first.told[1][0].title == f"alert channel {SECOND} does not reach all of its addresses"
    desk.tools = replace(desk.tools, channels={SECOND: partly})
    assert await beat(desk.tools) == ""  # a watchdog need not be told: the others hear
    second.faults = []
    desk.tools = replace(desk.tools, channels={"log": first, SECOND: second})
    for _ in range(3):
        await swept(desk, after=400)
    assert first.words[3:] == ["resolved channel.failing"]


async def test_nobody_is_told_to_replay_what_a_channel_did_not_hear(desk: Desk) -> None:
    first, second = with_two(desk)
    second.broken = AccessDenied("sns:Publish was refused")  # with the fix of a destination that refuses
    await fail(desk, "a.pdf")
    notice = first.told[-1][0]
    assert notice.fix == "give the key or role the permission that the message names"


async def test_a_hiccup_of_a_channel_is_nobodys_business(desk: Desk) -> None:
    first, second = with_two(desk)
    second.broken = DestinationBusy("503")
    await fail(desk, "a.pdf")
    second.broken = None
    for _ in range(3):
        await swept(desk)
    assert (first.words, second.words) == (["firing job.failed"], ["firing job.failed"])


async def test_channels_that_were_all_away_do_not_tell_of_each_other_afterwards(desk: Desk) -> None:
    first, second = with_two(desk)
    first.broken = second.broken = AccessDenied("no network")
    await fail(desk, "a.pdf")
    await swept(desk)
    first.broken = second.broken = None
    for _ in range(10):
        await swept(desk)
    assert (first.words, second.words) == (["firing job.failed"], ["firing job.failed"])


async def test_a_dead_channel_that_nothing_is_due_for_is_found_by_its_probe(desk: Desk) -> None:
    first, second = with_two(desk)
    second.faults = ["the topic does not exist"]
    await swept(desk)
    await until_rest(desk)
    assert first.words == ["firing channel.failing"]
    assert first.told[0][0].detail == "the topic does not exist"
    second.faults = []
    for _ in range(3):
        await swept(desk, after=PROBE_SECONDS)
    assert first.words == ["firing channel.failing", "resolved channel.failing"]


async def test_a_notice_that_a_channel_refuses_holds_up_no_other(desk: Desk) -> None:
    tell = desk.channel.notify

    async def particular(notice: Notice) -> str:
        if "poison" in notice.title:
            raise Unroutable("400 Bad Request")
        return await tell(notice)

    desk.channel.notify = particular  # type: ignore[method-assign]
    await occur(desk, "poison", "fine", "good")
    assert sorted(notice.title for notice, _ in desk.channel.told) == ["fine happened", "good happened"]
    for number in range(3 * GIVEN_UP):
        desk.later(300)
        await occur(desk, f"later {number}")
    refused = [one for one in desk.store._kept[Notification].values() if one.error]
    assert [(one.tries, one.due_at, one.error) for one in refused] == [(GIVEN_UP, None, "400 Bad Request")]
    channel = await desk.store.get(Channel, "log")
    assert channel is not None
    assert channel.failing_since is None
    assert len(desk.channel.told) == 2 + 3 * GIVEN_UP


async def test_beyond_the_ceiling_a_digest_tells_how_many_others_there_are(desk: Desk) -> None:
    await occur(desk, *(f"cause {number}" for number in range(260)))
    assert len(desk.channel.told) == 20
    desk.later(61)
    await until_rest(desk)
    notice, count = desk.channel.told[-1]
    assert (len(desk.channel.told), notice.word, count) == (21, "digest", 240)
    assert len(notice.others) == 20
    await swept(desk, after=3700)  # all of them are quiet now
    await until_rest(desk)
    desk.later(601)
    await until_rest(desk)
    assert desk.channel.words[21:41] == ["quiet nobody.knows"] * 20
    assert [(notice.word, count, notice.over) for notice, count in desk.channel.told[41:]] == [("digest", 0, True)]


@pytest.mark.parametrize("kind", ["nobody.knows", "submission.paused"])
async def test_a_digest_keeps_quiet_hours_unless_something_critical_is_in_it(desk: Desk, kind: str) -> None:
    table = TABLE.replace("to: log,", 'to: log, ceiling: 1 per hour, quiet_hours: "08:00-09:00",')
    desk.use(table)
    desk.later(-30)  # 07:59:30: the digest is due within the quiet hours
    await occur(desk, *(f"cause {chr(97 + number)}" for number in range(4)), kind=kind)
    before = len(desk.channel.told)
    for _ in range(3):
        desk.later(600)
        await until_rest(desk)
    digests = [f"{notice.word}" for notice, _ in desk.channel.told[before:]]
    assert digests == ([] if kind == "nobody.knows" else ["digest"])
    desk.later(2000)
    await until_rest(desk)
    assert [f"{notice.word}" for notice, _ in desk.channel.told[before:]] == ["digest"]


@pytest.mark.parametrize(("kind", "status"), [("nobody.knows", Status.QUIET), ("task.parked", Status.RESOLVED)])
async def test_any_number_of_incidents_is_closed_by_index(desk: Desk, kind: str, status: Status) -> None:
    await occur(desk, *(f"cause {number}" for number in range(1204)), kind=kind)
    assert len(await desk.all(Incident, "standing")) == 500  # a page
    desk.later(3700)
    await sweep(desk.tools)  # no parked task is there any more
    assert await desk.all(Incident, "standing") == []
    assert {one.status for one in await desk.incidents()} == {status}


@dataclass
class SlowChannel(PlayedChannel):
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


async def test_a_slow_channel_holds_up_no_document_and_is_told_one_thing_at_a_time(desk: Desk) -> None:
    slow = SlowChannel(seconds=0.2)
    desk.use(TABLE.replace("to: log,", "to: log, ceiling: 150 per hour,"))
    desk.tools = replace(desk.tools, channels={"log": slow})
    alerts = [Alert(kind="nobody.knows", cause=f"{n}", title=f"{n}", detail="d", at=desk.now) for n in range(100)]
    for at in (0, 50):
        await desk.store.apply(*(Ensure(task_for(one, one.cause)) for one in alerts[at : at + 50]))
    worker = Worker(desk.tools, concurrency=8, sweep_seconds=3600)
    async with worker.running(), asyncio.timeout(20):
        taken = [(await desk.take_in(name=f"{n}.pdf", content=b"%d" % n)).document.id for n in range(10)]
        await desk.tools.bell.ring("any")
        while any(not one.job_id for one in [await desk.document(one) for one in taken]):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        assert len(slow.told) < 100  # the documents did not wait for it
    assert slow.most == 1


async def test_a_turn_ends_and_goes_on_so_that_no_worker_is_held(desk: Desk) -> None:
    desk.use(TABLE.replace("to: log,", "to: log, ceiling: 200 per hour,"))
    await occur(desk, *(f"cause {number}" for number in range(2 * TURN_NOTICES + 1)))
    assert len(desk.channel.told) == 2 * TURN_NOTICES + 1
    again = [one for one in await desk.tasks("notify") if one.looks]
    assert again


async def test_who_comes_while_the_channel_is_told_is_not_forgotten(desk: Desk) -> None:
    """Between the last look and the end of a turn something becomes due, and its task finds the channel taken."""
    tell = desk.channel.notify

    async def meanwhile(notice: Notice) -> str:
        thread = await tell(notice)
        if len(desk.channel.told) == 1:
            await occur(desk, "second")
        return thread

    desk.channel.notify = meanwhile  # type: ignore[method-assign]
    await occur(desk, "first")
    assert [notice.title for notice, _ in desk.channel.told] == ["first happened", "second happened"]


class ProcessDiesError(BaseException):
    """The process ends here."""


async def test_a_process_that_dies_while_it_tells_leaves_the_channel_to_the_next(desk: Desk) -> None:
    tell = desk.channel.notify

    async def dies(notice: Notice) -> str:
        raise ProcessDiesError

    desk.channel.notify = dies  # type: ignore[method-assign]
    with pytest.raises(ProcessDiesError):
        await occur(desk, "a")
    desk.channel.notify = tell  # type: ignore[method-assign]
    await occur(desk, "b")
    assert desk.channel.told == []  # the dead task still has the channel
    await swept(desk, after=301)
    await until_rest(desk)
    assert sorted(notice.title for notice, _ in desk.channel.told) == ["a happened", "b happened"]


async def test_a_clock_that_was_set_back_leaves_nothing_due_in_the_far_future(desk: Desk) -> None:
    desk.later(30 * 86400)
    desk.channel.broken = DestinationBusy("down")
    document_id = await fail(desk, "a.pdf")
    await sweep(desk.tools)
    desk.later(-30 * 86400)
    desk.channel.broken = None
    await swept(desk)
    await until_rest(desk)
    assert desk.channel.words == ["firing job.failed"]
    await route_by_hand(document_id, Word(to="contract"), desk.tools)
    await until_rest(desk)
    await swept(desk)
    assert desk.channel.words == ["firing job.failed", "resolved job.failed"]


async def test_a_channel_that_is_no_longer_in_the_table_is_left_alone(desk: Desk) -> None:
    first, second = with_two(desk)
    await fail(desk, "a.pdf")
    desk.use(TABLE)
    desk.tools = replace(desk.tools, channels={"log": first})
    desk.later(4 * 3600)
    await until_rest(desk)
    assert len(second.told) == 1
    assert all(one.state is TaskState.DONE for one in await desk.tasks("notify") if one.details["to"] == SECOND)


async def test_overdue_documents_wait_with_a_paused_submission_and_are_told_when_it_goes_on(desk: Desk) -> None:
    from receiver.flow.pause import SUBMISSION, pause

    await desk.store.apply(await pause(SUBMISSION, desk.now + 7200, desk.tools))
    await desk.take_in(name="a.pdf")
    await swept(desk, after=1200)
    assert desk.channel.words == []
    assert [one.kind for one in await desk.incidents()] == ["document.overdue"]
    await desk.store.apply(await pause(SUBMISSION, 0, desk.tools))
    desk.later(61)
    await until_rest(desk)
    assert desk.channel.words == ["firing document.overdue"]


async def test_an_escalation_is_told_elsewhere_when_nobody_acknowledges(desk: Desk) -> None:
    second = PlayedChannel(tracks=True)
    desk.use(TABLE.replace("to: log,", f'to: log, escalate: {{to: "{SECOND}", after: 15 minutes}},'))
    desk.tools = replace(desk.tools, channels={"log": desk.channel, SECOND: second})
    await fail(desk, "a.pdf")
    await fail(desk, "b.pdf", "damaged")
    acknowledged = next(one for one in await desk.incidents() if one.cause == "damaged")
    await desk.store.apply(Update(replace(acknowledged, acknowledged_at=desk.now, acknowledged_by="Ada")))
    desk.later(899)
    await until_rest(desk)
    assert second.told == []
    desk.later(2)
    await until_rest(desk)
    assert [notice.cause for notice, _ in second.told] == ["locked"]


async def test_quiet_hours_hold_back_until_the_morning(desk: Desk) -> None:
    desk.use(TABLE.replace("to: log,", 'to: log, quiet_hours: "00:00-09:00",'))  # it is 08:00
    document_id = await fail(desk, "a.pdf")
    other = await fail(desk, "b.pdf", "damaged")
    assert desk.channel.told == []
    await route_by_hand(document_id, Word(to="contract"), desk.tools)
    await until_rest(desk)
    await swept(desk, after=3601)
    assert [notice.subject for notice, _ in desk.channel.told] == [other]  # the other one is over


async def test_the_fingerprint_of_a_failing_channel_is_its_own(desk: Desk) -> None:
    _, second = with_two(desk)
    second.broken = Unroutable("gone")
    await fail(desk, "a.pdf")
    incident = await desk.store.get(Incident, fingerprint("channel.failing", SECOND))
    assert incident is not None
    assert incident.status is Status.FIRING


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (Unanswered("it did not answer within 30 seconds"), ["resolved job.failed"]),
        (TimeoutError(), ["resolved job.failed"]),
        (DestinationBusy("it cannot be reached"), []),
        (Unroutable("it answered 410 Gone"), []),
    ],
)
async def test_who_may_have_heard_of_an_incident_hears_its_end(desk: Desk, error: Exception, words: list[str]) -> None:
    _, second = with_two(desk)
    second.broken = error
    failed = await fail(desk, "a.pdf")
    await route_by_hand(failed, Word(to="contract"), desk.tools)
    await until_rest(desk)
    await swept(desk)
    second.broken = None
    await swept(desk, after=600)
    assert [word for word in second.words if word.endswith("job.failed")] == words


@dataclass
class DeafChannel(PlayedChannel):
    """Takes each notice and loses its answer, as long as it is deaf."""

    deaf: bool = True

    async def notify(self, notice: Notice) -> str:
        thread = await super().notify(notice)
        if self.deaf:
            raise Unanswered("it hung up after it had taken the notice")
        return thread


async def test_a_notice_whose_answer_was_lost_comes_again_under_the_same_id(desk: Desk) -> None:
    deaf = DeafChannel()
    desk.tools = replace(desk.tools, channels={"log": deaf})
    await fail(desk, "a.pdf")
    for _ in range(3):
        await swept(desk, after=400)
    deaf.deaf = False
    await swept(desk, after=400)
    said = [notice for notice, _ in deaf.told if notice.kind == "job.failed"]
    assert len(said) > 2
    assert len({notice.id for notice in said}) == 1
    await occur(desk, "another")
    assert deaf.told[-1][0].id != said[0].id


async def test_a_digest_whose_answer_was_lost_comes_again_under_the_same_id(desk: Desk) -> None:
    deaf = DeafChannel(deaf=False)
    desk.use(TABLE.replace("to: log,", "to: log, ceiling: 1 per 10 hours,"))
    desk.tools = replace(desk.tools, channels={"log": deaf})
    await occur(desk, "a", "b", "c")
    deaf.deaf = True
    for _ in range(3):
        await swept(desk, after=400)
    deaf.deaf = False
    await swept(desk, after=400)
    said = [notice for notice, _ in deaf.told if notice.kind == "digest"]
    assert len(said) > 2
    assert len({notice.id for notice in said}) == 1


@pytest.mark.parametrize(("ahead", "tells"), [(60.0, False), (3600.0, True)], ids=["for a minute", "by a wrong clock"])
async def test_a_channel_that_another_task_holds_is_left_to_it_unless_a_clock_was_wrong(
    desk: Desk, ahead: float, tells: bool
) -> None:
    due = Notification(id="f>log", incident_id="f", channel="log", due_at=desk.now - 600)
    held = Channel(id="log", holder="notify:of:others", held_until=desk.now + ahead)
    await desk.store.apply(Ensure(due), Ensure(held))
    await rouse(desk.tools)
    tasks = [task for task in await desk.tasks("notify") if "swept" in task.id]
    assert bool(tasks) is tells
