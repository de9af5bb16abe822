"""A mail is on the books as a packet is: a record with its parts, what became of each, and the state that follows."""

from collections.abc import AsyncIterator

import pytest

from receiver import show
from receiver.core.document import Document, DocumentState
from receiver.core.mail import Fate
from receiver.core.plan import Way
from receiver.operations.document_report import document_report
from receiver.operations.manual_routing import RoutingDecision, route_by_hand
from receiver.operations.replay import ReplayFilter, foreseen
from receiver.operations.retention import apply_retention
from receiver.pipeline.ingest import IncomingFile
from receiver.pipeline.ingest_file import IngestedFile, ingest_file
from tests.in_memory_app import TABLE, InMemoryApp
from tests.unit.mail.reading import HEADER, PDF, PNG, attached, mail, multi, pictured, text

pytestmark = pytest.mark.anyio

LETTER = mail(multi("mixed", text("We hereby cancel."), attached(PDF, "a.pdf"), attached(b"BEGIN:VCARD\r\n", "me.vcf")))
LOCKED = mail(multi("mixed", text("Look inside."), attached(b"PK\3\4" + bytes(100), "photos.zip")))


async def once(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def arrived(app: InMemoryApp, content: bytes, name: str = "mail.eml") -> IngestedFile:
    return await ingest_file(IncomingFile(name=name, kind="upload", source=once(content)), app.context)


def record_of(came: IngestedFile) -> Document:
    (record,) = [item.document for item in came.taken if item.document.mail]
    return record


async def classified(app: InMemoryApp, document: Document, type_: str | None = "invoice") -> None:
    job = (await app.document(document.id)).job_id
    app.cloud.classified(job, type_)
    await app.event(job)
    await app.work()


async def test_the_record_says_what_became_of_each_part(app: InMemoryApp) -> None:
    came = await arrived(app, LETTER)
    record, body, pdf = [item.document for item in came.taken]
    assert [(part.where, part.name, part.fate, part.document_id) for part in record.parts] == [
        ("1", "Our letter.txt", Fate.DOCUMENT, body.id),
        ("2", "a.pdf", Fate.DOCUMENT, pdf.id),
        ("3", "me.vcf", Fate.LEFT_OUT, ""),
    ]
    assert record.parts[2].reason == "a contact card"
    assert {item.parent_id for item in (body, pdf)} == {record.id}
    assert {item.batch_id for item in (record, body, pdf)} == {record.batch_id}
    assert (record.origin.sender, record.metadata["subject"]) == ("anna@example.com", "Our letter")


async def test_the_record_is_open_until_every_part_has_its_place(app: InMemoryApp) -> None:
    came = await arrived(app, LETTER)
    record, body, pdf = [item.document for item in came.taken]
    await app.work()
    await classified(app, pdf)
    assert (await app.document(record.id)).state is DocumentState.OPEN
    await classified(app, body)
    after = await app.document(record.id)
    assert (after.state, after.deliveries) == (DocumentState.ROUTED, ())
    assert after.plan is not None
    assert (after.plan.way, after.plan.reason) == (Way.MAIL, "1 part left out, 2 documents")
    tally = await app.store.tally()
    assert (tally.received, tally.routed, tally.balanced) == (3, 3, True)


async def test_the_mail_itself_is_archived_where_the_table_says_so(app: InMemoryApp) -> None:
    app.use(TABLE + "mail: {to: ['bytes://mail/']}\n")
    record, body, pdf = [item.document for item in (await arrived(app, LETTER)).taken]
    await app.work()
    await classified(app, pdf)
    await classified(app, body)
    request = next(item for item in app.bytes.requests if item.document.id == record.id)
    assert b"".join([chunk async for chunk in request.content.stream()]) == LETTER
    assert [part["fate"] for part in request.manifest["parts"]] == ["document", "document", "left_out"]
    pdf_parcel = next(item for item in app.bytes.requests if item.document.id == pdf.id)
    assert pdf_parcel.manifest["mail"] == {"id": record.id}


async def test_what_is_held_waits_with_its_reason_and_somebody_is_told_once(app: InMemoryApp) -> None:
    came = await arrived(app, LOCKED)
    record, body, held = [item.document for item in came.taken]
    assert (held.state, held.error) == (DocumentState.REVIEW, "it is an archive (zip), not a document")
    await app.work()
    await classified(app, body)
    after = await app.document(record.id)
    assert (after.state, after.plan and after.plan.reason) == (DocumentState.REVIEW, "2 documents")
    assert show.reason(after) == "2 documents, and at least one of them waits for a person"
    assert [(alert.kind, count) for alert, count in app.channel.told] == [("mail.held", 1)]
    assert "photos.zip" not in app.cloud.uploads


async def test_the_mail_follows_when_a_person_has_decided(app: InMemoryApp) -> None:
    record, body, held = [item.document for item in (await arrived(app, LOCKED)).taken]
    await app.work()
    await classified(app, body)
    await route_by_hand(held.id, RoutingDecision(to="failed", who="anna"), app.context)
    await app.work()
    after = await app.document(record.id)
    assert (after.state, after.plan and after.plan.reason) == (DocumentState.ROUTED, "2 documents")


async def test_the_same_mail_twice_is_one_and_its_trace_fields_change_nothing(app: InMemoryApp) -> None:
    first = await arrived(app, LETTER)
    again = await arrived(app, b"Received: from a by b; Thu, 26 Nov 2026 06:00:00 +0000\r\n" + LETTER, "again.eml")
    assert [item.document.id for item in again.taken] == [item.document.id for item in first.taken]
    assert [item.fresh for item in again.taken] == [False, False, False]


async def test_another_mail_under_the_same_message_id_is_another_mail(app: InMemoryApp) -> None:
    first = await arrived(app, LETTER)
    other = await arrived(app, LETTER.replace(b"cancel", b"accept"))
    assert record_of(other).id != record_of(first).id
    assert [item.fresh for item in other.taken] == [True, True, False]


async def test_a_mail_that_exceeds_a_bound_is_held_whole_and_nothing_is_paid(app: InMemoryApp) -> None:
    many = mail(multi("mixed", *(attached(PDF + b"%d" % number, f"{number}.pdf") for number in range(300))))
    (record,) = [item.document for item in (await arrived(app, many)).taken]
    assert record.state is DocumentState.REVIEW
    assert record.error == "the mail is not opened: it has more than 200 parts (mail.max_parts)"
    await app.work()
    assert app.cloud.orders == []
    assert [item.kind for item in await app.incidents()] == ["mail.held"]
    content = await app.context.content(record)
    assert b"".join([chunk async for chunk in content.stream()]) == many


async def test_the_bounds_are_those_of_the_table(app: InMemoryApp) -> None:
    app.use(TABLE + "mail: {max_parts: 2}\n")
    assert "more than 2 parts" in record_of(await arrived(app, LETTER)).error


async def test_a_mail_that_says_nothing_at_all_is_held(app: InMemoryApp) -> None:
    (record,) = [item.document for item in (await arrived(app, HEADER + b"\r\n\r\n")).taken]
    assert (record.state, record.error) == (DocumentState.REVIEW, "the mail is empty apart from its header")


async def test_a_mail_of_which_all_is_left_out_is_routed_with_its_lines(app: InMemoryApp) -> None:
    (record,) = [item.document for item in (await arrived(app, mail(attached(b"BEGIN:VCARD\n", "a.vcf")))).taken]
    await app.work()
    after = await app.document(record.id)
    assert (after.state, [part.reason for part in after.parts]) == (DocumentState.ROUTED, ["a contact card"])


async def test_each_mail_of_a_mailbox_has_a_record_and_its_own_bytes(app: InMemoryApp) -> None:
    line = b"From a@b.example Thu Nov 26 05:00:00 2026\r\n"
    second = LETTER.replace(b"<1@", b"<2@")
    came = await arrived(app, line + LETTER + b"\r\n" + line + second, "all.mbox")
    records = [item.document for item in came.taken if item.document.mail]
    assert [record.origin.locator for record in records] == ["<1@example.com>", "<2@example.com>"]
    assert [record.size for record in records] == [len(LETTER), len(second)]


async def test_a_short_text_stays_with_record_and_manifests_where_the_table_says_so(app: InMemoryApp) -> None:
    app.use(TABLE + "mail: {body: record}\n")
    record, pdf = [item.document for item in (await arrived(app, LETTER)).taken]
    assert [part.fate for part in record.parts] == [Fate.RECORDED, Fate.DOCUMENT, Fate.LEFT_OUT]
    assert record.metadata["body"] == pdf.metadata["body"] == "We hereby cancel."


@pytest.mark.parametrize(
    "content",
    [
        mail(text("no attachment: the text is all there is")),
        mail(multi("mixed", text("long " * 2000), attached(PDF, "a.pdf"))),
        mail(multi("related", text('<img src="cid:a@x">', "text/html"), pictured(PNG, "a.png", "a@x"),
                   attached(PDF, "a.pdf"))),
    ],
    ids=["alone", "long", "with pictures"],
)  # fmt: skip
async def test_a_text_that_the_record_cannot_hold_is_a_document_all_the_same(app: InMemoryApp, content: bytes) -> None:
    app.use(TABLE + "mail: {body: record}\n")
    assert record_of(await arrived(app, content)).parts[0].fate is Fate.DOCUMENT


async def test_the_dossier_of_a_mail_shows_its_parts_and_documents(app: InMemoryApp) -> None:
    record = record_of(await arrived(app, LETTER))
    shown = (await document_report(record.id, app.store)).shown()
    assert [part["name"] for part in shown["parts"]] == ["Our letter.txt", "a.pdf", "me.vcf"]
    assert {item["came_in"] for item in shown["pieces"]} == {record.id}


async def test_a_packet_in_a_mail_is_a_packet_of_that_mail(app: InMemoryApp) -> None:
    came = await ingest_file(IncomingFile(name="m.eml", kind="upload", source=once(LETTER), packet=True), app.context)
    record, body, pdf = [item.document for item in came.taken]
    assert (pdf.packet, body.packet, pdf.parent_id, pdf.is_piece) == (True, False, record.id, False)


async def test_a_mail_that_is_held_is_never_submitted_by_a_replay(app: InMemoryApp) -> None:
    app.use(TABLE + "mail: {max_parts: 2}\n")
    record = record_of(await arrived(app, LETTER))
    foresight = await foreseen(record, ReplayFilter(ids=(record.id,)), app.context)
    assert (foresight.action, foresight.writes) == ("nothing", ())


async def test_a_mail_is_forgotten_with_all_that_came_in_it(app: InMemoryApp) -> None:
    app.use(TABLE + "retention: {documents_days: 365}\n")
    _, body, pdf = [item.document for item in (await arrived(app, LETTER)).taken]
    await app.work()
    await classified(app, pdf)
    app.later(400 * 86400)
    await apply_retention(app.context)
    assert len(await app.all(Document)) == 3
    await classified(app, body)
    for _ in range(3):
        app.later(400 * 86400)
        await apply_retention(app.context)
    assert await app.all(Document) == []
