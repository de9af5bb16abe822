"""What a person says to an incident, and what each channel hears of it then: acknowledged, silenced, replayed."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from receiver.core.change import Insert
from receiver.core.document import Document
from receiver.core.errors import KeyRefused
from receiver.core.task import Task, TaskState
from receiver.flow.by_hand import Word, route_by_hand
from receiver.flow.incidents import acknowledge, silence
from tests.builders import a_task
from tests.commands import run, terminal
from tests.desk import TABLE, Desk, PlayedChannel
from tests.unit.flow.test_alert import fail, swept

pytestmark = pytest.mark.anyio
SECOND = "https://second.example.com"
HOUR = 3600.0
ROW = '  - {on: ["*"], to: log, at_most: 1 per 10 minutes}'


async def key_of(desk: Desk) -> str:
    (incident,) = await desk.incidents()
    return incident.id


async def mend(desk: Desk, document_id: str) -> None:
    await route_by_hand(document_id, Word(to="contract"), desk.tools)
    await desk.work()


async def test_who_acknowledges_hears_no_reminder_and_still_the_end(desk: Desk) -> None:
    document_id = await fail(desk, "a.pdf")
    await acknowledge(await key_of(desk), desk.tools, who="ann")
    for _ in range(3):
        await swept(desk, after=5 * HOUR)
    assert desk.channel.words == ["firing job.failed"]
    await mend(desk, document_id)
    await swept(desk)
    assert desk.channel.words == ["firing job.failed", "resolved job.failed"]


async def test_without_an_acknowledgement_one_is_reminded(desk: Desk) -> None:
    await fail(desk, "a.pdf")
    await swept(desk, after=5 * HOUR)
    assert [notice.reminder for notice, _ in desk.channel.told] == [False, True]


async def test_an_acknowledgement_in_time_spares_the_second_channel(desk: Desk) -> None:
    second = PlayedChannel()
    desk.use(TABLE.replace("to: log,", f'to: log, escalate: {{to: "{SECOND}", after: 15 minutes}},'))
    desk.tools = replace(desk.tools, channels={"log": desk.channel, SECOND: second})
    await fail(desk, "a.pdf")
    await acknowledge(await key_of(desk), desk.tools, who="ann")
    await swept(desk, after=HOUR)
    assert second.told == []


async def test_a_silence_holds_back_this_incident_and_the_next_of_its_cause_until_it_ends(desk: Desk) -> None:
    first = await fail(desk, "a.pdf")
    await silence(await key_of(desk), 2 * HOUR, "the scanner is being mended", desk.tools, who="ann")
    await mend(desk, first)
    await swept(desk)
    assert desk.channel.words == ["firing job.failed", "resolved job.failed"]  # an end wakes nobody
    desk.later(HOUR)
    await fail(desk, "b.pdf")
    await swept(desk)
    assert len(desk.channel.told) == 2
    await swept(desk, after=HOUR)
    assert desk.channel.words[2:] == ["firing job.failed"]


async def test_an_incident_whose_messages_were_masked_otherwise_before_an_upgrade_ends_all_the_same(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = "The model's certificate expired on Thu, 26 Nov 2026 15:31:47 GMT"
    with monkeypatch.context() as before:
        before.setattr("receiver.flow.conclude.cause_of", lambda text, *_: text)
        first = await fail(desk, "a.pdf", message)
    second = await fail(desk, "b.pdf", message)
    await swept(desk)
    assert len(await desk.incidents()) == 2  # the old one stands beside the new one
    await mend(desk, first)
    await mend(desk, second)
    await swept(desk)
    assert sorted(desk.channel.words) == 2 * ["firing job.failed"] + 2 * ["resolved job.failed"]


async def test_each_incident_keeps_the_window_of_the_row_by_which_it_is_told(desk: Desk) -> None:
    rows = [
        "  - {on: [job.failed], to: log, at_most: 1 per hour}",
        '  - {on: ["task.*"], to: log, at_most: 1 per 30 seconds}',
    ]
    desk.use(TABLE.replace(ROW, "\n".join(rows)))
    await mend(desk, await fail(desk, "a.pdf"))
    await swept(desk)
    await fail(desk, "b.pdf")
    await swept(desk, after=1800)
    assert desk.channel.words == ["firing job.failed", "resolved job.failed"]
    await swept(desk, after=1800)
    assert desk.channel.words[2:] == ["firing job.failed"]


async def test_parked_tasks_about_something_else_hold_no_end_back(desk: Desk) -> None:
    document_id = await fail(desk, "a.pdf")
    other = a_task(id=f"notify:{document_id}:x", kind="notify", subject=f"x{document_id}", state=TaskState.PARKED)
    await desk.store.apply(Insert(other))
    await mend(desk, document_id)
    await swept(desk)
    assert desk.channel.words == ["firing job.failed", "resolved job.failed"]


async def test_a_key_that_is_not_accepted_pauses_submission_and_parks_nothing(desk: Desk) -> None:
    for number in range(20):
        await desk.take_in(f"{number}.pdf")
    desk.cloud.broken = KeyRefused("LLAMA_CLOUD_API_KEY is not accepted (401)")
    await desk.work()
    for _ in range(40):
        desk.later(60)
        await desk.work()
    assert await desk.all(Task, "state", TaskState.PARKED) == []
    assert desk.channel.words == ["firing submission.paused"]


@pytest.mark.parametrize("command", ["mailroom replay --parked", "mailroom replay {task}"])
@pytest.mark.parametrize("kind", ["alert", "notify"])
def test_the_command_that_replays_a_parked_notice_touches_no_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, kind: str
) -> None:
    desk = Desk(tmp_path)
    asyncio.run(desk.routed(name="routed.pdf"))
    asyncio.run(desk.routed(None, name="held.pdf", content=b"%PDF-1.7 held"))
    failed = asyncio.run(fail(desk, "failed.pdf"))
    parked = a_task(
        id=f"{kind}:{failed}", kind=kind, subject=failed, state=TaskState.PARKED, details={"to": "log", "alert": "{}"}
    )
    asyncio.run(desk.store.apply(Insert(parked)))
    before = asyncio.run(desk.all(Document))
    with terminal(desk, TABLE, monkeypatch):
        done = run(command.format(task=parked.id))
    assert done.exit_code == 0, done.output
    assert asyncio.run(desk.all(Document)) == before
    task = asyncio.run(desk.store.get(Task, parked.id))
    assert task is not None
    assert task.state is TaskState.READY
