"""Files on their way up and down: whole, never in memory at once, and refused when they are not what was kept."""

import hashlib
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from llamacloud_sandbox.testing import start_sandbox
from receiver.cloud.client import LlamaCloud
from receiver.cloud.multipart import JOINED, Multipart
from receiver.core.delivery_request import Content
from receiver.core.errors import FileGone, StoreBusy
from tests.integration.cloud.pdf_fixtures import content
from tests.servers import ROOT, serve

pytestmark = pytest.mark.anyio


@dataclass
class Form:
    """A multipart form as another parser than ours read it."""

    fields: dict[str, str]
    file_name: str
    media_type: str
    data: bytes


@dataclass
class Intake:
    """A server that takes uploads and keeps the forms."""

    url: str
    forms: list[Form]


@pytest.fixture(scope="module")
def intake() -> Iterator[Intake]:
    forms: list[Form] = []

    async def take(request: Request) -> JSONResponse:
        async with request.form() as form:
            file: Any = form["file"]
            fields = {name: str(value) for name, value in form.items() if name != "file"}
            forms.append(Form(fields, file.filename, file.content_type, await file.read()))
        return JSONResponse({"id": "dfl-1"}, 201)

    with serve(Starlette(routes=[Route("/api/v1/beta/files", take, methods=["POST"])])) as url:
        yield Intake(url, forms)


async def upload(intake: Intake, what: Content, name: str = "letter.pdf") -> Form:
    """The form that arrived."""
    intake.forms.clear()
    cloud = LlamaCloud(intake.url, "llx-key")
    try:
        await cloud.upload(what, name=name, external_id="doc_a", purpose="classify")
    finally:
        await cloud.close()
    (form,) = intake.forms
    return form


async def test_an_upload_carries_name_purpose_our_id_and_the_bytes(intake: Intake) -> None:
    data = bytes(range(256)) * 20
    form = await upload(intake, content(data))

    assert form.fields == {"purpose": "classify", "external_file_id": "doc_a"}
    assert (form.file_name, form.media_type, form.data) == ("letter.pdf", "application/pdf", data)


async def test_an_empty_file_is_sent_as_one(intake: Intake) -> None:
    assert (await upload(intake, content(b""))).data == b""


@pytest.mark.parametrize(
    ("name", "arrives"),
    [
        ("Größe & Maß – 日本.pdf", "Größe & Maß – 日本.pdf"),
        ('a"; filename="b.exe', "a%22; filename=%22b.exe"),
        ("a\r\nX-Evil: 1.pdf", "a%0D%0AX-Evil: 1.pdf"),
    ],
)
async def test_no_name_can_break_the_form(intake: Intake, name: str, arrives: str) -> None:
    form = await upload(intake, content(b"%PDF-"), name)
    assert (form.file_name, form.fields["purpose"]) == (arrives, "classify")


async def test_no_media_type_can_break_the_form(intake: Intake) -> None:
    form = await upload(intake, content(b"%PDF-", media_type="text/plain\r\nX-Evil: 1"))
    assert form.media_type == "text/plain X-Evil: 1"
    assert (await upload(intake, content(b"", media_type=""))).media_type == "application/octet-stream"


@given(size=st.integers(0, 3 * JOINED), chunk=st.integers(1, 2 * JOINED))
async def test_small_pieces_of_a_body_leave_together(size: int, chunk: int) -> None:
    data = bytes(size)

    async def stream() -> AsyncIterator[bytes]:
        for start in range(0, size, chunk):
            yield data[start : start + chunk]

    what = Content(size=size, sha256="", media_type="application/pdf", stream=stream)
    form = Multipart({"purpose": "classify"}, name="a.pdf", content=what)
    sent = [piece async for piece in form]
    assert len(b"".join(sent)) == int(form.headers["Content-Length"])
    assert data in b"".join(sent)
    assert all(len(one) + len(other) > JOINED for one, other in pairwise(sent))
    assert len(sent) == 1 or size > JOINED // 2


@pytest.mark.parametrize("difference", [-1, 1, 3000])
async def test_bytes_that_are_not_as_many_as_were_kept_are_not_passed_off_as_the_document(
    intake: Intake, difference: int
) -> None:
    true = content(bytes(5000))
    with pytest.raises(FileGone, match="has changed"):
        await upload(intake, replace(true, size=true.size + difference))
    assert intake.forms == []


async def test_an_error_of_our_own_store_stays_what_it_is_and_the_stream_is_closed(intake: Intake) -> None:
    closed = []

    async def stream() -> AsyncIterator[bytes]:
        try:
            yield b"%PDF-"
            raise StoreBusy("the disk is away")
        finally:
            closed.append(True)

    with pytest.raises(StoreBusy, match="the disk is away"):
        await upload(intake, Content(size=5000, sha256="", media_type="application/pdf", stream=stream))
    assert closed == [True]


@pytest.mark.slow
def test_200_megabytes_go_up_and_down_in_flat_memory() -> None:
    with start_sandbox("--instant") as sandbox:
        done = subprocess.run(
            [sys.executable, "-m", "tests.integration.cloud.streaming", sandbox.url, "200"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
    grown = json.loads(done.stdout)

    assert grown["size"] == 200
    assert grown["sha256"] == hashlib.sha256(bytes(200 * 1024 * 1024)).hexdigest()
    assert grown["upload"] < 20
    assert grown["download"] < 20
