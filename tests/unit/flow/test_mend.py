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
from receiver.flow.mend import Skipped, dismiss, failed_since, replace_bytes, resubmit, unlock
from receiver.flow.replay import Choice, carry_out, chosen, foreseen, written
from receiver.flow.replay_task import chosen_tasks, foreseen_task
from tests.builders import NOW, a_document, a_task
from tests.commands import run, terminal
from tests.desk import TABLE, Desk
from tests.papers import a_page, locked, packet_bytes
from tests.unit.flow.test_alert import fail

pytestmark = pytest.mark.anyio


async def test_a_document_is_submitted_anew_with_a_fresh_upload_and_its_receipts(desk: Desk) -> None:
    document_id = await fail(desk, "a.pdf")
    before = await desk.document(document_id)
    assert [one.receipt is not None for one in before.deliveries] == [True]  # its copy lies where failed ones go
    again = await resubmit(document_id, desk.tools, who="Ada")
    assert not isinstance(again, Skipped)
    await desk.work()
    after = await desk.document(document_id)
    assert (after.job_id, after.submissions) == ("job-2", 1)
    assert len(desk.cloud.files) == 2
    desk.cloud.classified("job-2", "contract")
    await desk.event("job-2")
    await desk.work()
    after = await desk.document(document_id)
    assert after.state is DocumentState.ROUTED
    assert before.deliveries[0].receipt in [one.receipt for one in after.deliveries]
    assert "Ada had it submitted anew" in [one.detail for one in after.history]


@pytest.mark.parametrize("state", [DocumentState.ROUTED, DocumentState.WITHDRAWN])
async def test_what_has_its_place_is_left_as_it_is(desk: Desk, state: DocumentState) -> None:
    await desk.store.apply(Insert(a_document(id="doc-1", state=state)))
    left = await resubmit("doc-1", desk.tools, who="Ada")
    assert isinstance(left, Skipped)
    assert left.why == f"it is {state}"
    assert isinstance(await dismiss("doc-1", "no", desk.tools, who="Ada"), Skipped)


async def test_a_document_that_has_its_result_is_not_paid_for_again(desk: Desk) -> None:
    document = await desk.routed("invoice", 0.5)
    left = await resubmit(document.id, desk.tools, who="Ada")
    assert isinstance(left, Skipped)
    assert "it has its result" in left.why


async def test_nobody_is_no_document(desk: Desk) -> None:
    with pytest.raises(NotFound):
        await resubmit("doc-x", desk.tools, who="Ada")
    with pytest.raises(NotFound):
        await unlock("doc-x", "p", desk.tools, who="Ada")


async def test_all_that_failed_since_then_are_found(desk: Desk) -> None:
    early = await fail(desk, "early.pdf")
    desk.later(3600)
    late = await fail(desk, "late.pdf")
    await desk.routed("contract", name="fine.pdf", content=b"fine")
    doubtful = await desk.routed("invoice", 0.5, name="doubt.pdf", content=b"doubt")
    assert [one.id async for one in failed_since(NOW + 1800, desk.tools)] == [late]
    assert {one.id async for one in failed_since(NOW, desk.tools)} == {early, late}
    assert doubtful.state is DocumentState.REVIEW


async def test_the_password_opens_a_document_and_another_one_does_not(desk: Desk) -> None:
    document = await desk.submitted(name="payslip.pdf", content=locked(user="open"))
    desk.cloud.finish(document.job_id, JobStatus.FAILED, error="The PDF is encrypted")
    await desk.event(document.job_id, "classify.error")
    await desk.work()
    before = await desk.document(document.id)
    with pytest.raises(Uncuttable, match="this is not its password"):
        await unlock(document.id, "guess", desk.tools, who="Ada")
    assert await desk.document(document.id) == before
    opened = await unlock(document.id, "open", desk.tools, who="Ada")
    assert not isinstance(opened, Skipped)
    assert (opened.sha256 != before.sha256, opened.name) == (True, "payslip.pdf")
    assert before.sha256 in opened.history[-1].detail
    assert "open" not in json.dumps([one.detail.replace("opened", "") for one in opened.history])  # the password
    content = await desk.tools.content(opened)
    assert b"/Encrypt" not in b"".join([chunk async for chunk in content.stream()])


async def test_another_file_takes_the_place_of_a_damaged_one(desk: Desk, tmp_path: Path) -> None:
    document_id = await fail(desk, "a.pdf", "The file is corrupted")
    sound = tmp_path / "sound.pdf"
    sound.write_bytes(packet_bytes(a_page("sound")))
    after = await replace_bytes(document_id, sound, desk.tools, who="Ada")
    assert not isinstance(after, Skipped)
    assert (after.id, after.name, after.state) == (document_id, "a.pdf", DocumentState.OPEN)
    await desk.work()
    assert list(desk.cloud.uploads) == ["a.pdf", "a.pdf"]
    program = tmp_path / "tool.exe"
    program.write_bytes(b"MZ" + b"\0" * 100)
    await dismiss(document_id, "x", desk.tools, who="Ada")
    with pytest.raises(DocumentRefused):
        await replace_bytes(document_id, program, desk.tools, who="Ada")


async def test_bytes_that_fail_too_lie_beside_those_before_and_only_the_job_has_failed(
    desk: Desk, tmp_path: Path
) -> None:
    document_id = await fail(desk, "a.pdf", "The file is corrupted")
    for number in (2, 3, 2):  # the last one is what it was given before
        other = tmp_path / "other.pdf"
        other.write_bytes(packet_bytes(a_page(f"no. {number}")))
        after = await replace_bytes(document_id, other, desk.tools, who="Ada")
        assert not isinstance(after, Skipped)
        await desk.work()
        job_id = (await desk.document(document_id)).job_id
        desk.cloud.finish(job_id, JobStatus.FAILED, error="The file is corrupted")
        await desk.event(job_id, "classify.error")
        await desk.work()
    failed = await desk.document(document_id)
    assert failed.state is DocumentState.FAILED
    assert {one.kind for one in await desk.incidents()} == {"job.failed"}
    first, *others = sorted({one.receipt.location for one in failed.deliveries if one.receipt}, key=len)
    assert first == f"bytes://failed/{document_id}/a.pdf"
    marks = [re.fullmatch(rf"bytes://failed/{document_id}/a-([0-9a-f]{{8}})\.pdf", one) for one in others]
    assert len(marks) == 2
    assert failed.sha256[:8] in [mark[1] for mark in marks if mark]
    assert failed.stored
    assert failed.sha256[:8] in failed.stored.location


async def test_what_has_its_place_gets_no_other_bytes(desk: Desk, tmp_path: Path) -> None:
    document = await desk.routed("contract")
    sound = tmp_path / "sound.pdf"
    sound.write_bytes(packet_bytes(a_page("sound")))
    with pytest.raises(NotAllowed, match="it is routed"):
        await replace_bytes(document.id, sound, desk.tools, who="Ada")


async def test_a_dismissed_document_counts_as_failed_and_says_who_and_why(desk: Desk) -> None:
    document = await desk.routed("invoice", 0.5)
    after = await dismiss(document.id, "a test page", desk.tools, who="Ada")
    assert not isinstance(after, Skipped)
    assert after.plan is not None
    assert (after.state, after.plan.way, after.plan.reason) == (
        DocumentState.FAILED, Way.DISMISSED, "Ada dismissed it: a test page",
    )  # fmt: skip
    assert (await desk.store.tally()).balanced
    assert not isinstance(await resubmit(document.id, desk.tools, who="Ada"), Skipped)


async def test_what_is_being_delivered_is_not_dismissed(desk: Desk) -> None:
    desk.words.broken = DestinationBusy("down")
    document = await desk.routed("invoice")
    assert isinstance(await dismiss(document.id, "no", desk.tools, who="Ada"), Skipped)


async def test_what_gave_up_over_a_document_is_retired_with_it(desk: Desk) -> None:
    desk.words.broken = DestinationBusy("down")
    document = await desk.routed("invoice")
    for _ in range(20):
        desk.later(30_000)
        await desk.work()
    assert [one.state for one in await desk.tasks("deliver")].count(TaskState.PARKED) == 1
    await dismiss(document.id, "nobody wants it", desk.tools, who="Ada")
    assert [one.state for one in await desk.tasks("deliver")].count(TaskState.PARKED) == 0


# --- a notice is not work on a document


@pytest.mark.parametrize("kind", ["alert", "notify"])
async def test_a_parked_notice_is_replayed_alone(desk: Desk, kind: str) -> None:
    failed_id = await fail(desk, "a.pdf")
    packet = await desk.submitted(name="mail.pdf", content=locked(), packet=True)
    assert packet.state is DocumentState.REVIEW
    before = [await desk.document(failed_id), await desk.document(packet.id)]
    for one in (failed_id, packet.id):
        details = {"to": "log", "alert": "{}"}
        parked = a_task(id=f"{kind}:x:{one}", kind=kind, subject=one, state=TaskState.PARKED, details=details)
        await desk.store.apply(Insert(parked))
    choice = Choice(parked=True)
    assert [one async for one in chosen(choice, desk.tools)] == []
    tasks = [one async for one in chosen_tasks(choice, desk.tools)]
    assert len(tasks) == 2
    for task in tasks:
        assert await written((await foreseen_task(task, desk.tools)).writes, desk.tools)
    await desk.work()
    assert [await desk.document(failed_id), await desk.document(packet.id)] == before
    planned = await foreseen(before[0], Choice(ids=(failed_id,)), desk.tools)
    assert planned.deed == "redeliver"  # and not the notice
    assert await carry_out(planned, desk.tools)


# --- on the command line


def test_resubmit_says_the_price_first_and_does_nothing_without_a_yes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import asyncio

    desk = Desk(tmp_path)
    document_id = asyncio.run(fail(desk, "a.pdf"))
    with terminal(desk, TABLE, monkeypatch):
        dry = run(f"mailroom resubmit {document_id} --dry-run")
        assert "the credits of 1 document whose pages nobody has counted" in dry.output
        assert asyncio.run(desk.document(document_id)).state is DocumentState.FAILED
        monkeypatch.setattr("receiver.cli.mending.at_a_terminal", lambda: False)
        unasked = run(f"mailroom resubmit {document_id}")
        assert (unasked.exit_code, "--yes" in unasked.output) == (2, True)
        assert run(f"mailroom resubmit {document_id} --yes").exit_code == 0
        assert asyncio.run(desk.document(document_id)).state is DocumentState.OPEN
        assert run(f"mailroom resubmit {document_id} --cause x").exit_code == 2
        assert isinstance(run("mailroom resubmit --cause nothing --yes").exception, NotFound)


def test_the_price_counts_pages_that_are_known() -> None:
    documents = [a_document(page_count=3), a_document(page_count=10, packet=True), a_document()]
    price = price_of(documents)
    assert (price.pages, price.credits, price.unknown) == (13, 53, 1)
    assert str(price) == "13 pages, about 53 credits, and 1 document whose pages nobody has counted"
    assert str(price_of(documents[:1])) == "3 pages, about 3 credits"


def test_a_password_comes_from_a_file_and_is_printed_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio

    desk = Desk(tmp_path)
    document = asyncio.run(desk.submitted(name="a.pdf", content=locked(user="open sesame")))
    secret, empty = tmp_path / "secret", tmp_path / "empty"
    secret.write_text("open sesame\n")
    empty.write_text("\n")
    with terminal(desk, TABLE, monkeypatch):
        assert "no password" in str(run(f"mailroom unlock {document.id} --password-file {empty}").exception)
        done = run(f"mailroom unlock {document.id} --password-file {secret}")
        assert (done.exit_code, "sesame" in done.output) == (0, False)
        assert run(f"mailroom unlock {document.id} open").exit_code == 2
