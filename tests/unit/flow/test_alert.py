"""What happens is counted in one incident for each cause; each channel hears of it once, and of its true end."""

import asyncio
from dataclasses import replace

import pytest

from receiver.core.alert import Alert, AlertState, Severity
from receiver.core.change import Ensure, Insert, Query
from receiver.core.channel_name import channel_name
from receiver.core.document import DocumentState
from receiver.core.errors import DestinationBusy
from receiver.core.incident import Occurrence, Status
from receiver.core.job import JobStatus
from receiver.core.naming import task_id
from receiver.core.notification import Notification
from receiver.core.task import Task, TaskState
from receiver.flow.alert import raise_alert, task_for
from receiver.flow.by_hand import Word, route_by_hand
from receiver.flow.sweep import sweep
from tests.builders import NOW, a_task
from tests.desk import TABLE, Desk, PlayedChannel

pytestmark = pytest.mark.anyio
WAITING = TABLE.replace("wait: 0 seconds", "wait: 10 seconds")


async def fail(desk: Desk, name: str, error: str = "The PDF is encrypted") -> str:
    """A document whose job failed with this message; its id."""
    document = await desk.submitted(name=name)
    desk.cloud.finish(document.job_id, JobStatus.FAILED, error=error)
    await desk.event(document.job_id, "classify.error")
    await desk.work()
    return document.id


async def swept(desk: Desk, *, after: float = 60.0) -> None:
    desk.later(after)
    await sweep(desk.tools)
    await desk.work()


async def test_a_hundred_failures_of_one_cause_are_one_notice(desk: Desk) -> None:
    for number in range(100):
        await fail(desk, f"{number}.pdf")
    (incident,) = await desk.incidents()
    assert (len(desk.channel.told), incident.count, incident.unmended) == (1, 100, 100)


async def test_ids_numbers_and_names_in_the_message_are_no_causes(desk: Desk) -> None:
    for number in range(30):
        gone = f"Source file 7b0e0f1c-6d2a-4a57-9e55-1f2f6d1c1a{number:02} not found"
        await fail(desk, f"scan of {number}.pdf", gone)
        await fail(desk, f"letter {number}.pdf", f"Page {number} of 'letter {number}.pdf' has no text layer")
    assert sorted(incident.count for incident in await desk.incidents()) == [30, 30]
    assert len(desk.channel.told) == 2
    assert "7b0e0f1c-6d2a-4a57-9e55-1f2f6d1c1a00" in desk.channel.told[0][0].detail  # in the vendor's own words


async def test_another_cause_is_another_notice(desk: Desk) -> None:
    await fail(desk, "a.pdf")
    await fail(desk, "b.pdf", "The PDF is damaged")
    assert len(desk.channel.told) == 2


async def test_what_comes_at_once_is_gathered_before_the_first_notice(desk: Desk) -> None:
    desk.use(WAITING)
    for number in range(5):
        await fail(desk, f"{number}.pdf")
        desk.later(1)
    assert desk.channel.told == []
    desk.later(5)
    await desk.work()
    assert [count for _, count in desk.channel.told] == [5]


async def test_what_goes_on_is_repeated_with_its_count_and_what_is_new_is_only_counted(desk: Desk) -> None:
    await fail(desk, "a.pdf")
    desk.later(601)
    await fail(desk, "b.pdf")
    await fail(desk, "c.pdf")
    desk.later(4 * 3600)
    await desk.work()
    assert [(notice.reminder, count) for notice, count in desk.channel.told] == [(False, 1), (True, 3)]


async def test_five_failures_seventeen_seconds_apart_are_one_notice_and_one_end(desk: Desk) -> None:
    desk.use(TABLE.replace("at_most: 1 per 10 minutes", "at_most: 1 per hour"))
    ids = []
    for number in range(5):
        ids.append(await fail(desk, f"{number}.pdf"))
        await swept(desk, after=17)
    for _ in range(5):
        await swept(desk)
    assert desk.channel.words == ["firing job.failed"]  # nobody has mended anything
    for document_id in ids:
        await route_by_hand(document_id, Word(to="contract"), desk.tools)
    await desk.work()
    await swept(desk)
    assert desk.channel.words == ["firing job.failed", "resolved job.failed"]


async def test_an_incident_is_over_when_the_last_of_its_documents_is(desk: Desk) -> None:
    ids = [await fail(desk, f"{number}.pdf") for number in range(3)]
    for document_id in ids[:2]:
        await route_by_hand(document_id, Word(to="contract"), desk.tools)
    await desk.work()
    await swept(desk)
    (incident,) = await desk.incidents()
    assert (incident.status, incident.count, incident.unmended) == (Status.FIRING, 3, 1)
    await route_by_hand(ids[2], Word(to="contract"), desk.tools)
    await desk.work()
    await swept(desk, after=1)
    (incident,) = await desk.incidents()
    assert (incident.status, incident.unmended) == (Status.RESOLVED, 0)


async def test_a_document_that_is_worked_on_again_is_not_mended_yet(desk: Desk) -> None:
    document_id = await fail(desk, "a.pdf")
    desk.bytes.broken = DestinationBusy("down")
    await route_by_hand(document_id, Word(to="contract"), desk.tools)
    await desk.work()
    assert (await desk.document(document_id)).state is DocumentState.OPEN
    await swept(desk)
    assert desk.channel.words == ["firing job.failed"]


async def test_what_comes_after_the_end_is_the_next_incident_and_counts_from_one(desk: Desk) -> None:
    document_id = await fail(desk, "a.pdf")
    await route_by_hand(document_id, Word(to="contract"), desk.tools)
    await desk.work()
    await swept(desk)
    desk.later(700)
    await fail(desk, "b.pdf")
    assert desk.channel.words == ["firing job.failed", "resolved job.failed", "firing job.failed"]
    notice, count = desk.channel.told[-1]
    assert (count, notice.number) == (1, 2)


async def test_a_failure_that_mends_itself_is_counted_and_pages_nobody(desk: Desk) -> None:
    document = await desk.submitted()
    desk.cloud.finish(document.job_id, JobStatus.FAILED, error="Parsing timed out")
    await desk.event(document.job_id, "classify.error")
    await desk.work()
    again = await desk.document(document.id)
    assert again.job_id == "job-2"
    desk.cloud.classified("job-2", "contract")
    await desk.event("job-2")
    await desk.work()
    assert (await desk.document(document.id)).state is DocumentState.ROUTED
    assert desk.channel.told == []
    assert ("mailroom_alerts", ("job.failed", "mended"), 1.0) in list(desk.tools.meter.counts())  # type: ignore[attr-defined]


async def test_what_was_given_up_says_what_was_tried(desk: Desk) -> None:
    document = await desk.submitted()
    for job_id in ("job-1", "job-2"):
        desk.cloud.finish(job_id, JobStatus.FAILED, error="Parsing timed out")
        await desk.event(job_id, "classify.error")
        await desk.work()
    ((notice, _),) = desk.channel.told
    assert notice.tried == "submitted anew once before; the last time because: Parsing timed out"
    assert (notice.subject, notice.job_id) == (document.id, "job-2")


async def test_an_alert_that_is_raised_again_counts_once(desk: Desk) -> None:
    alert = Alert(kind="job.failed", cause="c", title="t", detail="d", at=NOW)
    task = task_for(alert, "react", "job-1")
    for _ in range(3):
        await raise_alert(task, desk.tools)
    (incident,) = await desk.incidents()
    assert incident.count == 1


async def test_two_hundred_at_once_are_counted_exactly(desk: Desk) -> None:
    desk.tools = replace(desk.tools, spread=lambda: 0.01)
    alert = Alert(kind="job.failed", cause="c", title="t", detail="d", at=NOW)
    alerts = [replace(alert, subject=f"doc-{number}") for number in range(200)]
    await asyncio.gather(*(raise_alert(task_for(one, "react", one.subject), desk.tools) for one in alerts))
    (incident,) = await desk.incidents()
    assert (incident.count, incident.unmended) == (200, 200)
    occurrences = await desk.all(Occurrence, "unmended", incident.part)
    assert len({one.document_id for one in occurrences}) == 200


async def test_the_incident_has_its_documents_and_jobs_on_record(desk: Desk) -> None:
    ids = [await fail(desk, f"{number}.pdf") for number in range(7)]
    (incident,) = await desk.incidents()
    occurrences = await desk.all(Occurrence, "incident", incident.part)
    assert [(one.document_id, one.job_id) for one in occurrences] == [(i, f"job-{n}") for n, i in enumerate(ids, 1)]
    assert [one.name for one in incident.examples] == ["0.pdf", "3.pdf", "4.pdf", "5.pdf", "6.pdf"]


async def test_what_nobody_can_see_the_end_of_is_quiet_by_another_word(desk: Desk) -> None:
    alert = Alert(kind="nobody.knows", cause="c", title="it happened", detail="d", at=NOW)
    await desk.store.apply(Ensure(task_for(alert, "a")))
    await desk.work()
    await swept(desk, after=1800)
    assert desk.channel.words == ["firing nobody.knows"]
    await swept(desk, after=1801)
    assert desk.channel.words == ["firing nobody.knows", "quiet nobody.knows"]


async def test_two_rules_for_one_channel_are_one_notice(desk: Desk) -> None:
    desk.use(TABLE + "  - {on: [job.failed], to: log, at_most: 1 per 5 minutes}\n")
    await fail(desk, "a.pdf")
    assert len(desk.channel.told) == 1


async def test_two_channels_with_long_addresses_are_both_told(desk: Desk) -> None:
    addresses = [f"https://alerts.example.com/{'x' * 300}/{number}" for number in range(2)]
    desk.use(TABLE + "".join(f"  - {{on: [job.failed], to: '{one}'}}\n" for one in addresses))
    channels = {channel_name(one): PlayedChannel() for one in ("log", *addresses)}
    desk.tools = replace(desk.tools, channels=channels)
    await fail(desk, "a.pdf", error="it is broken: " + "far too long " * 50)
    assert [len(one.told) for one in channels.values()] == [1, 1, 1]


async def test_a_packet_that_is_held_is_grouped_by_what_is_wrong_with_it(desk: Desk) -> None:
    for number in range(3):
        await desk.submitted(name=f"{number}.pdf", content=b"%%PDF-1.7 nothing %d" % number, packet=True)
    (incident,) = await desk.incidents()
    assert (incident.kind, incident.count) == ("packet.held", 3)


# --- severity


async def test_a_rate_makes_it_worse_and_that_is_told_at_once(desk: Desk) -> None:
    rate = "  severities: [{on: job.failed, when: more than 5 in 10 minutes, severity: critical}]\n"
    desk.use(TABLE.replace("alerting: {wait: 0 seconds}\n", f"alerting:\n  wait: 0 seconds\n{rate}"))
    for number in range(8):
        await fail(desk, f"{number}.pdf")
    assert [notice.severity for notice, _ in desk.channel.told] == [Severity.ERROR, Severity.CRITICAL]
    assert [count for _, count in desk.channel.told] == [1, 6]


async def test_a_share_of_the_documents_makes_it_worse(desk: Desk) -> None:
    rate = "  severities: [{on: job.failed, when: 20 % in 10 minutes, severity: critical}]\n"
    desk.use(TABLE.replace("alerting: {wait: 0 seconds}\n", f"alerting:\n  wait: 0 seconds\n{rate}"))
    await sweep(desk.tools)  # which notes how many there are
    desk.later(60)
    for number in range(20):
        await desk.take_in(name=f"fine {number}.pdf", content=b"fine %d" % number)
    for number in range(8):
        await fail(desk, f"{number}.pdf")
    (incident,) = await desk.incidents()
    assert incident.severity is Severity.CRITICAL
    assert [count for _, count in desk.channel.told] == [1, 6]  # 6 of 26 is the first above 20 %


async def test_a_channel_hears_of_what_becomes_severe_enough(desk: Desk) -> None:
    desk.use(
        TABLE.replace("to: log,", "to: log, min_severity: critical,").replace(
            "alerting: {wait: 0 seconds}\n",
            "alerting:\n  wait: 0 seconds\n"
            "  severities: [{on: job.failed, when: more than 2 in 10 minutes, severity: critical}]\n",
        )
    )
    for number in range(5):
        await fail(desk, f"{number}.pdf")
    assert [(notice.severity, count) for notice, count in desk.channel.told] == [(Severity.CRITICAL, 3)]


# --- stores of the releases before


async def test_what_releases_before_had_told_goes_on_and_its_end_is_told(desk: Desk) -> None:
    document_id = await fail(desk, "a.pdf")
    desk.channel.told.clear()
    old = [
        AlertState(
            id=f"job.failed:old cause {number}>log", kind="job.failed", first_at=NOW - 100, last_at=NOW - 50,
            notified_at=NOW - 100, count=7, example=document_id, title="classify job failed", fix="look",
        )
        for number in range(250)
    ]  # fmt: skip
    over = replace(old[0], id="job.failed:over>log", resolved_at=NOW - 10)
    parked = a_task(kind="notify", state=TaskState.PARKED, details={"alert": "{}", "to": "log", "count": "1"})
    await desk.store.apply(Insert(over), Insert(parked), *map(Insert, old[:60]))
    for some in range(60, 250, 60):
        await desk.store.apply(*map(Insert, old[some : some + 60]))
    await swept(desk)
    assert desk.channel.words == []  # they were told before
    standing = [one for one in await desk.incidents() if one.status is Status.FIRING]
    assert len(standing) == 251
    assert {one.count for one in standing} == {1, 7}
    await route_by_hand(document_id, Word(to="contract"), desk.tools)
    await desk.work()
    await swept(desk)
    for _ in range(20):
        await desk.work(rounds=200)
    assert set(desk.channel.words) == {"resolved job.failed"}
    assert len(desk.channel.words) == 251
    told = [one for one in await desk.all(Notification, "due", "log") if one.heard]
    assert told == []


async def test_a_notice_of_the_releases_before_that_waits_is_only_a_reason_to_look(desk: Desk) -> None:
    details = {"alert": "{}", "to": "log", "count": "1", "suppressed": "0"}
    await desk.store.apply(Insert(a_task(id=task_id("notify", "x"), kind="notify", details=details)))
    await desk.work()
    task = await desk.store.get(Task, task_id("notify", "x"))
    assert task is not None
    assert (task.state, desk.channel.told) == (TaskState.DONE, [])


async def test_the_conversion_looks_at_each_old_state_once(desk: Desk) -> None:
    state = AlertState(id="job.failed:a>log", kind="job.failed", first_at=NOW, last_at=NOW, notified_at=NOW, count=1)
    await desk.store.apply(Insert(state))
    await swept(desk)
    found = await desk.store.find(AlertState, Query(newest_first=True))
    assert [one.resolved_at for one in found.records] == [desk.now]


@pytest.mark.parametrize("blank", ["", " ", "\n\t", "\u200b"])
async def test_a_message_in_which_nothing_can_be_read_is_no_reason(desk: Desk, blank: str) -> None:
    await fail(desk, "a.pdf", blank)
    assert desk.channel.told[0][0].detail == "LlamaCloud gave no reason"
