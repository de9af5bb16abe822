"""Pointers that open, and documents that are copied from where they were delivered: with S3 and SQS."""

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from handlers.demo.local_aws import LocalAws
from handlers.destinations.folder import Folder
from handlers.destinations.s3 import S3
from handlers.destinations.sqs import Sqs
from handlers.sources.folder import FolderSource
from handlers.sources.s3 import S3Source
from handlers.sources.s3_spool import S3Spool
from receiver.aws.boto import Aws
from receiver.core.document import DocumentState
from receiver.core.plan import Target
from receiver.operations.expired_content import delete_content
from receiver.operations.replay import ReplayFilter, carry_out, foreseen, selected_documents
from tests.builders import a_document
from tests.in_memory_app import TABLE, InMemoryApp
from tests.integration.test_replay_writes import Counting
from tests.servers import serve

pytestmark = [pytest.mark.anyio, pytest.mark.aws]
MONTH = 31 * 86400.0
_numbers = count(1)


class Stumbling(Counting):
    """Answers 503 to the first so many objects that are put."""

    refusals = 0

    async def __call__(self, request: Request) -> Response:
        if request.method == "PUT" and self.refusals:
            self.refusals -= 1
            await request.body()
            return Response(status_code=503)
        return await super().__call__(request)


class Office:
    """An application that delivers to a bucket, a queue and a folder of its own."""

    def __init__(self, folder: Path, local_aws: LocalAws, s3: Stumbling, url: str) -> None:
        self.aws, self.s3 = Aws(credentials=local_aws.credentials, endpoint_url=url, attempts=1), s3
        self.bucket, self.queue = f"pointed-{next(_numbers)}", f"pointed-{next(_numbers)}"
        self.local_aws, self.archive = local_aws, folder / "archive"
        local_aws.make([Target(url=f"s3://{self.bucket}/"), Target(url=f"sqs://{self.queue}")])
        self.app = InMemoryApp(folder, self.table())
        self.app.context = replace(
            self.app.context,
            destinations={"s3": S3(self.aws), "sqs": Sqs(self.aws), "folder": Folder()},
            sources={"s3": S3Source(self.aws), "folder": FolderSource()},
        )

    def table(self, prefix: str = "in") -> str:
        table = TABLE.replace("bytes://invoices/", f"s3://{self.bucket}/{prefix}/")
        table = table.replace("words://invoices", f"sqs://{self.queue}")
        table = table.replace("bytes://contracts/", f"folder://{self.archive}/{prefix}/")
        return table.replace("bytes://", f"s3://{self.bucket}/other/")

    def lies(self, location: str) -> bytes:
        """What lies there, whatever the place is."""
        if location.startswith("s3://"):
            return self.local_aws.object(location)
        return Path(location.removeprefix("folder://")).read_bytes()

    def lose(self, location: str) -> None:
        """Takes a file away, behind Mailroom's back."""
        Path(location.removeprefix("folder://")).unlink()

    def messages(self) -> list[dict[str, object]]:
        return [json.loads(item["Body"]) for item in self.local_aws.messages(self.queue)]

    async def rerouted(self, prefix: str) -> list[str]:
        self.app.use(self.table(prefix))
        wanted, deeds = ReplayFilter(since=0.0, reroute=True), []
        async for document in selected_documents(wanted, self.app.context):
            planned = await foreseen(document, wanted, self.app.context)
            assert await carry_out(planned, self.app.context)
            deeds.append(planned.action)
        await self.app.work()
        return deeds


@pytest.fixture
def office(tmp_path: Path, local_aws: LocalAws) -> Iterator[Office]:
    s3 = Stumbling(local_aws.endpoint)
    routes = [Route("/{path:path}", s3.__call__, methods=["GET", "HEAD", "PUT", "POST", "DELETE"])]
    with s3.aws, serve(Starlette(routes=routes)) as url:
        office = Office(tmp_path, local_aws, s3, url)
        yield office
        office.aws.close()


async def test_one_503_at_the_first_put_and_the_message_still_points_to_the_object(office: Office) -> None:
    office.s3.refusals = 1
    document = await office.app.routed("invoice", content=b"%PDF an invoice")
    assert office.messages() == []
    office.app.later(5)
    await office.app.work()
    (message,) = office.messages()
    data = message["data"]
    assert isinstance(data, dict)
    assert (message["type"], data["pointer_state"]) == ("mailroom.document.routed", "stored")
    assert office.local_aws.object(data["pointer"]) == b"%PDF an invoice"
    assert json.loads(office.local_aws.object(data["manifest"]))["document_id"] == document.id


async def test_a_place_that_stays_broken_is_told_of_and_then_that_it_is_there(office: Office) -> None:
    office.s3.refusals = 1000
    await office.app.routed("invoice", content=b"%PDF an invoice")
    office.app.later(900)
    await office.app.work()
    office.s3.refusals = 0
    office.app.later(4 * 3600)
    await office.app.work()
    first, second = sorted(office.messages(), key=lambda item: str(item["sequence"]))
    assert [(item["type"], item["data"]["pointer_state"]) for item in (first, second)] == [  # type: ignore[index]
        ("mailroom.document.routed", "pending"), ("mailroom.document.available", "stored"),
    ]  # fmt: skip
    assert office.local_aws.object(second["data"]["pointer"]) == b"%PDF an invoice"  # type: ignore[index]
    assert first["id"] != second["id"]


@pytest.mark.parametrize("type_", ["invoice", "contract"])
async def test_what_the_spool_has_forgotten_is_copied_from_where_it_was_delivered(office: Office, type_: str) -> None:
    contents = {(await office.app.routed(type_, name=f"{n}.pdf", content=b"%d" % n)).id: b"%d" % n for n in range(3)}
    office.app.later(MONTH)
    assert (await delete_content(office.app.context))[0] == 3
    assert await office.rerouted("in") == ["nothing"] * 3
    assert await office.rerouted("elsewhere") == ["reroute"] * 3
    for document_id, content in contents.items():
        document = await office.app.document(document_id)
        assert (document.state, document.stored is not None) == (DocumentState.ROUTED, True)
        assert document.stored is not None
        assert "/elsewhere/" in document.stored.location
        assert office.lies(document.stored.location) == content
    assert office.s3.writes.total() < 24  # three of them mark the copies that count no longer


async def test_a_repetition_reads_nothing_that_is_there_and_mends_what_is_gone(office: Office) -> None:
    document = await office.app.routed("contract", content=b"%PDF a deed")
    assert document.stored is not None
    for gone in (False, True):
        if gone:
            office.lose(document.stored.location)
        now, wanted = await office.app.document(document.id), ReplayFilter(ids=(document.id,))
        assert await carry_out(await foreseen(now, wanted, office.app.context), office.app.context)
        await office.app.work()
        assert (await office.app.document(document.id)).state is DocumentState.ROUTED
        assert office.lies(document.stored.location) == b"%PDF a deed"


async def test_a_document_in_the_buckets_spool_is_downloaded_by_a_url_of_s3s_own(office: Office) -> None:
    aws = Aws(credentials=office.local_aws.credentials, endpoint_url=office.local_aws.endpoint)
    spool = S3Spool(f"s3://{office.bucket}/spool", aws)

    async def source() -> AsyncIterator[bytes]:
        yield b"%PDF a letter"

    kept = await spool.keep(source(), limit=100, owner=lambda _: "doc_a")
    document = a_document(id="doc_a", name="März.pdf", content=kept.location, sha256=kept.sha256, size=kept.size)
    download = (await spool.content(document)).download
    assert download is not None
    url = await download(document.name)
    aws.close()
    async with httpx.AsyncClient() as anybody:
        answer = await anybody.get(url)
    assert (answer.status_code, answer.content) == (200, b"%PDF a letter")
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''M%C3%A4rz.pdf"
    query = parse_qs(urlsplit(url).query)
    assert (query["X-Amz-Algorithm"], query["X-Amz-Expires"]) == (["AWS4-HMAC-SHA256"], ["300"])
