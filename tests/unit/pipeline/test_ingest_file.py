"""What came in by whatever way: a letter, or an e-mail with several."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from receiver.core.document import Document
from receiver.pipeline.ingest import IncomingFile, Ingested
from receiver.pipeline.ingest_file import IngestedFile, ingest_file
from tests.in_memory_app import TABLE, InMemoryApp
from tests.mail_fixtures import a_mail
from tests.pdf_fixtures import a_page, packet_bytes

pytestmark = pytest.mark.anyio

PDF = ("invoice.pdf", b"%PDF-1.7 invoice", "application/pdf")
TEXT = ("terms.txt", b"our terms", "text/plain")
ZIP = ("photos.zip", b"PK\x03\x04" + bytes(100), "application/zip")


async def chunks(content: bytes, size: int = 100) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


def brought(arrived: IngestedFile) -> list[Ingested]:
    """What the mail brought by way of attachments."""
    return [item for item in arrived.taken if not item.document.mail and " body " not in item.document.origin.locator]


async def mailed(
    app: InMemoryApp, *attachments: tuple[str, bytes, str], packet: bool = False, kind: str = "upload"
) -> IngestedFile:
    mail = a_mail(*attachments).as_bytes()
    return await ingest_file(IncomingFile(name="mail.eml", kind=kind, source=chunks(mail), packet=packet), app.context)


async def test_the_attachments_of_one_mail_are_one_batch_with_sender_and_subject(app: InMemoryApp) -> None:
    arrived = await mailed(app, PDF, TEXT)
    first, second = [item.document for item in brought(arrived)]
    assert (first.name, second.name) == ("invoice.pdf", "terms.txt")
    assert first.batch_id == second.batch_id
    assert (first.origin.kind, first.origin.sender) == ("email", "anna@example.com")
    assert first.metadata["subject"] == "Our invoice"


async def test_a_known_file_that_comes_again_as_a_packet_says_that_it_stays_a_document(app: InMemoryApp) -> None:
    content = packet_bytes(a_page("1"))

    async def once(*, packet: bool) -> Ingested:
        return await app.ingest("scan.pdf", content, packet=packet)

    first, again, plain = await once(packet=False), await once(packet=True), await once(packet=False)
    assert [item.ignored for item in (first, again, plain)] == [(), ("packet",), ()]
    assert not (await app.document(first.document.id)).packet


async def test_the_same_mail_by_another_way_is_the_same_documents(app: InMemoryApp) -> None:
    first = await mailed(app, PDF, TEXT)
    again = await mailed(app, PDF, TEXT, kind="s3")
    assert [item.document.id for item in again.taken] == [item.document.id for item in first.taken]
    assert not any(item.fresh for item in again.taken)


async def test_an_attachment_that_is_no_document_is_held_and_holds_no_other_back(app: InMemoryApp) -> None:
    arrived = await mailed(app, ZIP, PDF)
    held, invoice = [item.document for item in brought(arrived)]
    assert (held.name, held.state, held.error) == ("photos.zip", "review", "it is an archive (zip), not a document")
    assert (invoice.name, invoice.state) == ("invoice.pdf", "open")
    assert arrived.refused == ()


async def test_routes_may_ask_for_sender_and_subject(app: InMemoryApp) -> None:
    row = (
        "  - {name: theirs, type: invoice, when: {sender: '*@example.com', subject: '*invoice*'}, to: ['bytes://x/']}\n"
    )
    app.use(TABLE.replace("routes:\n", f"routes:\n{row}"))
    (taken,) = brought(await mailed(app, PDF))
    await app.work()
    job = (await app.document(taken.document.id)).job_id
    app.cloud.classified(job, "invoice")
    await app.event(job)
    await app.work()
    document = await app.document(taken.document.id)
    assert document.plan is not None
    assert document.plan.route == "theirs"


async def test_only_the_pdfs_of_a_mail_are_packets(app: InMemoryApp) -> None:
    arrived = await mailed(app, ("mail.pdf", packet_bytes(a_page("1")), "application/pdf"), TEXT, packet=True)
    assert [item.document.packet for item in brought(arrived)] == [True, False]


async def test_a_file_that_is_no_mail_is_one_document(app: InMemoryApp, tmp_path: Path) -> None:
    letter = tmp_path / "letter.pdf"
    letter.write_bytes(b"%PDF-1.7 letter")
    arrived = await ingest_file(IncomingFile(name=letter.name, kind="folder", source=letter), app.context)
    assert [item.document.name for item in arrived.taken] == ["letter.pdf"]
    assert len(await app.all(Document)) == 1


async def test_what_is_refused_is_told_and_leaves_no_trace(app: InMemoryApp) -> None:
    arrived = await ingest_file(IncomingFile(name="a.zip", kind="upload", source=chunks(ZIP[1])), app.context)
    assert [item.reason for item in arrived.refused] == ["a.zip is an archive (zip), not a document"]
    assert await app.all(Document) == []
