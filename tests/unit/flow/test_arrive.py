"""What came in by whatever way: a letter, or an e-mail with several."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from receiver.core.document import Document
from receiver.flow.arrive import Arrived, arrive
from receiver.flow.intake import Arrival, TakenIn
from tests.desk import TABLE, Desk
from tests.letters import a_mail
from tests.papers import a_page, packet_bytes

pytestmark = pytest.mark.anyio

PDF = ("invoice.pdf", b"%PDF-1.7 invoice", "application/pdf")
TEXT = ("terms.txt", b"our terms", "text/plain")
ZIP = ("photos.zip", b"PK\x03\x04" + bytes(100), "application/zip")


async def chunks(content: bytes, size: int = 100) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


def brought(arrived: Arrived) -> list[TakenIn]:
    """What the mail brought by way of attachments."""
    return [one for one in arrived.taken if not one.document.mail and " body " not in one.document.origin.locator]


async def mailed(
    desk: Desk, *attachments: tuple[str, bytes, str], packet: bool = False, kind: str = "upload"
) -> Arrived:
    mail = a_mail(*attachments).as_bytes()
    return await arrive(Arrival(name="mail.eml", kind=kind, source=chunks(mail), packet=packet), desk.tools)


async def test_the_attachments_of_one_mail_are_one_batch_with_sender_and_subject(desk: Desk) -> None:
    arrived = await mailed(desk, PDF, TEXT)
    first, second = [one.document for one in brought(arrived)]
    assert (first.name, second.name) == ("invoice.pdf", "terms.txt")
    assert first.batch_id == second.batch_id
    assert (first.origin.kind, first.origin.sender) == ("email", "anna@example.com")
    assert first.metadata["subject"] == "Our invoice"


async def test_the_same_mail_by_another_way_is_the_same_documents(desk: Desk) -> None:
    first = await mailed(desk, PDF, TEXT)
    again = await mailed(desk, PDF, TEXT, kind="s3")
    assert [one.document.id for one in again.taken] == [one.document.id for one in first.taken]
    assert not any(one.fresh for one in again.taken)


async def test_an_attachment_that_is_no_document_is_held_and_holds_no_other_back(desk: Desk) -> None:
    arrived = await mailed(desk, ZIP, PDF)
    held, invoice = [one.document for one in brought(arrived)]
    assert (held.name, held.state, held.error) == ("photos.zip", "review", "it is an archive (zip), not a document")
    assert (invoice.name, invoice.state) == ("invoice.pdf", "open")
    assert arrived.refused == ()


async def test_routes_may_ask_for_sender_and_subject(desk: Desk) -> None:
    row = (
        "  - {name: theirs, type: invoice, when: {sender: '*@example.com', subject: '*invoice*'}, to: ['bytes://x/']}\n"
    )
    desk.use(TABLE.replace("routes:\n", f"routes:\n{row}"))
    (taken,) = brought(await mailed(desk, PDF))
    await desk.work()
    job = (await desk.document(taken.document.id)).job_id
    desk.cloud.classified(job, "invoice")
    await desk.event(job)
    await desk.work()
    document = await desk.document(taken.document.id)
    assert document.plan is not None
    assert document.plan.route == "theirs"


async def test_only_the_pdfs_of_a_mail_are_packets(desk: Desk) -> None:
    arrived = await mailed(desk, ("mail.pdf", packet_bytes(a_page("1")), "application/pdf"), TEXT, packet=True)
    assert [one.document.packet for one in brought(arrived)] == [True, False]


async def test_a_file_that_is_no_mail_is_one_document(desk: Desk, tmp_path: Path) -> None:
    letter = tmp_path / "letter.pdf"
    letter.write_bytes(b"%PDF-1.7 letter")
    arrived = await arrive(Arrival(name=letter.name, kind="folder", source=letter), desk.tools)
    assert [one.document.name for one in arrived.taken] == ["letter.pdf"]
    assert len(await desk.all(Document)) == 1


async def test_what_is_refused_is_told_and_leaves_no_trace(desk: Desk) -> None:
    arrived = await arrive(Arrival(name="a.zip", kind="upload", source=chunks(ZIP[1])), desk.tools)
    assert [one.reason for one in arrived.refused] == ["a.zip is an archive (zip), not a document"]
    assert await desk.all(Document) == []
