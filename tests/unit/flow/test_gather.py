"""What the table may ask of a document is known when it decides, whenever the table began to ask."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from receiver.core.change import Update
from receiver.core.document import Document, DocumentState
from receiver.core.errors import FileGone, Malformed, ReaderDied
from receiver.core.job import JobKind, JobReport, JobStatus
from receiver.core.plan import Way
from receiver.flow.by_hand import Word, route_by_hand
from receiver.ports import CloudFile
from tests.builders import NOW
from tests.desk import TABLE, Desk
from tests.papers import NearCutter, a_page, packet_bytes

pytestmark = pytest.mark.anyio

LONG = TABLE.replace(
    "  - type: invoice\n",
    "  - {type: invoice, name: long, when: {min_pages: 2}, to: [bytes://long/]}\n  - type: invoice\n",
)
TWO_PAGES = packet_bytes(a_page("one"), a_page("two"))
PNG = b"\x89PNG\r\n\x1a\n a photo"


@pytest.mark.parametrize(
    ("content", "name", "count"),
    [(TWO_PAGES, "a.pdf", 2), (PNG, "a.png", 1), (b"%PDF-1.7 hollow", "b.pdf", None), (b"words", "c.txt", None)],
)
async def test_pages_are_counted_whether_the_table_asks_or_not(
    desk: Desk, content: bytes, name: str, count: int | None
) -> None:
    document = await desk.submitted(name=name, content=content)
    assert document.page_count == count


async def test_a_table_that_begins_to_ask_places_what_is_under_way(desk: Desk) -> None:
    document = await desk.submitted(content=TWO_PAGES)
    desk.use(LONG)
    desk.cloud.classified(document.job_id, "invoice")
    await desk.event(document.job_id)
    await desk.work()
    assert [one.to.url for one in (await desk.document(document.id)).deliveries] == ["bytes://long/"]


async def test_what_an_earlier_mailroom_submitted_uncounted_is_counted_when_its_result_is_there(desk: Desk) -> None:
    document = await desk.submitted(content=TWO_PAGES)
    await desk.store.apply(Update(replace(document, page_count=None)))
    desk.use(LONG)
    desk.cloud.classified(document.job_id, "invoice")
    await desk.event(document.job_id)
    await desk.work()
    routed = await desk.document(document.id)
    assert (routed.page_count, routed.state) == (2, DocumentState.ROUTED)
    assert [one.to.url for one in routed.deliveries] == ["bytes://long/"]


async def test_what_nobody_can_count_is_held_with_the_reason_and_a_person_sends_it_on(desk: Desk) -> None:
    desk.use(LONG)
    held = await desk.routed("invoice", name="c.docx", content=b"PK\x03\x04" + b"\0" * 26 + b"word/document.xml")
    assert held.plan is not None
    assert (held.state, held.plan.way, held.deliveries) == (DocumentState.REVIEW, Way.UNDECIDED, ())
    assert held.plan.reason == "would depend on the number of pages, which is unknown"
    with pytest.raises(Malformed, match="the type alone does not say where: it would depend on the number of pages"):
        await route_by_hand(held.id, Word(type="invoice"), desk.tools)
    await route_by_hand(held.id, Word(to="long"), desk.tools)
    await desk.work()
    assert (await desk.document(held.id)).state is DocumentState.ROUTED


class DyingCounter(NearCutter):
    async def count(self, path: object) -> int:
        raise ReaderDied("the process that reads it gave up: it was killed by SIGSEGV")


async def test_a_document_of_which_the_reader_dies_is_submitted_uncounted(desk: Desk) -> None:
    desk.tools = replace(desk.tools, cutter=DyingCounter())
    document = (await desk.take_in(content=TWO_PAGES)).document
    await desk.work()
    assert desk.cloud.orders == []
    desk.later(1)
    await desk.work()
    assert len(desk.cloud.orders) == 1
    assert (await desk.document(document.id)).page_count is None


async def test_a_disk_without_room_to_look_at_a_letter_holds_no_letter_up(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("receiver.flow.submit.count", full)
    document = await desk.submitted(content=TWO_PAGES)
    assert (document.page_count, document.job_id) == (None, "job-1")


async def adopted(desk: Desk, content: bytes | None, name: str = "scan.pdf") -> Document:
    """The document of a finished job that was created elsewhere, with this file; None for one that is gone."""
    file = CloudFile(id="dfl-x", name=name)
    desk.cloud.files[file.id] = file

    async def read_file(file_id: str) -> AsyncIterator[bytes]:
        if content is None:
            raise FileGone("it has expired")
        yield content

    desk.cloud.read_file = read_file  # type: ignore[method-assign]
    desk.cloud.reports["job-x"] = JobReport(
        id="job-x", kind=JobKind.CLASSIFY, status=JobStatus.PENDING, file_id=file.id, created_at=NOW
    )
    desk.cloud.classified("job-x", "invoice")
    await desk.event("job-x")
    await desk.work()
    (found,) = [one for one in await desk.all(Document) if one.origin.kind == "adopted"]
    return found


async def test_the_file_of_a_job_from_elsewhere_is_read_for_all_that_the_table_may_ask(desk: Desk) -> None:
    known = (await desk.take_in(name="before.pdf", content=TWO_PAGES)).document
    desk.use(LONG)
    found = await adopted(desk, TWO_PAGES, name="a scan without extension")
    assert (found.page_count, found.size, found.sha256) == (2, len(TWO_PAGES), known.sha256)
    assert (found.media_type, found.duplicate_of) == ("application/pdf", known.id)
    assert [one.to.url for one in found.deliveries] == ["bytes://long/"]


async def test_a_file_from_elsewhere_that_came_first_is_known_when_its_bytes_come_again(desk: Desk) -> None:
    first = await adopted(desk, TWO_PAGES)
    assert first.duplicate_of == ""
    again = (await desk.take_in(content=TWO_PAGES)).document
    assert again.duplicate_of == first.id


async def test_a_file_from_elsewhere_that_is_gone_leaves_unknown_what_it_would_have_said(desk: Desk) -> None:
    desk.use(LONG)
    held = await adopted(desk, None)
    assert held.plan is not None
    assert (held.page_count, held.size, held.sha256, held.plan.way) == (None, 0, "", Way.UNDECIDED)
