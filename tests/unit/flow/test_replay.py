"""Replay is safe by construction: a second run writes nothing."""

import pytest

from receiver.core.document import Document, DocumentState
from receiver.core.errors import AccessDenied, DestinationBusy
from receiver.flow.replay import Choice, Replay, carry_out, chosen, foreseen, written
from receiver.flow.replay_task import chosen_tasks, foreseen_task
from tests.desk import TABLE, Desk
from tests.outsider import Outsider, elsewhere

pytestmark = pytest.mark.anyio


async def replayed(desk: Desk, **choice: object) -> list[Replay]:
    wanted = Choice(**choice)  # type: ignore[arg-type]
    done = []
    async for document in chosen(wanted, desk.tools):
        done.append(await foreseen(document, wanted, desk.tools))
        assert await carry_out(done[-1], desk.tools)
    return done


async def test_a_routed_document_delivers_its_bytes_again_in_place_and_sends_no_word_twice(desk: Desk) -> None:
    document = await desk.routed("invoice")
    (replay,) = await replayed(desk, ids=(document.id,))
    await desk.work()
    after = await desk.document(document.id)
    assert replay.deed == "redeliver"
    assert (after.state, len(desk.words.parcels)) == (DocumentState.ROUTED, 1)
    receipt = after.deliveries[0].receipt
    assert receipt is not None
    assert not receipt.fresh


async def test_what_is_parked_is_resumed(desk: Desk) -> None:
    desk.words.broken = DestinationBusy("down")
    document = await desk.routed("invoice")
    for _ in range(20):
        desk.later(100_000)
        await desk.work()
    desk.words.broken = None
    (replay,) = await replayed(desk, parked=True)
    await desk.work()
    assert (replay.deed, (await desk.document(document.id)).state) == ("resume", DocumentState.ROUTED)
    assert await replayed(desk, parked=True) == []


async def test_a_dry_run_writes_nothing(desk: Desk) -> None:
    document = await desk.routed("invoice")
    planned = await foreseen(document, Choice(ids=(document.id,)), desk.tools)
    assert planned.deed == "redeliver"
    assert await desk.document(document.id) == document


async def test_a_document_without_a_result_is_submitted_anew(desk: Desk) -> None:
    from receiver.core.job import JobStatus

    document = await desk.submitted()
    for job_id in ("job-1", "job-2"):
        desk.cloud.finish(job_id, JobStatus.CANCELLED)
        await desk.event(job_id, "classify.cancelled")
        await desk.work()
    (replay,) = await replayed(desk, ids=(document.id,))
    await desk.work()
    assert (replay.deed, (await desk.document(document.id)).job_id) == ("resubmit", "job-3")


async def test_a_changed_table_moves_only_what_it_decides_otherwise_and_asks_nobody(desk: Desk) -> None:
    invoice = await desk.routed("invoice", name="i.pdf")
    contract = await desk.routed("contract", name="c.pdf")
    desk.use(TABLE.replace("bytes://contracts/", "bytes://legal/"))
    done = await replayed(desk, type="contract", reroute=True)
    await desk.work()
    assert [(one.document.id, one.deed) for one in done] == [(contract.id, "reroute")]
    assert desk.bytes.parcels[-1].url.startswith("bytes://legal/")
    assert len(desk.cloud.orders) == 2
    again = await replayed(desk, type="contract", reroute=True)
    assert [(one.deed, one.detail) for one in again] == [("nothing", "the table does not move it")]
    assert await desk.document(invoice.id) == invoice


async def test_a_choice_by_destination_and_by_table_version(desk: Desk) -> None:
    invoice = await desk.routed("invoice", name="i.pdf")
    await desk.routed("contract", name="c.pdf")
    by_place = [one.id async for one in chosen(Choice(destination="words://invoices"), desk.tools)]
    by_table = [one.id async for one in chosen(Choice(table="000000000000"), desk.tools)]
    assert (by_place, by_table) == ([invoice.id], [])


async def test_a_task_about_no_document_that_gave_up_is_found_and_replayed(desk: Desk) -> None:
    desk.cloud.broken = AccessDenied("the key was refused")
    await Outsider(desk).say("classify.success", job_id="cls-1")
    await desk.work()
    (task,) = await desk.tasks("react")
    desk.cloud.broken = None
    elsewhere(desk, "cls-1")
    desk.cloud.classified("cls-1", "contract")
    for choice in (Choice(ids=(task.id,)), Choice(parked=True)):
        assert [one.id async for one in chosen_tasks(choice, desk.tools)] == [task.id]
    again = await foreseen_task(task, desk.tools)
    assert await written(again.writes, desk.tools)
    await desk.work()
    (document,) = await desk.all(Document)
    assert document.state is DocumentState.ROUTED
