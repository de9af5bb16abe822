"""What happens is counted in one incident for each cause; each channel hears of it once, and of its true end."""

import asyncio
from dataclasses import replace

import pytest

from receiver.alerting.alert import raise_alert, task_for
from receiver.core.alert import Alert, AlertState, Severity
from receiver.core.change import Insert, InsertIfAbsent, Query
from receiver.core.channel_name import channel_name
from receiver.core.document import DocumentState
from receiver.core.errors import DestinationBusy
from receiver.core.ids import task_id
from receiver.core.incident import Occurrence, Status
from receiver.core.job import JobStatus
from receiver.core.notification import Notification
from receiver.core.task import Task, TaskState
from receiver.operations.manual_routing import RoutingDecision, route_by_hand
from receiver.operations.sweep import sweep
from tests.builders import NOW, a_task
from tests.in_memory_app import TABLE, InMemoryApp, InMemoryChannel

pytestmark = pytest.mark.anyio
WAITING = TABLE.replace("wait: 0 seconds", "wait: 10 seconds")


async def fail(app: InMemoryApp, name: str, error: str = "The PDF is encrypted") -> str:
    """A document whose job failed with this message; its id."""
    document = await app.submitted(name=name)
    app.cloud.finish(document.job_id, JobStatus.FAILED, error=error)
    await app.event(document.job_id, "classify.error")
    await app.work()
    return document.id


async def sweep_after(app: InMemoryApp, *, after: float = 60.0) -> None:
    app.later(after)
    await sweep(app.context)
    await app.work()


async def test_a_hundred_failures_of_one_cause_are_one_notice(app: InMemoryApp) -> None:
    for number in range(100):
        await fail(app, f"{number}.pdf")
    (incident,) = await app.incidents()
    assert (len(app.channel.told), incident.count, incident.unmended) == (1, 100, 100)


async def test_ids_numbers_and_names_in_the_message_are_no_causes(app: InMemoryApp) -> None:
    for number in range(30):
        gone = f"Source file 7b0e0f1c-6d2a-4a57-9e55-1f2f6d1c1a{number:02} not found"
        await fail(app, f"scan of {number}.pdf", gone)
        await fail(app, f"letter {number}.pdf", f"Page {number} of 'letter {number}.pdf' has no text layer")
    assert sorted(incident.count for incident in await app.incidents()) == [30, 30]
    assert len(app.channel.told) == 2
    assert "7b0e0f1c-6d2a-4a57-9e55-1f2f6d1c1a00" in app.channel.told[0][0].detail  # in the vendor's own words


async def test_another_cause_is_another_notice(app: InMemoryApp) -> None:
    await fail(app, "a.pdf")
    await fail(app, "b.pdf", "The PDF is damaged")
    assert len(app.channel.told) == 2


async def test_what_comes_at_once_is_gathered_before_the_first_notice(app: InMemoryApp) -> None:
    app.use(WAITING)
    for number in range(5):
        await fail(app, f"{number}.pdf")
        app.later(1)
    assert app.channel.told == []
    app.later(5)
    await app.work()
    assert [count for _, count in app.channel.told] == [5]


async def test_what_goes_on_is_repeated_with_its_count_and_what_is_new_is_only_counted(app: InMemoryApp) -> None:
    await fail(app, "a.pdf")
    app.later(601)
    await fail(app, "b.pdf")
    await fail(app, "c.pdf")
    app.later(4 * 3600)
    await app.work()
    assert [(notice.reminder, count) for notice, count in app.channel.told] == [(False, 1), (True, 3)]


async def test_five_failures_seventeen_seconds_apart_are_one_notice_and_one_end(app: InMemoryApp) -> None:
    app.use(TABLE.replace("at_most: 1 per 10 minutes", "at_most: 1 per hour"))
    ids = []
    for number in range(5):
        ids.append(await fail(app, f"{number}.pdf"))
        await sweep_after(app, after=17)
    for _ in range(5):
        await sweep_after(app)
    assert app.channel.words == ["firing job.failed"]  # nobody has mended anything
    for document_id in ids:
        await route_by_hand(document_id, RoutingDecision(to="contract"), app.context)
    await app.work()
    await sweep_after(app)
    assert app.channel.words == ["firing job.failed", "resolved job.failed"]


async def test_an_incident_is_over_when_the_last_of_its_documents_is(app: InMemoryApp) -> None:
    ids = [await fail(app, f"{number}.pdf") for number in range(3)]
    for document_id in ids[:2]:
        await route_by_hand(document_id, RoutingDecision(to="contract"), app.context)
    await app.work()
    await sweep_after(app)
    (incident,) = await app.incidents()
    assert (incident.status, incident.count, incident.unmended) == (Status.FIRING, 3, 1)
    await route_by_hand(ids[2], RoutingDecision(to="contract"), app.context)
    await app.work()
    await sweep_after(app, after=1)
    (incident,) = await app.incidents()
    assert (incident.status, incident.unmended) == (Status.RESOLVED, 0)


async def test_a_document_that_is_worked_on_again_is_not_mended_yet(app: InMemoryApp) -> None:
    document_id = await fail(app, "a.pdf")
    app.bytes.broken = DestinationBusy("down")
    await route_by_hand(document_id, RoutingDecision(to="contract"), app.context)
    await app.work()
    assert (await app.document(document_id)).state is DocumentState.OPEN
    await sweep_after(app)
    assert app.channel.words == ["firing job.failed"]


async def test_what_comes_after_the_end_is_the_next_incident_and_counts_from_one(app: InMemoryApp) -> None:
    document_id = await fail(app, "a.pdf")
    await route_by_hand(document_id, RoutingDecision(to="contract"), app.context)
    await app.work()
    await sweep_after(app)
    app.later(700)
    await fail(app, "b.pdf")
    assert app.channel.words == ["firing job.failed", "resolved job.failed", "firing job.failed"]
    notice, count = app.channel.told[-1]
    assert (count, notice.number) == (1, 2)


async def test_a_failure_that_mends_itself_is_counted_and_pages_nobody(app: InMemoryApp) -> None:
    document = await app.submitted()
    app.cloud.finish(document.job_id, JobStatus.FAILED, error="Parsing timed out")
    await app.event(document.job_id, "classify.error")
    await app.work()
    again = await app.document(document.id)
    assert again.job_id == "job-2"
    app.cloud.classified("job-2", "contract")
    await app.event("job-2")
    await app.work()
    assert (await app.document(document.id)).state is DocumentState.ROUTED
    assert app.channel.told == []
    assert ("mailroom_alerts", ("job.failed", "mended"), 1.0) in list(app.context.meter.counts())  # type: ignore[attr-defined]


async def test_what_was_given_up_says_what_was_tried(app: InMemoryApp) -> None:
    document = await app.submitted()
    for job_id in ("job-1", "job-2"):
        app.cloud.finish(job_id, JobStatus.FAILED, error="Parsing timed out")
        await app.event(job_id, "classify.error")
        await app.work()
    ((notice, _),) = app.channel.told
    assert notice.tried == "resubmitted once before; the last time because: Parsing timed out"
    assert (notice.subject, notice.job_id) == (document.id, "job-2")


async def test_an_alert_that_is_raised_again_counts_once(app: InMemoryApp) -> None:
    alert = Alert(kind="job.failed", cause="c", title="t", detail="d", at=NOW)
    task = task_for(alert, "react", "job-1")
    for _ in range(3):
        await raise_alert(task, app.context)
    (incident,) = await app.incidents()
    assert incident.count == 1


async def test_two_hundred_at_once_are_counted_exactly(app: InMemoryApp) -> None:
    app.context = replace(app.context, spread=lambda: 0.01)
    alert = Alert(kind="job.failed", cause="c", title="t", detail="d", at=NOW)
    alerts = [replace(alert, subject=f"doc-{number}") for number in range(200)]
    await asyncio.gather(*(raise_alert(task_for(item, "react", item.subject), app.context) for item in alerts))
    (incident,) = await app.incidents()
    assert (incident.count, incident.unmended) == (200, 200)
    occurrences = await app.all(Occurrence, "unmended", incident.part)
    assert len({item.document_id for item in occurrences}) == 200


async def test_the_incident_has_its_documents_and_jobs_on_record(app: InMemoryApp) -> None:
    ids = [await fail(app, f"{number}.pdf") for number in range(7)]
    (incident,) = await app.incidents()
    occurrences = await app.all(Occurrence, "incident", incident.part)
    assert [(item.document_id, item.job_id) for item in occurrences] == [(i, f"job-{n}") for n, i in enumerate(ids, 1)]
    assert [item.name for item in incident.examples] == ["0.pdf", "3.pdf", "4.pdf", "5.pdf", "6.pdf"]


async def test_what_nobody_can_see_the_end_of_is_quiet_by_another_word(app: InMemoryApp) -> None:
    alert = Alert(kind="nobody.knows", cause="c", title="it happened", detail="d", at=NOW)
    await app.store.apply(InsertIfAbsent(task_for(alert, "a")))
    await app.work()
    await sweep_after(app, after=1800)
    assert app.channel.words == ["firing nobody.knows"]
    await sweep_after(app, after=1801)
    assert app.channel.words == ["firing nobody.knows", "quiet nobody.knows"]


async def test_two_rules_for_one_channel_are_one_notice(app: InMemoryApp) -> None:
    app.use(TABLE + "  - {on: [job.failed], to: log, at_most: 1 per 5 minutes}\n")
    await fail(app, "a.pdf")
    assert len(app.channel.told) == 1


async def test_two_channels_with_long_addresses_are_both_told(app: InMemoryApp) -> None:
    addresses = [f"https://alerts.example.com/{'x' * 300}/{number}" for number in range(2)]
    app.use(TABLE + "".join(f"  - {{on: [job.failed], to: '{item}'}}\n" for item in addresses))
    channels = {channel_name(item): InMemoryChannel() for item in ("log", *addresses)}
    app.context = replace(app.context, channels=channels)
    await fail(app, "a.pdf", error="it is broken: " + "far too long " * 50)
    assert [len(item.told) for item in channels.values()] == [1, 1, 1]


async def test_a_packet_that_is_held_is_grouped_by_what_is_wrong_with_it(app: InMemoryApp) -> None:
    for number in range(3):
        await app.submitted(name=f"{number}.pdf", content=b"%%PDF-1.7 nothing %d" % number, packet=True)
    (incident,) = await app.incidents()
    assert (incident.kind, incident.count) == ("packet.held", 3)


# --- severity


async def test_a_rate_makes_it_worse_and_that_is_told_at_once(app: InMemoryApp) -> None:
    rate = "  severities: [{on: job.failed, when: more than 5 in 10 minutes, severity: critical}]\n"
    app.use(TABLE.replace("alerting: {wait: 0 seconds}\n", f"alerting:\n  wait: 0 seconds\n{rate}"))
    for number in range(8):
        await fail(app, f"{number}.pdf")
    assert [notice.severity for notice, _ in app.channel.told] == [Severity.ERROR, Severity.CRITICAL]
    assert [count for _, count in app.channel.told] == [1, 6]


async def test_a_share_of_the_documents_makes_it_worse(app: InMemoryApp) -> None:
    rate = "  severities: [{on: job.failed, when: 20 % in 10 minutes, severity: critical}]\n"
    app.use(TABLE.replace("alerting: {wait: 0 seconds}\n", f"alerting:\n  wait: 0 seconds\n{rate}"))
    await sweep(app.context)  # which notes how many there are
    app.later(60)
    for number in range(20):
        await app.ingest(name=f"fine {number}.pdf", content=b"fine %d" % number)
    for number in range(8):
        await fail(app, f"{number}.pdf")
    (incident,) = await app.incidents()
    assert incident.severity is Severity.CRITICAL
    assert [count for _, count in app.channel.told] == [1, 6]  # 6 of 26 is the first above 20 %


async def test_a_channel_hears_of_what_becomes_severe_enough(app: InMemoryApp) -> None:
    app.use(
        TABLE.replace("to: log,", "to: log, min_severity: critical,").replace(
            "alerting: {wait: 0 seconds}\n",
            "alerting:\n  wait: 0 seconds\n"
            "  severities: [{on: job.failed, when: more than 2 in 10 minutes, severity: critical}]\n",
        )
    )
    for number in range(5):
        await fail(app, f"{number}.pdf")
    assert [(notice.severity, count) for notice, count in app.channel.told] == [(Severity.CRITICAL, 3)]


# --- stores of the releases before


async def test_what_releases_before_had_told_goes_on_and_its_end_is_told(app: InMemoryApp) -> None:
    document_id = await fail(app, "a.pdf")
    app.channel.told.clear()
    old = [
        AlertState(
            id=f"job.failed:old cause {number}>log", kind="job.failed", first_at=NOW - 100, last_at=NOW - 50,
            notified_at=NOW - 100, count=7, example=document_id, title="classify job failed", fix="look",
        )
        for number in range(250)
    ]  # fmt: skip
    over = replace(old[0], id="job.failed:over>log", resolved_at=NOW - 10)
    parked = a_task(kind="notify", state=TaskState.PARKED, details={"alert": "{}", "to": "log", "count": "1"})
    await app.store.apply(Insert(over), Insert(parked), *map(Insert, old[:60]))
    for some in range(60, 250, 60):
        await app.store.apply(*map(Insert, old[some : some + 60]))
    await sweep_after(app)
    assert app.channel.words == []  # they were told before
    standing = [item for item in await app.incidents() if item.status is Status.FIRING]
    assert len(standing) == 251
    assert {item.count for item in standing} == {1, 7}
    await route_by_hand(document_id, RoutingDecision(to="contract"), app.context)
    await app.work()
    await sweep_after(app)
    for _ in range(20):
        await app.work(rounds=200)
    assert set(app.channel.words) == {"resolved job.failed"}
    assert len(app.channel.words) == 251
    told = [item for item in await app.all(Notification, "due", "log") if item.notified]
    assert told == []


async def test_a_notice_of_the_releases_before_that_waits_is_only_a_reason_to_look(app: InMemoryApp) -> None:
    details = {"alert": "{}", "to": "log", "count": "1", "suppressed": "0"}
    await app.store.apply(Insert(a_task(id=task_id("notify", "x"), kind="notify", details=details)))
    await app.work()
    task = await app.store.get(Task, task_id("notify", "x"))
    assert task is not None
    assert (task.state, app.channel.told) == (TaskState.DONE, [])


async def test_the_conversion_looks_at_each_old_state_once(app: InMemoryApp) -> None:
    state = AlertState(id="job.failed:a>log", kind="job.failed", first_at=NOW, last_at=NOW, notified_at=NOW, count=1)
    await app.store.apply(Insert(state))
    await sweep_after(app)
    found = await app.store.find(AlertState, Query(newest_first=True))
    assert [item.resolved_at for item in found.records] == [app.now]


@pytest.mark.parametrize("blank", ["", " ", "\n\t", "\u200b"])
async def test_a_message_in_which_nothing_can_be_read_is_no_reason(app: InMemoryApp, blank: str) -> None:
    await fail(app, "a.pdf", blank)
    assert app.channel.told[0][0].detail == "LlamaCloud reported no reason"
