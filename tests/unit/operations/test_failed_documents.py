"""A person has documents submitted anew, gives them other bytes, or dismisses them; notices are replayed alone."""

import json
import re
from pathlib import Path

import pytest

from receiver.core.change import Insert
from receiver.core.document import DocumentState
from receiver.core.errors import DestinationBusy, DocumentRefused, NotAllowed, NotFound, Uncuttable
from receiver.core.job import JobStatus
from receiver.core.plan import Way
from receiver.core.price import price_of
from receiver.core.task import TaskState
from receiver.operations.failed_documents import Skipped, dismiss, failed_since, replace_bytes, resubmit, unlock
from receiver.operations.replay import ReplayFilter, carry_out, foreseen, selected_documents, written
from receiver.operations.replay_task import chosen_tasks, foreseen_task
from tests.builders import NOW, a_document, a_task
from tests.commands import run, terminal
from tests.in_memory_app import TABLE, InMemoryApp
from tests.pdf_fixtures import a_page, locked, packet_bytes
from tests.unit.alerting.test_alert import fail

pytestmark = pytest.mark.anyio


async def test_a_document_is_submitted_anew_with_a_fresh_upload_and_its_receipts(app: InMemoryApp) -> None:
    document_id = await fail(app, "a.pdf")
    before = await app.document(document_id)
    assert [item.receipt is not None for item in before.deliveries] == [True]  # its copy lies where failed ones go
    again = await resubmit(document_id, app.context, who="Ada")
    assert not isinstance(again, Skipped)
    await app.work()
    after = await app.document(document_id)
    assert (after.job_id, after.submissions) == ("job-2", 1)
    assert len(app.cloud.files) == 2
    app.cloud.classified("job-2", "contract")
    await app.event("job-2")
    await app.work()
    after = await app.document(document_id)
    assert after.state is DocumentState.ROUTED
    assert before.deliveries[0].receipt in [item.receipt for item in after.deliveries]
    assert "Ada resubmitted it" in [item.detail for item in after.history]


@pytest.mark.parametrize("state", [DocumentState.ROUTED, DocumentState.WITHDRAWN])
async def test_what_has_its_place_is_left_as_it_is(app: InMemoryApp, state: DocumentState) -> None:
    await app.store.apply(Insert(a_document(id="doc-1", state=state)))
    left = await resubmit("doc-1", app.context, who="Ada")
    assert isinstance(left, Skipped)
    assert left.why == f"it is {state}"
    assert isinstance(await dismiss("doc-1", "no", app.context, who="Ada"), Skipped)


async def test_a_document_that_has_its_result_is_not_paid_for_again(app: InMemoryApp) -> None:
    document = await app.routed("invoice", 0.5)
    left = await resubmit(document.id, app.context, who="Ada")
    assert isinstance(left, Skipped)
    assert "it has its result" in left.why


async def test_nobody_is_no_document(app: InMemoryApp) -> None:
    with pytest.raises(NotFound):
        await resubmit("doc-x", app.context, who="Ada")
    with pytest.raises(NotFound):
        await unlock("doc-x", "p", app.context, who="Ada")


async def test_all_that_failed_since_then_are_found(app: InMemoryApp) -> None:
    early = await fail(app, "early.pdf")
    app.later(3600)
    late = await fail(app, "late.pdf")
    await app.routed("contract", name="fine.pdf", content=b"fine")
    doubtful = await app.routed("invoice", 0.5, name="doubt.pdf", content=b"doubt")
    assert [item.id async for item in failed_since(NOW + 1800, app.context)] == [late]
    assert {item.id async for item in failed_since(NOW, app.context)} == {early, late}
    assert doubtful.state is DocumentState.REVIEW


async def test_the_password_opens_a_document_and_another_one_does_not(app: InMemoryApp) -> None:
    document = await app.submitted(name="payslip.pdf", content=locked(user="open"))
    app.cloud.finish(document.job_id, JobStatus.FAILED, error="The PDF is encrypted")
    await app.event(document.job_id, "classify.error")
    await app.work()
    before = await app.document(document.id)
    with pytest.raises(Uncuttable, match="this is not its password"):
        await unlock(document.id, "guess", app.context, who="Ada")
    assert await app.document(document.id) == before
    opened = await unlock(document.id, "open", app.context, who="Ada")
    assert not isinstance(opened, Skipped)
    assert (opened.sha256 != before.sha256, opened.name) == (True, "payslip.pdf")
    assert before.sha256 in opened.history[-1].detail
    assert "open" not in json.dumps([item.detail.replace("opened", "") for item in opened.history])  # the password
    content = await app.context.content(opened)
    assert b"/Encrypt" not in b"".join([chunk async for chunk in content.stream()])


async def test_a_file_of_another_kind_brings_its_name_and_the_old_one_is_on_record(
    app: InMemoryApp, tmp_path: Path
) -> None:
    document_id = await fail(app, "a.pdf", "The file is corrupted")
    text = tmp_path / "typed.txt"
    text.write_text("a letter")
    after = await replace_bytes(document_id, text, app.context, who="Ada")
    assert not isinstance(after, Skipped)
    assert (after.name, after.media_type) == ("typed.txt", "text/plain")
    assert "before: a.pdf, sha256 " in after.history[-1].detail


async def test_another_file_takes_the_place_of_a_damaged_one(app: InMemoryApp, tmp_path: Path) -> None:
    document_id = await fail(app, "a.pdf", "The file is corrupted")
    sound = tmp_path / "sound.pdf"
    sound.write_bytes(packet_bytes(a_page("sound")))
    after = await replace_bytes(document_id, sound, app.context, who="Ada")
    assert not isinstance(after, Skipped)
    assert (after.id, after.name, after.state) == (document_id, "a.pdf", DocumentState.OPEN)
    await app.work()
    assert list(app.cloud.uploads) == ["a.pdf", "a.pdf"]
    program = tmp_path / "tool.exe"
    program.write_bytes(b"MZ" + b"\0" * 100)
    await dismiss(document_id, "x", app.context, who="Ada")
    with pytest.raises(DocumentRefused):
        await replace_bytes(document_id, program, app.context, who="Ada")


async def test_bytes_that_fail_too_lie_beside_those_before_and_only_the_job_has_failed(
    app: InMemoryApp, tmp_path: Path
) -> None:
    document_id = await fail(app, "a.pdf", "The file is corrupted")
    for number in (2, 3, 2):  # the last one is what it was given before
        other = tmp_path / "other.pdf"
        other.write_bytes(packet_bytes(a_page(f"no. {number}")))
        after = await replace_bytes(document_id, other, app.context, who="Ada")
        assert not isinstance(after, Skipped)
        await app.work()
        job_id = (await app.document(document_id)).job_id
        app.cloud.finish(job_id, JobStatus.FAILED, error="The file is corrupted")
        await app.event(job_id, "classify.error")
        await app.work()
    failed = await app.document(document_id)
    assert failed.state is DocumentState.FAILED
    assert {item.kind for item in await app.incidents()} == {"job.failed"}
    first, *others = sorted({item.receipt.location for item in failed.deliveries if item.receipt}, key=len)
    assert first == f"bytes://failed/{document_id}/a.pdf"
    marks = [re.fullmatch(rf"bytes://failed/{document_id}/a-([0-9a-f]{{8}})\.pdf", item) for item in others]
    assert len(marks) == 2
    assert failed.sha256[:8] in [mark[1] for mark in marks if mark]
    assert failed.stored
    assert failed.sha256[:8] in failed.stored.location


async def test_what_has_its_place_gets_no_other_bytes(app: InMemoryApp, tmp_path: Path) -> None:
    document = await app.routed("contract")
    sound = tmp_path / "sound.pdf"
    sound.write_bytes(packet_bytes(a_page("sound")))
    with pytest.raises(NotAllowed, match="it is routed"):
        await replace_bytes(document.id, sound, app.context, who="Ada")


async def test_a_dismissed_document_counts_as_failed_and_says_who_and_why(app: InMemoryApp) -> None:
    document = await app.routed("invoice", 0.5)
    after = await dismiss(document.id, "a test page", app.context, who="Ada")
    assert not isinstance(after, Skipped)
    assert after.plan is not None
    assert (after.state, after.plan.way, after.plan.reason) == (
        DocumentState.FAILED, Way.DISMISSED, "Ada dismissed it: a test page",
    )  # fmt: skip
    assert (await app.store.tally()).balanced
    assert not isinstance(await resubmit(document.id, app.context, who="Ada"), Skipped)


async def test_what_is_being_delivered_is_not_dismissed(app: InMemoryApp) -> None:
    app.words.broken = DestinationBusy("down")
    document = await app.routed("invoice")
    assert isinstance(await dismiss(document.id, "no", app.context, who="Ada"), Skipped)


async def test_what_gave_up_over_a_document_is_retired_with_it(app: InMemoryApp) -> None:
    app.words.broken = DestinationBusy("down")
    document = await app.routed("invoice")
    for _ in range(20):
        app.later(30_000)
        await app.work()
    assert [item.state for item in await app.tasks("deliver")].count(TaskState.PARKED) == 1
    await dismiss(document.id, "nobody wants it", app.context, who="Ada")
    assert [item.state for item in await app.tasks("deliver")].count(TaskState.PARKED) == 0


# --- a notice is not work on a document


@pytest.mark.parametrize("kind", ["alert", "notify"])
async def test_a_parked_notice_is_replayed_alone(app: InMemoryApp, kind: str) -> None:
    failed_id = await fail(app, "a.pdf")
    packet = await app.submitted(name="mail.pdf", content=locked(), packet=True)
    assert packet.state is DocumentState.REVIEW
    before = [await app.document(failed_id), await app.document(packet.id)]
    for item in (failed_id, packet.id):
        details = {"to": "log", "alert": "{}"}
        parked = a_task(id=f"{kind}:x:{item}", kind=kind, subject=item, state=TaskState.PARKED, details=details)
        await app.store.apply(Insert(parked))
    choice = ReplayFilter(parked=True)
    assert [item async for item in selected_documents(choice, app.context)] == []
    tasks = [item async for item in chosen_tasks(choice, app.context)]
    assert len(tasks) == 2
    for task in tasks:
        assert await written((await foreseen_task(task, app.context)).writes, app.context)
    await app.work()
    assert [await app.document(failed_id), await app.document(packet.id)] == before
    planned = await foreseen(before[0], ReplayFilter(ids=(failed_id,)), app.context)
    assert planned.action == "redeliver"  # and not the notice
    assert await carry_out(planned, app.context)


# --- on the command line


def test_resubmit_says_the_price_first_and_does_nothing_without_a_yes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import asyncio

    app = InMemoryApp(tmp_path)
    document_id = asyncio.run(fail(app, "a.pdf"))
    with terminal(app, TABLE, monkeypatch):
        dry = run(f"mailroom resubmit {document_id} --dry-run")
        assert "the credits of 1 document whose pages are not counted" in dry.output
        shown = run(f"mailroom documents {document_id}").output
        for way in ("resubmit {}", "replace {} FILE", "correct {} --type TYPE", "dismiss {} --note REASON"):
            assert f"possible now: mailroom {way.format(document_id)}" in shown
        assert asyncio.run(app.document(document_id)).state is DocumentState.FAILED
        monkeypatch.setattr("receiver.cli.mending.at_a_terminal", lambda: False)
        unasked = run(f"mailroom resubmit {document_id}")
        assert (unasked.exit_code, "--yes" in unasked.output) == (2, True)
        assert run(f"mailroom resubmit {document_id} --yes").exit_code == 0
        assert asyncio.run(app.document(document_id)).state is DocumentState.OPEN
        assert run(f"mailroom resubmit {document_id} --cause x").exit_code == 2
        assert isinstance(run("mailroom resubmit --cause nothing --yes").exception, NotFound)


def test_the_price_counts_pages_that_are_known() -> None:
    documents = [a_document(page_count=3), a_document(page_count=10, packet=True), a_document()]
    price = price_of(documents)
    assert (price.pages, price.credits, price.unknown) == (13, 53, 1)
    assert str(price) == "13 pages, about 53 credits, and 1 document whose pages are not counted"
    assert str(price_of(documents[:1])) == "3 pages, about 3 credits"


def test_the_price_of_uncounted_pages_and_of_parse_jobs_is_told_as_it_is() -> None:
    parsed, file = a_document(content="llamacloud:pjb-1"), a_document(content="llamacloud:dfl-1")
    packet = a_document(content="llamacloud:pjb-2", packet=True)
    assert str(price_of([parsed])) == "0 credits: LlamaCloud has parsed it already"
    assert str(price_of([file, parsed])) == "the credits of 1 document whose pages are not counted, 1 a page"
    assert str(price_of([packet])) == "the credits of 1 document whose pages are not counted, 5 a page"
    assert str(price_of([packet, file])) == "the credits of 2 documents whose pages are not counted, 1 to 5 a page"
    assert price_of([parsed, a_document(page_count=2)]).credits == 2


def test_a_password_comes_from_a_file_and_is_printed_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio

    app = InMemoryApp(tmp_path)
    document = asyncio.run(app.submitted(name="a.pdf", content=locked(user="open sesame")))
    secret, empty = tmp_path / "secret", tmp_path / "empty"
    secret.write_text("open sesame\n")
    empty.write_text("\n")
    with terminal(app, TABLE, monkeypatch):
        assert "no password" in run(f"mailroom unlock {document.id} --password-file {empty}").stderr
        done = run(f"mailroom unlock {document.id} --password-file {secret}")
        assert (done.exit_code, "sesame" in done.output) == (0, False)
        assert run(f"mailroom unlock {document.id} open").exit_code == 2
