"""What a person says to an incident, and what each channel hears of it then: acknowledged, silenced, replayed."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from receiver.alerting.incidents import acknowledge, silence
from receiver.core.change import Insert
from receiver.core.document import Document
from receiver.core.errors import KeyRefused
from receiver.core.task import Task, TaskState
from receiver.operations.manual_routing import RoutingDecision, route_by_hand
from tests.builders import a_task
from tests.commands import run, terminal
from tests.in_memory_app import TABLE, InMemoryApp, InMemoryChannel
from tests.unit.alerting.test_alert import fail, sweep_after

pytestmark = pytest.mark.anyio
SECOND = "https://second.example.com"
HOUR = 3600.0
ROW = '  - {on: ["*"], to: log, at_most: 1 per 10 minutes}'


async def key_of(app: InMemoryApp) -> str:
    (incident,) = await app.incidents()
    return incident.id


async def mend(app: InMemoryApp, document_id: str) -> None:
    await route_by_hand(document_id, RoutingDecision(to="contract"), app.context)
    await app.work()


async def test_who_acknowledges_hears_no_reminder_and_still_the_end(app: InMemoryApp) -> None:
    document_id = await fail(app, "a.pdf")
    await acknowledge(await key_of(app), app.context, who="ann")
    for _ in range(3):
        await sweep_after(app, after=5 * HOUR)
    assert app.channel.words == ["firing job.failed"]
    await mend(app, document_id)
    await sweep_after(app)
    assert app.channel.words == ["firing job.failed", "resolved job.failed"]


async def test_without_an_acknowledgement_one_is_reminded(app: InMemoryApp) -> None:
    await fail(app, "a.pdf")
    await sweep_after(app, after=5 * HOUR)
    assert [notice.reminder for notice, _ in app.channel.told] == [False, True]


async def test_an_acknowledgement_in_time_spares_the_second_channel(app: InMemoryApp) -> None:
    second = InMemoryChannel()
    app.use(TABLE.replace("to: log,", f'to: log, escalate: {{to: "{SECOND}", after: 15 minutes}},'))
    app.context = replace(app.context, channels={"log": app.channel, SECOND: second})
    await fail(app, "a.pdf")
    await acknowledge(await key_of(app), app.context, who="ann")
    await sweep_after(app, after=HOUR)
    assert second.told == []


async def test_a_silence_holds_back_this_incident_and_the_next_of_its_cause_until_it_ends(app: InMemoryApp) -> None:
    first = await fail(app, "a.pdf")
    await silence(await key_of(app), 2 * HOUR, "the scanner is being mended", app.context, who="ann")
    await mend(app, first)
    await sweep_after(app)
    assert app.channel.words == ["firing job.failed", "resolved job.failed"]  # an end wakes nobody
    app.later(HOUR)
    await fail(app, "b.pdf")
    await sweep_after(app)
    assert len(app.channel.told) == 2
    await sweep_after(app, after=HOUR)
    assert app.channel.words[2:] == ["firing job.failed"]


async def test_an_incident_whose_messages_were_masked_otherwise_before_an_upgrade_ends_all_the_same(
    app: InMemoryApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = "The model's certificate expired on Thu, 26 Nov 2026 15:31:47 GMT"
    with monkeypatch.context() as before:
        before.setattr("receiver.pipeline.job_failure.cause_of", lambda text, *_: text)
        first = await fail(app, "a.pdf", message)
    second = await fail(app, "b.pdf", message)
    await sweep_after(app)
    assert len(await app.incidents()) == 2  # the old one stands beside the new one
    await mend(app, first)
    await mend(app, second)
    await sweep_after(app)
    assert sorted(app.channel.words) == 2 * ["firing job.failed"] + 2 * ["resolved job.failed"]


async def test_each_incident_keeps_the_window_of_the_row_by_which_it_is_told(app: InMemoryApp) -> None:
    rows = [
        "  - {on: [job.failed], to: log, at_most: 1 per hour}",
        '  - {on: ["task.*"], to: log, at_most: 1 per 30 seconds}',
    ]
    app.use(TABLE.replace(ROW, "\n".join(rows)))
    await mend(app, await fail(app, "a.pdf"))
    await sweep_after(app)
    await fail(app, "b.pdf")
    await sweep_after(app, after=1800)
    assert app.channel.words == ["firing job.failed", "resolved job.failed"]
    await sweep_after(app, after=1800)
    assert app.channel.words[2:] == ["firing job.failed"]


async def test_parked_tasks_about_something_else_hold_no_end_back(app: InMemoryApp) -> None:
    document_id = await fail(app, "a.pdf")
    other = a_task(id=f"notify:{document_id}:x", kind="notify", subject=f"x{document_id}", state=TaskState.PARKED)
    await app.store.apply(Insert(other))
    await mend(app, document_id)
    await sweep_after(app)
    assert app.channel.words == ["firing job.failed", "resolved job.failed"]


async def test_a_key_that_is_not_accepted_pauses_submission_and_parks_nothing(app: InMemoryApp) -> None:
    for number in range(20):
        await app.ingest(f"{number}.pdf")
    app.cloud.broken = KeyRefused("LLAMA_CLOUD_API_KEY is not accepted (401)")
    await app.work()
    for _ in range(40):
        app.later(60)
        await app.work()
    assert await app.all(Task, "state", TaskState.PARKED) == []
    assert app.channel.words == ["firing submission.paused"]


@pytest.mark.parametrize("command", ["mailroom replay --parked", "mailroom replay {task}"])
@pytest.mark.parametrize("kind", ["alert", "notify"])
def test_the_command_that_replays_a_parked_notice_touches_no_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, kind: str
) -> None:
    app = InMemoryApp(tmp_path)
    asyncio.run(app.routed(name="routed.pdf"))
    asyncio.run(app.routed(None, name="held.pdf", content=b"%PDF-1.7 held"))
    failed = asyncio.run(fail(app, "failed.pdf"))
    parked = a_task(
        id=f"{kind}:{failed}", kind=kind, subject=failed, state=TaskState.PARKED, details={"to": "log", "alert": "{}"}
    )
    asyncio.run(app.store.apply(Insert(parked)))
    before = asyncio.run(app.all(Document))
    with terminal(app, TABLE, monkeypatch):
        done = run(command.format(task=parked.id))
    assert done.exit_code == 0, done.output
    assert asyncio.run(app.all(Document)) == before
    task = asyncio.run(app.store.get(Task, parked.id))
    assert task is not None
    assert task.state is TaskState.READY
