"""A mail is on the books as a packet is: a record with its parts, what became of each, and the state that follows."""

from collections.abc import AsyncIterator

import pytest

from receiver import show
from receiver.core.document import Document, DocumentState
from receiver.core.mail import Fate
from receiver.core.plan import Way
from receiver.flow.arrive import Arrived, arrive
from receiver.flow.by_hand import Word, route_by_hand
from receiver.flow.dossier import dossier
from receiver.flow.intake import Arrival
from receiver.flow.replay import Choice, foreseen
from receiver.flow.retention import tidy
from tests.desk import TABLE, Desk
from tests.unit.mail.reading import HEADER, PDF, PNG, attached, mail, multi, pictured, text

pytestmark = pytest.mark.anyio

LETTER = mail(multi("mixed", text("We hereby cancel."), attached(PDF, "a.pdf"), attached(b"BEGIN:VCARD\r\n", "me.vcf")))
LOCKED = mail(multi("mixed", text("Look inside."), attached(b"PK\3\4" + bytes(100), "photos.zip")))


async def once(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def arrived(desk: Desk, content: bytes, name: str = "mail.eml") -> Arrived:
    return await arrive(Arrival(name=name, kind="upload", source=once(content)), desk.tools)


def record_of(came: Arrived) -> Document:
    (record,) = [one.document for one in came.taken if one.document.mail]
    return record


async def classified(desk: Desk, document: Document, type_: str | None = "invoice") -> None:
    job = (await desk.document(document.id)).job_id
    desk.cloud.classified(job, type_)
    await desk.event(job)
    await desk.work()


async def test_the_record_says_what_became_of_each_part(desk: Desk) -> None:
    came = await arrived(desk, LETTER)
    record, body, pdf = [one.document for one in came.taken]
    assert [(part.where, part.name, part.fate, part.document_id) for part in record.parts] == [
        ("1", "Our letter.txt", Fate.DOCUMENT, body.id),
        ("2", "a.pdf", Fate.DOCUMENT, pdf.id),
        ("3", "me.vcf", Fate.LEFT_OUT, ""),
    ]
    assert record.parts[2].reason == "a contact card"
    assert {one.parent_id for one in (body, pdf)} == {record.id}
    assert {one.batch_id for one in (record, body, pdf)} == {record.batch_id}
    assert (record.origin.sender, record.metadata["subject"]) == ("anna@example.com", "Our letter")


async def test_the_record_is_open_until_every_part_has_its_place(desk: Desk) -> None:
    came = await arrived(desk, LETTER)
    record, body, pdf = [one.document for one in came.taken]
    await desk.work()
    await classified(desk, pdf)
    assert (await desk.document(record.id)).state is DocumentState.OPEN
    await classified(desk, body)
    after = await desk.document(record.id)
    assert (after.state, after.deliveries) == (DocumentState.ROUTED, ())
    assert after.plan is not None
    assert (after.plan.way, after.plan.reason) == (Way.MAIL, "1 part left out, 2 documents")
    tally = await desk.store.tally()
    assert (tally.taken_in, tally.routed, tally.balanced) == (3, 3, True)


async def test_the_mail_itself_is_archived_where_the_table_says_so(desk: Desk) -> None:
    desk.use(TABLE + "mail: {to: ['bytes://mail/']}\n")
    record, body, pdf = [one.document for one in (await arrived(desk, LETTER)).taken]
    await desk.work()
    await classified(desk, pdf)
    await classified(desk, body)
    parcel = next(one for one in desk.bytes.parcels if one.document.id == record.id)
    assert b"".join([chunk async for chunk in parcel.content.stream()]) == LETTER
    assert [part["fate"] for part in parcel.manifest["parts"]] == ["document", "document", "left_out"]
    pdf_parcel = next(one for one in desk.bytes.parcels if one.document.id == pdf.id)
    assert pdf_parcel.manifest["mail"] == {"id": record.id}


async def test_what_is_held_waits_with_its_reason_and_somebody_is_told_once(desk: Desk) -> None:
    came = await arrived(desk, LOCKED)
    record, body, held = [one.document for one in came.taken]
    assert (held.state, held.error) == (DocumentState.REVIEW, "it is an archive (zip), not a document")
    await desk.work()
    await classified(desk, body)
    after = await desk.document(record.id)
    assert (after.state, after.plan and after.plan.reason) == (DocumentState.REVIEW, "2 documents")
    assert show.reason(after) == "2 documents, and at least one of them waits for a person"
    assert [(alert.kind, count) for alert, count in desk.channel.told] == [("mail.held", 1)]
    assert "photos.zip" not in desk.cloud.uploads


async def test_the_mail_follows_when_a_person_has_decided(desk: Desk) -> None:
    record, body, held = [one.document for one in (await arrived(desk, LOCKED)).taken]
    await desk.work()
    await classified(desk, body)
    await route_by_hand(held.id, Word(to="failed", who="anna"), desk.tools)
    await desk.work()
    after = await desk.document(record.id)
    assert (after.state, after.plan and after.plan.reason) == (DocumentState.ROUTED, "2 documents")


async def test_the_same_mail_twice_is_one_and_its_trace_fields_change_nothing(desk: Desk) -> None:
    first = await arrived(desk, LETTER)
    again = await arrived(desk, b"Received: from a by b; Thu, 26 Nov 2026 06:00:00 +0000\r\n" + LETTER, "again.eml")
    assert [one.document.id for one in again.taken] == [one.document.id for one in first.taken]
    assert [one.fresh for one in again.taken] == [False, False, False]


async def test_another_mail_under_the_same_message_id_is_another_mail(desk: Desk) -> None:
    first = await arrived(desk, LETTER)
    other = await arrived(desk, LETTER.replace(b"cancel", b"accept"))
    assert record_of(other).id != record_of(first).id
    assert [one.fresh for one in other.taken] == [True, True, False]


async def test_a_mail_that_exceeds_a_bound_is_held_whole_and_nothing_is_paid(desk: Desk) -> None:
    many = mail(multi("mixed", *(attached(PDF + b"%d" % number, f"{number}.pdf") for number in range(300))))
    (record,) = [one.document for one in (await arrived(desk, many)).taken]
    assert record.state is DocumentState.REVIEW
    assert record.error == "the mail is not opened: it has more than 200 parts (mail.max_parts)"
    await desk.work()
    assert desk.cloud.orders == []
    assert [one.kind for one in await desk.incidents()] == ["mail.held"]
    content = await desk.tools.content(record)
    assert b"".join([chunk async for chunk in content.stream()]) == many


async def test_the_bounds_are_those_of_the_table(desk: Desk) -> None:
    desk.use(TABLE + "mail: {max_parts: 2}\n")
    assert "more than 2 parts" in record_of(await arrived(desk, LETTER)).error


async def test_a_mail_that_says_nothing_at_all_is_held(desk: Desk) -> None:
    (record,) = [one.document for one in (await arrived(desk, HEADER + b"\r\n\r\n")).taken]
    assert (record.state, record.error) == (DocumentState.REVIEW, "the mail is empty: only its header says anything")


async def test_a_mail_of_which_all_is_left_out_is_routed_with_its_lines(desk: Desk) -> None:
    (record,) = [one.document for one in (await arrived(desk, mail(attached(b"BEGIN:VCARD\n", "a.vcf")))).taken]
    await desk.work()
    after = await desk.document(record.id)
    assert (after.state, [part.reason for part in after.parts]) == (DocumentState.ROUTED, ["a contact card"])


async def test_each_mail_of_a_mailbox_has_a_record_and_its_own_bytes(desk: Desk) -> None:
    line = b"From a@b.example Thu Nov 26 05:00:00 2026\r\n"
    second = LETTER.replace(b"<1@", b"<2@")
    came = await arrived(desk, line + LETTER + b"\r\n" + line + second, "all.mbox")
    records = [one.document for one in came.taken if one.document.mail]
    assert [record.origin.locator for record in records] == ["<1@example.com>", "<2@example.com>"]
    assert [record.size for record in records] == [len(LETTER), len(second)]


async def test_a_short_text_stays_with_record_and_manifests_where_the_table_says_so(desk: Desk) -> None:
    desk.use(TABLE + "mail: {body: record}\n")
    record, pdf = [one.document for one in (await arrived(desk, LETTER)).taken]
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
async def test_a_text_that_the_record_cannot_hold_is_a_document_all_the_same(desk: Desk, content: bytes) -> None:
    desk.use(TABLE + "mail: {body: record}\n")
    assert record_of(await arrived(desk, content)).parts[0].fate is Fate.DOCUMENT


async def test_the_dossier_of_a_mail_shows_its_parts_and_documents(desk: Desk) -> None:
    record = record_of(await arrived(desk, LETTER))
    shown = (await dossier(record.id, desk.store)).shown()
    assert [part["name"] for part in shown["parts"]] == ["Our letter.txt", "a.pdf", "me.vcf"]
    assert {one["came_in"] for one in shown["pieces"]} == {record.id}


async def test_a_packet_in_a_mail_is_a_packet_of_that_mail(desk: Desk) -> None:
    came = await arrive(Arrival(name="m.eml", kind="upload", source=once(LETTER), packet=True), desk.tools)
    record, body, pdf = [one.document for one in came.taken]
    assert (pdf.packet, body.packet, pdf.parent_id, pdf.is_piece) == (True, False, record.id, False)


async def test_a_mail_that_is_held_is_never_submitted_by_a_replay(desk: Desk) -> None:
    desk.use(TABLE + "mail: {max_parts: 2}\n")
    record = record_of(await arrived(desk, LETTER))
    foresight = await foreseen(record, Choice(ids=(record.id,)), desk.tools)
    assert (foresight.deed, foresight.writes) == ("nothing", ())


async def test_a_mail_is_forgotten_with_all_that_came_in_it(desk: Desk) -> None:
    desk.use(TABLE + "retention: {documents_days: 365}\n")
    _, body, pdf = [one.document for one in (await arrived(desk, LETTER)).taken]
    await desk.work()
    await classified(desk, pdf)
    desk.later(400 * 86400)
    await tidy(desk.tools)
    assert len(await desk.all(Document)) == 3
    await classified(desk, body)
    for _ in range(3):
        desk.later(400 * 86400)
        await tidy(desk.tools)
    assert await desk.all(Document) == []
