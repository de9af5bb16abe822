"""What somebody waits for goes before what nobody waits for, however much of that there is and however old it is."""

import pytest

from receiver.core.change import Insert
from receiver.core.document import DocumentState
from receiver.core.task import Rank, Task, TaskState
from receiver.operations.replay import ReplayFilter, carry_out, foreseen, selected_documents
from receiver.pipeline.ingest import IncomingFile, ingest
from tests.builders import a_task
from tests.in_memory_app import InMemoryApp

pytestmark = pytest.mark.anyio


async def order_of_work(app: InMemoryApp, number: int = 200) -> list[Task]:
    return await app.store.claim(owner="w", now=app.now, lease_seconds=60, limit=number)


async def test_deliveries_go_before_reactions_before_submissions_before_bulk(app: InMemoryApp) -> None:
    document = await app.submitted()
    for number in range(30):
        await app.ingest(name=f"{number}.pdf", content=f"%PDF-1.7 {number}".encode(), bulk=number % 2 == 0)
    for number in range(30):
        await app.event(f"nobody's-{number}", id=f"flood-{number}")
    app.later(60)
    app.cloud.classified(document.job_id, "contract")
    await app.event(document.job_id)
    await app.store.apply(Insert(a_task(kind="deliver", due_at=app.now)))
    ranks = [task.rank for task in await order_of_work(app)]
    assert ranks == sorted(ranks)
    assert (ranks[0], ranks[-1]) == (Rank.DELIVER, Rank.BULK)


async def test_an_event_of_a_job_that_is_not_ours_waits_until_nothing_else_does(app: InMemoryApp) -> None:
    for number in range(5):
        await app.event(f"nobody's-{number}", id=f"flood-{number}")
    document = await app.submitted()  # works on all that is due
    assert {task.bulk for task in await app.tasks("react")} == {True}
    asked = len(await app.tasks("react"))
    app.cloud.classified(document.job_id, "contract")
    await app.event(document.job_id)
    (react,) = await order_of_work(app, 1)
    assert (react.subject, react.bulk) == (document.job_id, False)
    assert asked == 5


async def test_an_event_without_a_token_of_a_job_on_record_does_not_wait(app: InMemoryApp) -> None:
    document = await app.submitted()
    app.cloud.classified(document.job_id, "contract")
    await app.event(document.job_id)
    await app.work()
    assert (await app.document(document.id)).state is DocumentState.ROUTED
    assert [task.bulk for task in await app.tasks("react")] == [False]


async def test_a_replay_of_many_is_bulk_and_that_of_one_is_not(app: InMemoryApp) -> None:
    routed = await app.routed("contract")
    await carry_out(await foreseen(routed, ReplayFilter(ids=(routed.id,)), app.context), app.context)
    (item,) = [task for task in await app.tasks("deliver") if task.state is TaskState.READY]
    assert not item.bulk
    await app.work()
    choice = ReplayFilter()
    many = [await foreseen(document, choice, app.context) async for document in selected_documents(choice, app.context)]
    assert await carry_out(many[0], app.context)
    (item,) = [task for task in await app.tasks("deliver") if task.state is TaskState.READY]
    assert (item.bulk, item.rank) == (True, Rank.BULK)


async def test_an_import_is_submitted_after_what_came_one_by_one(app: InMemoryApp) -> None:
    path = app.folder / "import.pdf"
    path.write_bytes(b"%PDF-1.7 one of thousands")
    await ingest(IncomingFile(name="import.pdf", kind="folder", source=path, bulk=True), app.context)
    app.later(3600)
    taken = await app.ingest()
    (first,) = await order_of_work(app, 1)
    assert first.subject == taken.document.id
