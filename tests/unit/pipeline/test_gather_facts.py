"""What the table may ask of a document is known when it decides, whenever the table began to ask."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from receiver.core.change import Replace
from receiver.core.document import Document, DocumentState
from receiver.core.errors import FileGone, Malformed, ReaderDied
from receiver.core.job import JobKind, JobReport, JobStatus
from receiver.core.plan import Way
from receiver.operations.manual_routing import RoutingDecision, route_by_hand
from receiver.ports import CloudFile
from tests.builders import NOW
from tests.in_memory_app import TABLE, InMemoryApp
from tests.pdf_fixtures import NearCutter, a_page, packet_bytes

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
    app: InMemoryApp, content: bytes, name: str, count: int | None
) -> None:
    document = await app.submitted(name=name, content=content)
    assert document.page_count == count


async def test_a_table_that_begins_to_ask_places_what_is_under_way(app: InMemoryApp) -> None:
    document = await app.submitted(content=TWO_PAGES)
    app.use(LONG)
    app.cloud.classified(document.job_id, "invoice")
    await app.event(document.job_id)
    await app.work()
    assert [item.to.url for item in (await app.document(document.id)).deliveries] == ["bytes://long/"]


async def test_what_an_earlier_mailroom_submitted_uncounted_is_counted_when_its_result_is_there(
    app: InMemoryApp,
) -> None:
    document = await app.submitted(content=TWO_PAGES)
    await app.store.apply(Replace(replace(document, page_count=None)))
    app.use(LONG)
    app.cloud.classified(document.job_id, "invoice")
    await app.event(document.job_id)
    await app.work()
    routed = await app.document(document.id)
    assert (routed.page_count, routed.state) == (2, DocumentState.ROUTED)
    assert [item.to.url for item in routed.deliveries] == ["bytes://long/"]


async def test_what_nobody_can_count_is_held_with_the_reason_and_a_person_sends_it_on(app: InMemoryApp) -> None:
    app.use(LONG)
    held = await app.routed("invoice", name="c.docx", content=b"PK\x03\x04" + b"\0" * 26 + b"word/document.xml")
    assert held.plan is not None
    assert (held.state, held.plan.way, held.deliveries) == (DocumentState.REVIEW, Way.UNDECIDED, ())
    assert held.plan.reason == "would depend on the number of pages, which is unknown"
    with pytest.raises(
        Malformed, match="the type alone does not decide the route: it would depend on the number of pages"
    ):
        await route_by_hand(held.id, RoutingDecision(type="invoice"), app.context)
    await route_by_hand(held.id, RoutingDecision(to="long"), app.context)
    await app.work()
    assert (await app.document(held.id)).state is DocumentState.ROUTED


class DyingCounter(NearCutter):
    async def count(self, path: object) -> int:
        raise ReaderDied("the process that reads it failed: it was killed by SIGSEGV")


async def test_a_document_of_which_the_reader_dies_is_submitted_uncounted(app: InMemoryApp) -> None:
    app.context = replace(app.context, cutter=DyingCounter())
    document = (await app.ingest(content=TWO_PAGES)).document
    await app.work()
    assert app.cloud.orders == []
    app.later(1)
    await app.work()
    assert len(app.cloud.orders) == 1
    assert (await app.document(document.id)).page_count is None


async def test_a_disk_without_room_to_look_at_a_letter_holds_no_letter_up(
    app: InMemoryApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("receiver.pipeline.submit.count_pages", full)
    document = await app.submitted(content=TWO_PAGES)
    assert (document.page_count, document.job_id) == (None, "job-1")


async def adopted(app: InMemoryApp, content: bytes | None, name: str = "scan.pdf") -> Document:
    """The document of a finished job that was created elsewhere, with this file; None for one that is gone."""
    file = CloudFile(id="dfl-x", name=name)
    app.cloud.files[file.id] = file

    async def read_file(file_id: str) -> AsyncIterator[bytes]:
        if content is None:
            raise FileGone("it has expired")
        yield content

    app.cloud.read_file = read_file  # type: ignore[method-assign]
    app.cloud.reports["job-x"] = JobReport(
        id="job-x", kind=JobKind.CLASSIFY, status=JobStatus.PENDING, file_id=file.id, created_at=NOW
    )
    app.cloud.classified("job-x", "invoice")
    await app.event("job-x")
    await app.work()
    (found,) = [item for item in await app.all(Document) if item.origin.kind == "adopted"]
    return found


async def test_the_file_of_a_job_from_elsewhere_is_read_for_all_that_the_table_may_ask(app: InMemoryApp) -> None:
    known = (await app.ingest(name="before.pdf", content=TWO_PAGES)).document
    app.use(LONG)
    found = await adopted(app, TWO_PAGES, name="a scan without extension")
    assert (found.page_count, found.size, found.sha256) == (2, len(TWO_PAGES), known.sha256)
    assert (found.media_type, found.duplicate_of) == ("application/pdf", known.id)
    assert [item.to.url for item in found.deliveries] == ["bytes://long/"]


async def test_a_file_from_elsewhere_that_came_first_is_known_when_its_bytes_come_again(app: InMemoryApp) -> None:
    first = await adopted(app, TWO_PAGES)
    assert first.duplicate_of == ""
    again = (await app.ingest(content=TWO_PAGES)).document
    assert again.duplicate_of == first.id


async def test_a_file_from_elsewhere_that_is_gone_leaves_unknown_what_it_would_have_said(app: InMemoryApp) -> None:
    app.use(LONG)
    held = await adopted(app, None)
    assert held.plan is not None
    assert (held.page_count, held.size, held.sha256, held.plan.way) == (None, 0, "", Way.UNDECIDED)
