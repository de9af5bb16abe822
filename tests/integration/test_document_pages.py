"""What the operator's API shows of a document: pictures, text, mail, a download; and how it cuts a packet."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from PIL import Image

from handlers.demo.local_aws import LocalAws
from handlers.sources.folder import FolderSource
from handlers.sources.s3_spool import S3Spool
from receiver.bootstrap import App
from receiver.core.change import Replace
from receiver.core.delivery_request import Content
from receiver.core.document import Document, DocumentState, Step
from receiver.core.errors import AccessDenied, CloudBusy, FileGone, KeyRefused, NotViewable, Transient, Unroutable
from receiver.core.task import Task, TaskState
from receiver.pipeline.ingest import IncomingFile, ingest
from receiver.pipeline.ingest_file import ingest_file
from receiver.pipeline.local_copies import LocalCopies
from receiver.ports import Viewer
from receiver.store.sqlite.store import SqliteStore
from tests.builders import NOW
from tests.mail_fixtures import a_mail
from tests.pdf_fixtures import a_page, locked, packet_bytes
from tests.receivers import ADMIN_TOKEN, an_app, operator_of

pytestmark = pytest.mark.anyio
AUTH = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
TWO_PAGES = packet_bytes(a_page("first"), a_page("second"))


@pytest.fixture
def app(tmp_path: Path) -> App:
    return an_app(tmp_path)


@pytest.fixture
async def operator(app: App) -> AsyncIterator[httpx.AsyncClient]:
    async with app.opened(), operator_of(app) as client:
        client.headers.update(AUTH)
        yield client


async def chunks(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def ingested(app: App, data: bytes = TWO_PAGES, name: str = "letter.pdf", **fields: Any) -> Document:
    arrival = IncomingFile(name=name, kind="upload", source=chunks(data), locator=name, **fields)
    return (await ingest(arrival, app.context)).document


async def changed(app: App, document: Document, **fields: Any) -> Document:
    found = await app.context.store.get(Document, document.id)
    assert found is not None
    after = replace(found, **fields)
    await app.context.store.apply(Replace(after))
    return after


def error_of(answer: httpx.Response) -> tuple[int, str, str]:
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["message"]


async def test_pages_are_listed_and_each_is_a_picture_and_a_text(app: App, operator: httpx.AsyncClient) -> None:
    at = f"/documents/{(await ingested(app)).id}"
    listed = (await operator.get(f"{at}/pages")).json()
    assert (listed["page_count"], listed["pages"][1]) == (2, {"page": 2, "width": 595.0, "height": 842.0})
    answer = await operator.get(f"{at}/pages/2.png?width=300")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "no-store" in answer.headers["cache-control"]
    assert Image.open(BytesIO(answer.content)).width == 300
    assert (await operator.get(f"{at}/text?page=2")).json()["text"] == "second"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("pages/3.png", (404, "not_found", "it has 2 pages, and no page 3")),
        ("pages/0.png", (400, "malformed", "page is a number from 1 to 999999999, not '0'")),
        ("pages/1e3.png", (400, "malformed", "page is a number from 1 to 999999999, not '1e3'")),
        ("pages/1.png?width=2001", (400, "malformed", "width is a number from 16 to 2000, not '2001'")),
        ("pages/1.png?width=", (400, "malformed", "width is a number from 16 to 2000, not ''")),
        ("text?page=-1", (400, "malformed", "page is a number from 1 to 999999999, not '-1'")),
        ("text", (400, "malformed", "it has pages, and each has a text of its own: say which, ?page=1")),
    ],
)
async def test_a_page_that_is_not_there_is_a_clear_error(
    path: str, expected: tuple[int, str, str], app: App, operator: httpx.AsyncClient
) -> None:
    document = await ingested(app)
    assert error_of(await operator.get(f"/documents/{document.id}/{path}")) == expected
    assert (await operator.get(f"/documents/doc_none/{path.replace('-1', '1')}")).status_code in (400, 404)


@pytest.mark.parametrize(
    ("data", "name", "why"),
    [
        (locked(), "locked.pdf", "it cannot be shown: it is locked with a password"),
        (b"%PDF-1.7 nothing", "bad.pdf", "it cannot be shown: it cannot be read as a PDF, not even repaired"),
        (b"\x89PNG\r\n\x1a\n nothing", "bad.png", "it cannot be shown: it is damaged"),
        (b"PK\x03\x04" + b"\0" * 26 + b"word/a", "a.docx", "is shown by its own program alone: download it"),
    ],
)
async def test_what_cannot_be_shown_says_why(
    data: bytes, name: str, why: str, app: App, operator: httpx.AsyncClient
) -> None:
    document = await ingested(app, data, name)
    for path in ("pages", "pages/1.png", "text?page=1"):
        status, code, message = error_of(await operator.get(f"/documents/{document.id}/{path}"))
        assert (status, code) == (422, "not_viewable")
        assert why in message


async def test_bytes_that_are_gone_are_410_whether_removed_or_lost(app: App, operator: httpx.AsyncClient) -> None:
    lost, removed = await ingested(app), await ingested(app, name="removed.pdf")
    at = f"/documents/{removed.id}/pages/1.png?width=100"
    assert (await operator.get(at)).status_code == 200
    await app.context.spool.release(lost.content)
    await changed(app, removed, content="", forgotten_at=NOW)
    for path in (f"/documents/{lost.id}/pages", f"/documents/{lost.id}/text?page=1", at):
        status, code, message = error_of(await operator.get(path))
        assert (status, code) == (410, "gone")
        assert "are no longer available" in message


async def test_text_and_html_are_shown_as_their_words(app: App, operator: httpx.AsyncClient) -> None:
    note = await ingested(app, "Grüße".encode(), "note.txt")
    page = await ingested(app, b"<html><p>Pay <b>me</b><script>steal()</script>", "page.html")
    texts = [(await operator.get(f"/documents/{item.id}/text")).json()["text"] for item in (note, page)]
    assert texts == ["Grüße", "Pay me"]
    assert [(await operator.get(f"/documents/{item.id}")).json()["shown_as"] for item in (note, page)] == ["text"] * 2
    assert error_of(await operator.get(f"/documents/{note.id}/pages"))[1] == "not_viewable"


async def test_a_mail_is_shown_with_its_fields_and_what_its_sender_wrote(app: App, operator: httpx.AsyncClient) -> None:
    mail = a_mail(("invoice.pdf", TWO_PAGES, "application/pdf"), text="Dear all, see attached.")
    arrival = IncomingFile(name="mail.eml", kind="upload", source=chunks(bytes(mail)), locator="mail.eml")
    record, *documents = (await ingest_file(arrival, app.context)).taken
    shown = (await operator.get(f"/documents/{record.document.id}/text")).json()
    assert shown["fields"] == {
        "from": "anna@example.com",
        "to": "office@example.org",
        "subject": "Our invoice",
        "date": "Mon, 16 Nov 2026 08:00:00 +0000",
    }
    assert shown["text"] == "Dear all, see attached."
    parts = (await operator.get(f"/documents/{record.document.id}")).json()["parts"]
    assert {item.document.id for item in documents} == {part["document_id"] for part in parts} - {""}


async def test_a_long_mail_is_read_from_its_file(app: App, operator: httpx.AsyncClient) -> None:
    mail = a_mail(text="word " * 2000 + "the end")
    arrival = IncomingFile(name="mail.eml", kind="upload", source=chunks(bytes(mail)), locator="mail.eml")
    record = (await ingest_file(arrival, app.context)).taken[0]
    assert "the end" in (await operator.get(f"/documents/{record.document.id}/text")).json()["text"]


async def test_the_page_downloads_by_a_link_that_ends_after_a_minute(app: App, operator: httpx.AsyncClient) -> None:
    document, other = await ingested(app, name='Rechnung "5"; März.pdf'), await ingested(app, name="other.pdf")
    url = (await operator.get(f"/documents/{document.id}/link")).json()["url"]
    async with operator_of(app) as browser:
        answer = await browser.get(url)
        assert (answer.status_code, answer.content) == (200, TWO_PAGES)
        assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''Rechnung%20_5__%20M%C3%A4rz.pdf"
        assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert (await browser.get(url.replace(document.id + "/", other.id + "/", 1))).status_code == 403
    later = replace(app, context=replace(app.context, clock=lambda: NOW + 61))
    async with operator_of(later) as browser:
        assert (await browser.get(url)).status_code == 403


async def test_a_picture_is_drawn_once(app: App, operator: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    document = await ingested(app)
    asked: list[int] = []
    viewer = app.context.viewer
    assert viewer is not None
    draw = viewer.picture

    async def counted(path: Path, media_type: str, page: int, width: int) -> bytes:
        asked.append(page)
        return await draw(path, media_type, page, width)

    monkeypatch.setattr(viewer, "picture", counted)
    first, again = [await operator.get(f"/documents/{document.id}/pages/1.png?width=90") for _ in range(2)]
    assert (first.content, asked) == (again.content, [1])


class Elsewhere:
    """A spool whose bytes are on no local disk; it counts how often they are read, or fails."""

    def __init__(self, data: bytes, error: Exception | None = None) -> None:
        self.data, self.error, self.reads = data, error, 0

    async def content(self, document: Document) -> Content:
        return Content(size=len(self.data), sha256="", media_type="", stream=self.stream)

    async def stream(self) -> AsyncIterator[bytes]:
        self.reads += 1
        if self.error:
            raise self.error
        yield self.data


async def test_bytes_from_elsewhere_are_read_once_for_all_pages(
    app: App, operator: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    document, elsewhere = await ingested(app), Elsewhere(TWO_PAGES)
    monkeypatch.setattr(app.context.spool, "content", elsewhere.content)
    for path in ("pages", "pages/1.png?width=50", "pages/2.png?width=50", "text?page=1"):
        assert (await operator.get(f"/documents/{document.id}/{path}")).status_code == 200
    assert elsewhere.reads == 1


async def test_pages_of_what_was_delivered_to_a_folder_alone_are_shown(app: App, tmp_path: Path) -> None:
    document = await ingested(app)
    (tmp_path / "delivered.pdf").write_bytes(TWO_PAGES)
    await changed(app, document, content=f"folder://{tmp_path}/delivered.pdf")
    there = replace(app, context=replace(app.context, sources={"folder": FolderSource()}))
    async with there.opened(), operator_of(there) as operator:
        answer = await operator.get(f"/documents/{document.id}/pages/2.png?width=90", headers=AUTH)
        assert answer.headers["content-type"] == "image/png"
        (tmp_path / "delivered.pdf").unlink()
        kept = await operator.get(f"/documents/{document.id}/pages/1.png?width=90", headers=AUTH)
        assert kept.status_code == 200


@pytest.mark.aws
async def test_pages_of_what_is_in_s3_are_shown_with_sqlite(tmp_path: Path, local_aws: LocalAws) -> None:
    local_aws.client("s3").create_bucket(Bucket="seen")
    app = an_app(tmp_path, store=SqliteStore(tmp_path / "mailroom.db", lambda: NOW))
    app = replace(app, context=replace(app.context, spool=S3Spool("s3://seen/documents/", local_aws.aws)))
    async with app.opened(), operator_of(app) as operator:
        document = await ingested(app)
        for path in ("pages", "pages/2.png?width=90", "text?page=2"):
            assert (await operator.get(f"/documents/{document.id}/{path}", headers=AUTH)).status_code == 200
        await app.context.spool.release(document.content)
        other = replace(app, context=replace(app.context, copies=LocalCopies()))
        async with operator_of(other) as later:
            answer = await later.get(f"/documents/{document.id}/pages", headers=AUTH)
            assert error_of(answer)[:2] == (410, "gone")


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (FileGone("/secret/path"), 410, "gone"),
        (AccessDenied("the role may not read it"), 422, "not_viewable"),
        (Unroutable("there is no such bucket"), 422, "not_viewable"),
        (KeyRefused("the key is not accepted"), 422, "not_viewable"),
        (CloudBusy("later"), 503, "cloud_busy"),
    ],
)
async def test_what_cannot_be_read_now_says_so(
    error: Exception, status: int, code: str, app: App, operator: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = await ingested(app)
    monkeypatch.setattr(app.context.spool, "content", Elsewhere(TWO_PAGES, error).content)
    for path in ("pages", "content"):
        assert error_of(await operator.get(f"/documents/{document.id}/{path}"))[:2] == (status, code)
    pieces = {"pieces": [{"pages": "1-2"}]}
    await changed(app, document, state=DocumentState.REVIEW, step=Step.SETTLED)
    assert error_of(await operator.post(f"/documents/{document.id}/pieces", json=pieces))[:2] == (status, code)


async def test_what_cannot_be_read_now_is_not_unlocked(
    app: App, operator: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = await ingested(app, locked())
    monkeypatch.setattr(app.context.spool, "content", Elsewhere(locked(), AccessDenied("it may not be read")).content)
    answer = await operator.post(f"/documents/{document.id}/unlock", json={"password": "secret"})
    assert error_of(answer) == (422, "not_viewable", "its bytes cannot be read: it may not be read")


async def test_a_link_does_not_tell_its_holder_why_the_bytes_cannot_be_read(
    app: App, operator: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = await ingested(app)
    denied = AccessDenied("role arn:aws:iam::1:role/mailroom may not read it")
    monkeypatch.setattr(app.context.spool, "content", Elsewhere(TWO_PAGES, denied).content)
    assert "role/mailroom" in error_of(await operator.get(f"/documents/{document.id}/content"))[2]
    link = (await operator.get(f"/documents/{document.id}/link")).json()["url"]
    status, code, said = error_of(await operator.get(link))
    assert (status, code, "role/mailroom" in said) == (422, "not_viewable", False)


class Counting:
    """A viewer that draws when it is told to, and counts how often."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error, self.drawn = error, 0
        self.begun, self.go = asyncio.Event(), asyncio.Event()

    async def picture(self, path: Path, media_type: str, page: int, width: int) -> bytes:
        self.drawn += 1
        self.begun.set()
        await self.go.wait()
        if self.error:
            raise self.error
        return b"png"


@pytest.mark.parametrize(
    ("error", "status", "drawn"),
    [(None, 200, 1), (NotViewable("it took longer than 15 seconds"), 422, 1), (Transient("later"), 503, 5)],
)
async def test_a_picture_that_many_ask_for_is_drawn_once_even_if_it_cannot_be(
    error: Exception | None, status: int, drawn: int, app: App
) -> None:
    viewer = Counting(error)
    other = replace(app, context=replace(app.context, viewer=cast("Viewer", viewer)))
    async with app.opened(), operator_of(other) as operator:
        path = f"/documents/{(await ingested(app)).id}/pages/1.png"
        asked = [asyncio.create_task(operator.get(path, headers=AUTH)) for _ in range(4)]
        await viewer.begun.wait()
        viewer.go.set()
        answers = [*await asyncio.gather(*asked), await operator.get(path, headers=AUTH)]
    assert ([answer.status_code for answer in answers], viewer.drawn) == ([status] * 5, drawn)


async def test_a_packet_is_cut_as_a_person_asks(app: App, operator: httpx.AsyncClient) -> None:
    packet = await changed(app, await ingested(app, packet=True), state=DocumentState.REVIEW, step=Step.SETTLED)
    body = {"pieces": [{"pages": "1", "type": "invoice"}, {"pages": "2"}], "who": "ann"}
    answer = await operator.post(f"/documents/{packet.id}/pieces", json=body)
    assert answer.status_code == 202
    (cut,) = answer.json()["cuts"]
    assert (cut["by"], [(item["pages"], item["category"]) for item in cut["pieces"]]) == (
        "ann",
        [([1], "invoice"), ([2], "")],
    )
    task = await app.context.store.get(Task, f"cut:{packet.id}:hand-1")
    assert task is not None
    assert task.state is TaskState.READY
    assert error_of(await operator.post(f"/documents/{packet.id}/pieces", json=body))[:2] == (409, "not_allowed")
    cut_once = await app.context.store.get(Document, packet.id)
    assert cut_once is not None
    await changed(app, cut_once, state=DocumentState.REVIEW)
    answer = await operator.post(f"/documents/{packet.id}/pieces", json={"merge": "1-2"})
    assert [item["pages"] for item in answer.json()["cuts"][-1]["pieces"]] == [[1, 2]]


@pytest.mark.parametrize("asked", [{"merge": "1-2"}, {"pieces": [{"pages": "1-2"}]}])
async def test_a_cut_that_was_marked_on_an_earlier_version_is_refused_and_changes_nothing(
    asked: dict[str, Any], app: App, operator: httpx.AsyncClient
) -> None:
    packet = await changed(app, await ingested(app, packet=True), state=DocumentState.REVIEW, step=Step.SETTLED)
    path, report = f"/documents/{packet.id}/pieces", f"/documents/{packet.id}"
    seen = (await operator.get(report)).json()["version"]
    first = {"pieces": [{"pages": "1"}, {"pages": "2"}], "version": seen}
    cut = (await operator.post(path, json=first)).json()
    assert [item["pages"] for item in cut["cuts"][-1]["pieces"]] == [[1], [2]]
    await changed(app, packet, state=DocumentState.REVIEW)
    before = await app.context.store.get(Document, packet.id)
    assert error_of(await operator.post(path, json=asked | {"version": seen}))[:2] == (409, "conflict")
    assert await app.context.store.get(Document, packet.id) == before
    now = (await operator.get(report)).json()["version"]
    assert (await operator.post(path, json=asked | {"version": now})).status_code == 202


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"pieces": [{"pages": "1-2"}], "version": "7"}, "version is the number"),
        ({"pieces": [{"pages": "1-2"}], "version": True}, "version is the number"),
        ({"merge": "1-2", "version": None}, "version is the number"),
        ({}, "give either pieces or merge"),
        ({"pieces": [{"pages": "1"}], "merge": "1"}, "give either pieces or merge"),
        ({"pieces": [], "who": "ann"}, "pieces is a list of pieces"),
        ({"pieces": [{"pages": [1, 2]}]}, "pages are a text"),
        ({"pieces": [{"pages": "1-"}]}, "is not a page list"),
        ({"pieces": [{"pages": "1-1000000"}, {"pages": "1-9"}]}, "the pieces name more than 1000000 pages"),
        ({"pieces": [{"pages": "1"}]}, "letter.pdf has 2 pages: no piece holds page 2"),
        ({"pieces": [{"pages": "1-2"}, {"pages": "2"}]}, "page 2"),
        ({"pieces": [{"pages": "1-2", "type": "novel"}]}, "no route takes type 'novel'"),
        ({"pieces": [{"pages": "1-2", "type": 7}]}, "a type is a text of 1 to 200 characters"),
        ({"pieces": [{"pages": "1-2", "kind": "invoice"}]}, "a piece has pages, and may have a type"),
        ({"merge": "1-2"}, "there is nothing to merge"),
    ],
)
async def test_a_cut_that_does_not_add_up_is_refused_and_changes_nothing(
    body: dict[str, Any], message: str, app: App, operator: httpx.AsyncClient
) -> None:
    packet = await changed(app, await ingested(app, packet=True), state=DocumentState.REVIEW, step=Step.SETTLED)
    before = await app.context.store.get(Document, packet.id)
    status, code, said = error_of(await operator.post(f"/documents/{packet.id}/pieces", json=body))
    assert (status, code) == (400, "malformed")
    assert message in said
    assert await app.context.store.get(Document, packet.id) == before


@pytest.mark.parametrize(
    ("state", "data", "why"),
    [
        (DocumentState.OPEN, TWO_PAGES, "is still being processed"),
        (DocumentState.REVIEW, locked(), "the packet cannot be cut: it is locked with a password"),
    ],
)
async def test_what_cannot_be_cut_is_refused(
    state: DocumentState, data: bytes, why: str, app: App, operator: httpx.AsyncClient
) -> None:
    document = await changed(app, await ingested(app, data), state=state)
    answer = await operator.post(f"/documents/{document.id}/pieces", json={"pieces": [{"pages": "1"}]})
    assert error_of(answer)[:2] == (409, "not_allowed")
    assert why in error_of(answer)[2]


async def test_what_has_lost_its_bytes_is_not_cut(app: App, operator: httpx.AsyncClient) -> None:
    document = await changed(app, await ingested(app), state=DocumentState.REVIEW)
    await app.context.spool.release(document.content)
    answer = await operator.post(f"/documents/{document.id}/pieces", json={"pieces": [{"pages": "1"}]})
    assert error_of(answer)[:2] == (410, "gone")
