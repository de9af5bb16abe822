"""Taken in once, submitted once, however often anybody tries."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from receiver import show
from receiver.core import token
from receiver.core.change import Delete, Insert, Replace, written_records
from receiver.core.document import Document, DocumentState, Step
from receiver.core.errors import CloudBusy, DocumentRefused, OutOfCredits
from receiver.core.flag import RESTORED, Flag
from receiver.core.submission import external_file_id
from receiver.core.task import Task, TaskState, submission_of
from receiver.core.verify_webhook import TOKEN_HEADER
from receiver.pipeline.ingest import IncomingFile, ingest
from receiver.pipeline.pause import SUBMISSION, pause
from receiver.pipeline.process import process
from receiver.pipeline.submit import submit
from receiver.ports import CloudFile
from tests.in_memory_app import TABLE, InMemoryApp

pytestmark = pytest.mark.anyio


async def test_the_same_content_under_the_same_name_is_one_document(app: InMemoryApp) -> None:
    first, second = await app.ingest(), await app.ingest()
    assert (first.fresh, second.fresh) == (True, False)
    assert first.document.id == second.document.id
    assert (await app.store.tally()).received == 1


async def test_the_same_content_under_another_name_is_another_document(app: InMemoryApp) -> None:
    first, second = await app.ingest("a.pdf"), await app.ingest("b.pdf")
    assert first.document.id != second.document.id


async def test_the_same_bytes_by_another_way_name_the_first_that_brought_them(app: InMemoryApp) -> None:
    first, second, third = await app.ingest("a.pdf"), await app.ingest("b.pdf"), await app.ingest("a.pdf")
    assert (first.document.duplicate_of, second.document.duplicate_of) == ("", first.document.id)
    assert (third.document.duplicate_of, third.fresh) == ("", False)
    assert show.document(second.document)["same_bytes_as"] == first.document.id


async def test_of_the_same_bytes_at_the_same_moment_one_is_the_first(app: InMemoryApp) -> None:
    files = [IncomingFile(name=f"{n}.pdf", kind="folder", source=b"%PDF-1.7 a letter") for n in range(8)]
    taken = await asyncio.gather(*(ingest(item, app.context) for item in files))
    hints = {item.document.duplicate_of for item in taken}
    first = (hints - {""}).pop()
    assert hints == {"", first}
    assert [item.document.id for item in taken if not item.document.duplicate_of] == [first]


async def test_the_table_may_have_a_row_for_what_came_in_before(app: InMemoryApp) -> None:
    row = "  - {name: twins, type: invoice, when: {duplicate: true}, to: ['bytes://twins/']}\n"
    app.use(TABLE.replace("routes:\n", f"routes:\n{row}"))
    documents = [await app.routed(name=name) for name in ("a.pdf", "b.pdf")]
    assert [item.plan and item.plan.route for item in documents] == ["invoice", "twins"]


async def test_an_empty_file_is_refused_and_leaves_no_trace(app: InMemoryApp) -> None:
    with pytest.raises(DocumentRefused, match="is empty"):
        await app.ingest(content=b"")
    assert (await app.store.tally()).received == 0


async def test_a_file_over_the_limit_is_refused_and_leaves_no_bytes(app: InMemoryApp) -> None:
    app.context = replace(app.context, max_document=10)
    with pytest.raises(DocumentRefused, match="over 10 bytes"):
        await app.ingest()
    assert [path for path in (app.folder / "spool").rglob("*") if path.is_file()] == []


async def test_a_submission_uploads_once_and_creates_one_job_with_our_webhook(app: InMemoryApp) -> None:
    document = await app.submitted()
    (order,) = app.cloud.orders
    assert (document.step, document.job_id) == (Step.SUBMITTED, "job-1")
    assert (order.transaction_id,) == document.transactions
    assert order.registration is not None
    assert order.registration.url.endswith("/webhooks/llamacloud")
    assert "classify.success" in order.registration.events


@pytest.mark.parametrize(("waited", "moved"), [(0, 0), (0.09, 0), (0.11, 0.11), (3, 3), (-1, -1)])
async def test_a_submission_moves_the_deadline_of_a_document_only_if_it_waited_long(
    app: InMemoryApp, waited: float, moved: float
) -> None:
    """In shares of ``deadline``: a clock that was set back moves it, too."""
    whole = app.context.config.deadline_seconds
    document = (await app.ingest()).document
    assert document.deadline is not None
    app.now += waited * whole
    result = await submit(submission_of(document, now=app.now), app.context)
    assert result.change is not None
    (after,) = written_records(await result.change(), Document)
    assert after.deadline == pytest.approx(document.deadline + moved * whole)


async def test_the_token_of_a_job_names_its_document(app: InMemoryApp) -> None:
    document = await app.submitted()
    registration = app.cloud.orders[0].registration
    assert registration is not None
    assert token.read_token(registration.headers[TOKEN_HEADER].encode(), (b"s",), now=app.now) == (document.id, 0)


async def test_a_crash_after_the_job_was_created_yields_the_same_job(app: InMemoryApp) -> None:
    taken = await app.ingest()
    (task,) = await app.store.claim(owner="crashes", now=app.now, lease_seconds=60)
    from receiver.pipeline.submit import submit

    await submit(task, app.context)  # all its effects, and then nothing is written
    await app.workers_die()
    await app.work()
    document = await app.document(taken.document.id)
    assert document.job_id == "job-1"
    assert len(app.cloud.uploads) == 1
    assert {order.transaction_id for order in app.cloud.orders} == {app.cloud.orders[0].transaction_id}


async def test_a_busy_cloud_is_tried_again_later(app: InMemoryApp) -> None:
    taken = await app.ingest()
    app.cloud.broken = CloudBusy("429", retry_after=30)
    await app.work()
    (task,) = await app.tasks("submit")
    assert (task.state, task.due_at) == (TaskState.READY, app.now + 30)
    app.cloud.broken = None
    app.later(31)
    await app.work()
    assert (await app.document(taken.document.id)).step is Step.SUBMITTED


async def test_a_document_that_llamacloud_refuses_goes_the_way_of_failed(app: InMemoryApp) -> None:
    taken = await app.ingest()
    app.cloud.broken = DocumentRefused("Unsupported file type")
    await app.work()
    document = await app.document(taken.document.id)
    assert (document.state, document.error) == (DocumentState.FAILED, "Unsupported file type")
    assert [request.url.split("/")[2] for request in app.bytes.requests] == ["failed"]


async def test_without_credits_submission_pauses_with_one_alert_and_no_storm(app: InMemoryApp) -> None:
    for number in range(20):
        await app.ingest(f"{number}.pdf")
    app.cloud.broken = OutOfCredits("402")
    asked = 0

    async def upload(*_: object, **__: object) -> None:
        nonlocal asked
        asked += 1
        raise OutOfCredits("402")

    app.cloud.upload = upload  # type: ignore[method-assign, assignment]
    await app.work()
    app.later(300)
    await app.work()
    assert asked == 1
    assert [alert.kind for alert, _ in app.channel.told] == ["submission.paused"]
    assert (await app.store.tally()).open == 20


async def test_once_resumed_the_document_that_met_402_goes_on_within_two_minutes(app: InMemoryApp) -> None:
    taken = await app.ingest()
    app.cloud.broken = OutOfCredits("402")
    await app.work()
    app.cloud.broken = None
    await app.store.apply(await pause(SUBMISSION, 0.0, app.context))
    app.later(62)
    await app.work()
    assert (await app.document(taken.document.id)).step is Step.SUBMITTED


async def test_submission_goes_on_after_the_pause(app: InMemoryApp) -> None:
    await app.store.apply(await pause(SUBMISSION, app.now + 100, app.context))
    taken = await app.ingest()
    await app.work()
    assert (await app.document(taken.document.id)).step is Step.RECEIVED
    app.later(200)
    await app.work()
    assert (await app.document(taken.document.id)).step is Step.SUBMITTED


async def test_a_file_that_is_known_is_not_copied_again(app: InMemoryApp, monkeypatch: pytest.MonkeyPatch) -> None:
    first = await app.ingest()

    async def keep(*_: object, **__: object) -> None:
        raise AssertionError("it was copied")

    monkeypatch.setattr(app.context.spool, "keep", keep)
    second = await app.ingest()
    assert (second.fresh, second.document.id) == (False, first.document.id)


async def test_a_known_file_whose_bytes_are_gone_is_brought_back(app: InMemoryApp) -> None:
    first = await app.ingest()
    for path in [path for path in (app.folder / "spool").rglob("*") if path.is_file()]:
        path.unlink()
    second = await app.ingest()
    assert (second.fresh, second.document.id) == (False, first.document.id)
    assert (await app.context.content(await app.document(first.document.id))).size == first.document.size


@pytest.mark.parametrize("content", [b"", b"MZ\x90\0 a program"])
async def test_what_is_refused_leaves_no_bytes(app: InMemoryApp, content: bytes) -> None:
    with pytest.raises(DocumentRefused):
        await app.ingest(content=content)
    assert not (app.folder / "spool").exists()


def looked_for(app: InMemoryApp, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names under which files are looked for at LlamaCloud from now on."""
    names, find = list[str](), app.cloud.find_file

    async def noted(external_id: str, *, sha256: str, known: str = "") -> CloudFile | None:
        names.append(external_id)
        return await find(external_id, sha256=sha256, known=known)

    monkeypatch.setattr(app.cloud, "find_file", noted)
    return names


async def test_a_file_that_nobody_can_have_uploaded_is_not_looked_for(
    app: InMemoryApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = looked_for(app, monkeypatch)
    assert (await app.submitted()).job_id
    assert (names, len(app.cloud.uploads)) == ([], 1)


async def fails(app: InMemoryApp, task: Task) -> None:
    app.cloud.broken = CloudBusy("away")
    await process(task, app.context)
    app.cloud.broken = None


async def is_released(app: InMemoryApp, task: Task) -> None:
    """Its worker is told to stop, after the upload: this attempt is not counted."""
    uploaded = await app.document(task.subject)
    content = await app.context.content(uploaded)
    await app.cloud.upload(content, name="a", external_id=external_file_id(uploaded), purpose="classify")
    await app.store.apply(Replace(task.release(now=app.now)))


async def is_lost(app: InMemoryApp, task: Task) -> None:
    await app.workers_die()


@pytest.mark.parametrize("ends", [fails, is_released, is_lost])
async def test_after_an_attempt_that_may_have_uploaded_it_the_file_is_looked_for(
    app: InMemoryApp, monkeypatch: pytest.MonkeyPatch, ends: Callable[[InMemoryApp, Task], Awaitable[None]]
) -> None:
    names = looked_for(app, monkeypatch)
    document = (await app.ingest()).document
    (task,) = await app.store.claim(owner="first", now=app.now, lease_seconds=60)
    await ends(app, task)
    app.later(60)
    await app.work()
    assert names == [external_file_id(document)]
    assert len(app.cloud.uploads) == 1
    assert (await app.document(document.id)).step is Step.SUBMITTED


async def test_a_store_that_was_restored_looks_for_every_file(
    app: InMemoryApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    await app.store.apply(Insert(Flag(id=RESTORED, value="", at=app.now)))
    names = looked_for(app, monkeypatch)
    document = await app.submitted()
    assert names == [external_file_id(document)]


async def test_the_file_of_a_document_that_was_removed_and_came_again_is_looked_for(
    app: InMemoryApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await app.submitted()
    for task in await app.tasks("submit"):
        await app.store.apply(Delete(task))
    await app.store.apply(Delete(before))
    names = looked_for(app, monkeypatch)
    again = await app.submitted()
    assert (again.id, names) == (before.id, [external_file_id(again)])
