"""What a link in a message opens, over HTTP: the document, its manifest, and nothing else."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import httpx
import jsonschema
import pytest

from receiver.bootstrap import App, open_links
from receiver.core.delivery_request import Content
from receiver.core.document import Document
from receiver.core.links import ContentLinks
from receiver.core.retention import DAY
from receiver.pipeline.ingest import IncomingFile, ingest
from scripts.reference.schemas import manifest as schema
from tests.builders import NOW
from tests.receivers import ADMIN_TOKEN, an_app, operator_of

pytestmark = pytest.mark.anyio
URL = "http://mail"
DATA = b"%PDF-1.7 " + bytes(range(256)) * 5000
NAME = 'Rechnung \u202e "5"; März.pdf'


async def pieces(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def taken_in(app: App, name: str = NAME, data: bytes = DATA) -> Document:
    taken = await ingest(IncomingFile(name=name, kind="upload", source=pieces(data), locator=name), app.context)
    document = await app.context.store.get(Document, taken.document.id)
    assert document is not None
    return document


def linked(folder: Path) -> App:
    app = an_app(folder, documents_url="http://127.0.0.1:8081")
    links = open_links(app.settings)
    assert links is not None
    links.base = URL
    return replace(app, context=replace(app.context, links=links))


def links_of(app: App) -> ContentLinks:
    assert app.context.links is not None
    return app.context.links


@pytest.fixture
def app(tmp_path: Path) -> App:
    return linked(tmp_path)


@pytest.fixture
async def consumer(app: App) -> AsyncIterator[httpx.AsyncClient]:
    """Has no token of the operator's."""
    async with operator_of(app) as client:
        yield client


async def test_a_link_downloads_the_document_byte_for_byte(app: App, consumer: httpx.AsyncClient) -> None:
    document = await taken_in(app)
    url, _ = links_of(app).made(document.id, now=NOW)
    answer = await consumer.get(url)
    assert (answer.status_code, answer.content) == (200, DATA)
    assert (answer.headers["content-length"], answer.headers["etag"]) == (str(len(DATA)), f'"{document.sha256}"')
    name = quote("Rechnung _5__ März.pdf", safe="")
    assert answer.headers["content-disposition"] == f"attachment; filename*=UTF-8''{name}"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert "no-store" in answer.headers["cache-control"]


async def test_a_link_opens_the_manifest_which_is_what_its_schema_says(app: App, consumer: httpx.AsyncClient) -> None:
    document = await taken_in(app)
    _, url = links_of(app).made(document.id, now=NOW)
    said = (await consumer.get(url)).json()
    assert (said["document_id"], said["sha256"], said["location"]) == (document.id, document.sha256, "")
    fields = dict(schema()["properties"])
    decided = {**schema(), "properties": {**fields, "decision": {"type": ["object", "null"]}}}
    jsonschema.validate(said, decided)


async def test_a_link_opens_no_other_document_and_nothing_after_its_time(app: App, consumer: httpx.AsyncClient) -> None:
    item, other = await taken_in(app), await taken_in(app, "other.pdf", b"%PDF other")
    url, _ = links_of(app).made(item.id, now=NOW)
    late, _ = links_of(app).made(item.id, now=NOW - 7 * DAY - 1)
    empty = f"{URL}/documents/{item.id}/content?token="
    for wrong in (url.replace(item.id + "/", other.id + "/", 1), late, url[:-1], empty):
        answer = await consumer.get(wrong)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")
        assert b"%PDF" not in answer.content


async def test_the_token_of_a_link_opens_nothing_of_the_operators(app: App, consumer: httpx.AsyncClient) -> None:
    document = await taken_in(app)
    token = links_of(app).made(document.id, now=NOW)[0].partition("token=")[2]
    for path in ("/documents", f"/documents/{document.id}", "/tasks", "/overview"):
        assert (await consumer.get(f"{path}?token={token}")).status_code == 401
        assert (await consumer.get(path, headers={"Authorization": f"Bearer {token}"})).status_code == 401


async def test_the_operator_opens_every_document_and_nobody_else_without_a_link(
    app: App, consumer: httpx.AsyncClient
) -> None:
    document = await taken_in(app)
    path = f"/documents/{document.id}/content"
    assert (await consumer.get(path)).status_code == 401
    answer = await consumer.get(path, headers={"Authorization": f"Bearer {ADMIN_TOKEN}"})
    assert (answer.status_code, answer.content) == (200, DATA)


async def test_without_an_address_for_links_no_token_opens_anything(tmp_path: Path) -> None:
    served, silent = linked(tmp_path), an_app(tmp_path)
    document = await taken_in(silent)
    url, _ = links_of(served).made(document.id, now=NOW)
    async with operator_of(silent) as client:
        assert (await client.get(url)).status_code == 403


async def test_bytes_that_are_gone_are_said_to_be_gone(app: App, consumer: httpx.AsyncClient) -> None:
    document = await taken_in(app)
    await app.context.spool.release(document.content)
    url, _ = links_of(app).made(document.id, now=NOW)
    answer = await consumer.get(url)
    assert answer.status_code == 410
    assert document.id in answer.json()["error"]["message"]


async def test_a_document_that_is_not_there_is_not_found(app: App, consumer: httpx.AsyncClient) -> None:
    url, _ = links_of(app).made("doc_nowhere", now=NOW)
    assert (await consumer.get(url)).status_code == 404


async def test_what_lies_in_s3_is_downloaded_from_there(
    app: App, consumer: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = await taken_in(app)

    async def download(name: str) -> str:
        return f"https://bucket.example/{quote(name)}?X-Amz-Signature=1"

    async def content(document: Document) -> Content:
        return Content(size=1, sha256="", media_type="", stream=lambda: pieces(b""), download=download)

    monkeypatch.setattr(app.context.spool, "content", content)
    url, _ = links_of(app).made(document.id, now=NOW)
    answer = await consumer.get(url)
    assert (answer.status_code, answer.headers["location"]) == (307, await download(document.name))
    assert "no-store" in answer.headers["cache-control"]
