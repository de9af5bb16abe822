"""What somebody waits for goes before what nobody waits for, however much of that there is and however old it is."""

import pytest

from receiver.core.change import Insert
from receiver.core.document import DocumentState
from receiver.core.task import Rank, Task, TaskState
from receiver.flow.intake import Arrival, take_in
from receiver.flow.replay import Choice, carry_out, chosen, foreseen
from tests.builders import a_task
from tests.desk import Desk

pytestmark = pytest.mark.anyio


async def order_of_work(desk: Desk, number: int = 200) -> list[Task]:
    return await desk.store.claim(owner="w", now=desk.now, lease_seconds=60, limit=number)


async def test_deliveries_go_before_reactions_before_submissions_before_bulk(desk: Desk) -> None:
    document = await desk.submitted()
    for number in range(30):
        await desk.take_in(name=f"{number}.pdf", content=f"%PDF-1.7 {number}".encode(), bulk=number % 2 == 0)
    for number in range(30):
        await desk.event(f"nobody's-{number}", id=f"flood-{number}")
    desk.later(60)
    desk.cloud.classified(document.job_id, "contract")
    await desk.event(document.job_id)
    await desk.store.apply(Insert(a_task(kind="deliver", due_at=desk.now)))
    ranks = [task.rank for task in await order_of_work(desk)]
    assert ranks == sorted(ranks)
    assert (ranks[0], ranks[-1]) == (Rank.DELIVER, Rank.BULK)


async def test_an_event_of_a_job_that_is_not_ours_waits_until_nothing_else_does(desk: Desk) -> None:
    for number in range(5):
        await desk.event(f"nobody's-{number}", id=f"flood-{number}")
    document = await desk.submitted()  # works on all that is due
    assert {task.bulk for task in await desk.tasks("react")} == {True}
    asked = len(await desk.tasks("react"))
    desk.cloud.classified(document.job_id, "contract")
    await desk.event(document.job_id)
    (react,) = await order_of_work(desk, 1)
    assert (react.subject, react.bulk) == (document.job_id, False)
    assert asked == 5


async def test_an_event_without_a_token_of_a_job_on_record_does_not_wait(desk: Desk) -> None:
    document = await desk.submitted()
    desk.cloud.classified(document.job_id, "contract")
    await desk.event(document.job_id)
    await desk.work()
    assert (await desk.document(document.id)).state is DocumentState.ROUTED
    assert [task.bulk for task in await desk.tasks("react")] == [False]


async def test_a_replay_of_many_is_bulk_and_that_of_one_is_not(desk: Desk) -> None:
    routed = await desk.routed("contract")
    await carry_out(await foreseen(routed, Choice(ids=(routed.id,)), desk.tools), desk.tools)
    (one,) = [task for task in await desk.tasks("deliver") if task.state is TaskState.READY]
    assert not one.bulk
    await desk.work()
    choice = Choice()
    many = [await foreseen(document, choice, desk.tools) async for document in chosen(choice, desk.tools)]
    assert await carry_out(many[0], desk.tools)
    (one,) = [task for task in await desk.tasks("deliver") if task.state is TaskState.READY]
    assert (one.bulk, one.rank) == (True, Rank.BULK)


async def test_an_import_is_submitted_after_what_came_one_by_one(desk: Desk) -> None:
    path = desk.folder / "import.pdf"
    path.write_bytes(b"%PDF-1.7 one of thousands")
    await take_in(Arrival(name="import.pdf", kind="folder", source=path, bulk=True), desk.tools)
    desk.later(3600)
    taken = await desk.take_in()
    (first,) = await order_of_work(desk, 1)
    assert first.subject == taken.document.id
