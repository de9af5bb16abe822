"""Taken in once, submitted once, however often anybody tries."""

from dataclasses import replace

import pytest

from receiver import show
from receiver.core import token
from receiver.core.document import DocumentState, Step
from receiver.core.errors import CloudBusy, DocumentRefused, OutOfCredits
from receiver.core.task import TaskState
from receiver.core.verify import TOKEN_HEADER
from receiver.flow.pause import SUBMISSION, pause
from tests.desk import TABLE, Desk

pytestmark = pytest.mark.anyio


async def test_the_same_content_under_the_same_name_is_one_document(desk: Desk) -> None:
    first, second = await desk.take_in(), await desk.take_in()
    assert (first.fresh, second.fresh) == (True, False)
    assert first.document.id == second.document.id
    assert (await desk.store.tally()).taken_in == 1


async def test_the_same_content_under_another_name_is_another_document(desk: Desk) -> None:
    first, second = await desk.take_in("a.pdf"), await desk.take_in("b.pdf")
    assert first.document.id != second.document.id


async def test_the_same_bytes_by_another_way_name_the_first_that_brought_them(desk: Desk) -> None:
    first, second, third = await desk.take_in("a.pdf"), await desk.take_in("b.pdf"), await desk.take_in("a.pdf")
    assert (first.document.duplicate_of, second.document.duplicate_of) == ("", first.document.id)
    assert (third.document.duplicate_of, third.fresh) == ("", False)
    assert show.document(second.document)["same_bytes_as"] == first.document.id


async def test_the_table_may_have_a_row_for_what_came_in_before(desk: Desk) -> None:
    row = "  - {name: twins, type: invoice, when: {duplicate: true}, to: ['bytes://twins/']}\n"
    desk.use(TABLE.replace("routes:\n", f"routes:\n{row}"))
    documents = [await desk.routed(name=name) for name in ("a.pdf", "b.pdf")]
    assert [one.plan and one.plan.route for one in documents] == ["invoice", "twins"]


async def test_an_empty_file_is_refused_and_leaves_no_trace(desk: Desk) -> None:
    with pytest.raises(DocumentRefused, match="is empty"):
        await desk.take_in(content=b"")
    assert (await desk.store.tally()).taken_in == 0


async def test_a_file_over_the_limit_is_refused_and_leaves_no_bytes(desk: Desk) -> None:
    desk.tools = replace(desk.tools, max_document=10)
    with pytest.raises(DocumentRefused, match="over 10 bytes"):
        await desk.take_in()
    assert [path for path in (desk.folder / "spool").rglob("*") if path.is_file()] == []


async def test_a_submission_uploads_once_and_creates_one_job_with_our_webhook(desk: Desk) -> None:
    document = await desk.submitted()
    (order,) = desk.cloud.orders
    assert (document.step, document.job_id) == (Step.SUBMITTED, "job-1")
    assert (order.transaction_id,) == document.transactions
    assert order.registration is not None
    assert order.registration.url.endswith("/webhooks/llamacloud")
    assert "classify.success" in order.registration.events


async def test_the_token_of_a_job_names_its_document(desk: Desk) -> None:
    document = await desk.submitted()
    registration = desk.cloud.orders[0].registration
    assert registration is not None
    assert token.read(registration.headers[TOKEN_HEADER].encode(), (b"s",), now=desk.now) == (document.id, 0)


async def test_a_crash_after_the_job_was_created_yields_the_same_job(desk: Desk) -> None:
    taken = await desk.take_in()
    (task,) = await desk.store.claim(owner="crashes", now=desk.now, lease_seconds=60)
    from receiver.flow.submit import submit

    await submit(task, desk.tools)  # all its effects, and then nothing is written
    await desk.workers_die()
    await desk.work()
    document = await desk.document(taken.document.id)
    assert document.job_id == "job-1"
    assert len(desk.cloud.uploads) == 1
    assert {order.transaction_id for order in desk.cloud.orders} == {desk.cloud.orders[0].transaction_id}


async def test_a_busy_cloud_is_tried_again_later(desk: Desk) -> None:
    taken = await desk.take_in()
    desk.cloud.broken = CloudBusy("429", retry_after=30)
    await desk.work()
    (task,) = await desk.tasks("submit")
    assert (task.state, task.due_at) == (TaskState.READY, desk.now + 30)
    desk.cloud.broken = None
    desk.later(31)
    await desk.work()
    assert (await desk.document(taken.document.id)).step is Step.SUBMITTED


async def test_a_document_that_llamacloud_refuses_goes_the_way_of_failed(desk: Desk) -> None:
    taken = await desk.take_in()
    desk.cloud.broken = DocumentRefused("Unsupported file type")
    await desk.work()
    document = await desk.document(taken.document.id)
    assert (document.state, document.error) == (DocumentState.FAILED, "Unsupported file type")
    assert [parcel.url.split("/")[2] for parcel in desk.bytes.parcels] == ["failed"]


async def test_without_credits_submission_pauses_with_one_alert_and_no_storm(desk: Desk) -> None:
    for number in range(20):
        await desk.take_in(f"{number}.pdf")
    desk.cloud.broken = OutOfCredits("402")
    asked = 0

    async def upload(*_: object, **__: object) -> None:
        nonlocal asked
        asked += 1
        raise OutOfCredits("402")

    desk.cloud.upload = upload  # type: ignore[method-assign, assignment]
    await desk.work()
    desk.later(300)
    await desk.work()
    assert asked == 1
    assert [alert.kind for alert, _ in desk.channel.told] == ["submission.paused"]
    assert (await desk.store.tally()).open == 20


async def test_once_resumed_the_document_that_met_402_goes_on_within_two_minutes(desk: Desk) -> None:
    taken = await desk.take_in()
    desk.cloud.broken = OutOfCredits("402")
    await desk.work()
    desk.cloud.broken = None
    await desk.store.apply(await pause(SUBMISSION, 0.0, desk.tools))
    desk.later(62)
    await desk.work()
    assert (await desk.document(taken.document.id)).step is Step.SUBMITTED


async def test_submission_goes_on_after_the_pause(desk: Desk) -> None:
    await desk.store.apply(await pause(SUBMISSION, desk.now + 100, desk.tools))
    taken = await desk.take_in()
    await desk.work()
    assert (await desk.document(taken.document.id)).step is Step.TAKEN_IN
    desk.later(200)
    await desk.work()
    assert (await desk.document(taken.document.id)).step is Step.SUBMITTED


async def test_a_file_that_is_known_is_not_copied_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    first = await desk.take_in()

    async def keep(*_: object, **__: object) -> None:
        raise AssertionError("it was copied")

    monkeypatch.setattr(desk.tools.spool, "keep", keep)
    second = await desk.take_in()
    assert (second.fresh, second.document.id) == (False, first.document.id)


async def test_a_known_file_whose_bytes_are_gone_is_brought_back(desk: Desk) -> None:
    first = await desk.take_in()
    for path in [path for path in (desk.folder / "spool").rglob("*") if path.is_file()]:
        path.unlink()
    second = await desk.take_in()
    assert (second.fresh, second.document.id) == (False, first.document.id)
    assert (await desk.tools.content(await desk.document(first.document.id))).size == first.document.size


@pytest.mark.parametrize("content", [b"", b"MZ\x90\0 a program"])
async def test_what_is_refused_leaves_no_bytes(desk: Desk, content: bytes) -> None:
    with pytest.raises(DocumentRefused):
        await desk.take_in(content=content)
    assert not (desk.folder / "spool").exists()
