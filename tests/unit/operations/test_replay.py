"""Replay is safe by construction: a second run writes nothing."""

import pytest

from receiver.core.document import Document, DocumentState
from receiver.core.errors import AccessDenied, DestinationBusy
from receiver.operations.replay import Replay, ReplayFilter, carry_out, foreseen, selected_documents, written
from receiver.operations.replay_task import chosen_tasks, foreseen_task
from tests.in_memory_app import TABLE, InMemoryApp
from tests.outsider import Outsider, elsewhere

pytestmark = pytest.mark.anyio


async def replayed(app: InMemoryApp, **choice: object) -> list[Replay]:
    wanted = ReplayFilter(**choice)  # type: ignore[arg-type]
    done = []
    async for document in selected_documents(wanted, app.context):
        done.append(await foreseen(document, wanted, app.context))
        assert await carry_out(done[-1], app.context)
    return done


async def test_a_routed_document_delivers_its_bytes_again_in_place_and_sends_no_word_twice(app: InMemoryApp) -> None:
    document = await app.routed("invoice")
    (replay,) = await replayed(app, ids=(document.id,))
    await app.work()
    after = await app.document(document.id)
    assert replay.action == "redeliver"
    assert (after.state, len(app.words.requests)) == (DocumentState.ROUTED, 1)
    receipt = after.deliveries[0].receipt
    assert receipt is not None
    assert not receipt.fresh


async def test_what_is_parked_is_resumed(app: InMemoryApp) -> None:
    app.words.broken = DestinationBusy("down")
    document = await app.routed("invoice")
    for _ in range(20):
        app.later(100_000)
        await app.work()
    app.words.broken = None
    (replay,) = await replayed(app, parked=True)
    await app.work()
    assert (replay.action, (await app.document(document.id)).state) == ("resume", DocumentState.ROUTED)
    assert await replayed(app, parked=True) == []


async def test_a_dry_run_writes_nothing(app: InMemoryApp) -> None:
    document = await app.routed("invoice")
    planned = await foreseen(document, ReplayFilter(ids=(document.id,)), app.context)
    assert planned.action == "redeliver"
    assert await app.document(document.id) == document


async def test_a_document_without_a_result_is_submitted_anew(app: InMemoryApp) -> None:
    from receiver.core.job import JobStatus

    document = await app.submitted()
    for job_id in ("job-1", "job-2"):
        app.cloud.finish(job_id, JobStatus.CANCELLED)
        await app.event(job_id, "classify.cancelled")
        await app.work()
    (replay,) = await replayed(app, ids=(document.id,))
    await app.work()
    assert (replay.action, (await app.document(document.id)).job_id) == ("resubmit", "job-3")


async def test_a_changed_table_moves_only_what_it_decides_otherwise_and_asks_nobody(app: InMemoryApp) -> None:
    invoice = await app.routed("invoice", name="i.pdf")
    contract = await app.routed("contract", name="c.pdf")
    app.use(TABLE.replace("bytes://contracts/", "bytes://legal/"))
    done = await replayed(app, type="contract", reroute=True)
    await app.work()
    assert [(item.document.id, item.action) for item in done] == [(contract.id, "reroute")]
    assert app.bytes.requests[-1].url.startswith("bytes://legal/")
    assert len(app.cloud.orders) == 2
    again = await replayed(app, type="contract", reroute=True)
    assert [(item.action, item.detail) for item in again] == [("nothing", "the table routes it to the same place")]
    assert await app.document(invoice.id) == invoice


async def test_a_choice_by_destination_and_by_table_version(app: InMemoryApp) -> None:
    invoice = await app.routed("invoice", name="i.pdf")
    await app.routed("contract", name="c.pdf")
    by_place = [item.id async for item in selected_documents(ReplayFilter(destination="words://invoices"), app.context)]
    by_table = [item.id async for item in selected_documents(ReplayFilter(table="000000000000"), app.context)]
    assert (by_place, by_table) == ([invoice.id], [])


async def test_a_task_about_no_document_that_gave_up_is_found_and_replayed(app: InMemoryApp) -> None:
    app.cloud.broken = AccessDenied("the key was refused")
    await Outsider(app).say("classify.success", job_id="cls-1")
    await app.work()
    (task,) = await app.tasks("react")
    app.cloud.broken = None
    elsewhere(app, "cls-1")
    app.cloud.classified("cls-1", "contract")
    for choice in (ReplayFilter(ids=(task.id,)), ReplayFilter(parked=True)):
        assert [item.id async for item in chosen_tasks(choice, app.context)] == [task.id]
    again = await foreseen_task(task, app.context)
    assert await written(again.writes, app.context)
    await app.work()
    (document,) = await app.all(Document)
    assert document.state is DocumentState.ROUTED
