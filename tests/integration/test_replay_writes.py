"""Replay writes nothing twice: counted at the server, behind the product, in front of the local AWS."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from handlers.demo.local_aws import LocalAws
from handlers.destinations.s3 import S3
from handlers.destinations.sqs import Sqs
from receiver.aws.boto import Aws
from receiver.core.document import DocumentState
from receiver.core.plan import Target
from receiver.operations.replay import ReplayFilter, carry_out, foreseen, selected_documents
from tests.in_memory_app import TABLE, InMemoryApp
from tests.servers import serve

pytestmark = [pytest.mark.anyio, pytest.mark.aws]
SENDS = ("AmazonSQS.SendMessage", "AmazonSQS.SendMessageBatch")


class Counting:
    """Hands every request on to the local AWS, and counts the writes that were carried out."""

    def __init__(self, endpoint: str) -> None:
        self.writes: Counter[str] = Counter()
        self.aws = httpx.Client(base_url=endpoint, timeout=30, trust_env=False)

    async def __call__(self, request: Request) -> Response:
        headers = {name: value for name, value in request.headers.items() if name not in ("host", "content-length")}
        path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        ask = partial(self.aws.request, request.method, path, headers=headers, content=await request.body())
        answer = await asyncio.to_thread(ask)
        target = request.headers.get("x-amz-target", "")
        if answer.is_success and (request.method in ("PUT", "DELETE") or target in SENDS):
            self.writes[target or f"{request.method} {request.url.path}"] += 1
        kept = {name: value for name, value in answer.headers.items() if name.lower() not in HOP}
        return Response(b"" if request.method == "HEAD" else answer.content, answer.status_code, kept)


HOP = {"connection", "transfer-encoding", "content-encoding", "date", "server"}


@pytest.fixture
def counting(local_aws: LocalAws) -> Iterator[tuple[Counting, str]]:
    counting = Counting(local_aws.endpoint)
    routes = [Route("/{path:path}", counting.__call__, methods=["GET", "HEAD", "PUT", "POST", "DELETE"])]
    with counting.aws, serve(Starlette(routes=routes)) as url:
        yield counting, url


async def test_a_replay_of_what_is_delivered_writes_nothing(
    tmp_path: Path, local_aws: LocalAws, counting: tuple[Counting, str]
) -> None:
    counted, url = counting
    bucket, queue = "replayed-mail", "replayed.fifo"
    local_aws.make([Target(url=f"s3://{bucket}/"), Target(url=f"sqs://{queue}")])
    app = InMemoryApp(
        tmp_path, TABLE.replace("bytes://invoices/", f"s3://{bucket}/in/").replace("words://invoices", f"sqs://{queue}")
    )
    aws = Aws(credentials=local_aws.credentials, endpoint_url=url)
    app.context = replace(app.context, destinations={**app.context.destinations, "s3": S3(aws), "sqs": Sqs(aws)})
    document = await app.routed("invoice")
    first = counted.writes.total()
    for _ in range(2):
        wanted = ReplayFilter(ids=(document.id,))
        async for item in selected_documents(wanted, app.context):
            assert await carry_out(await foreseen(item, wanted, app.context), app.context)
        await app.work()
    aws.close()
    assert first == 3, counted.writes  # the document, its manifest, and the message
    assert counted.writes.total() == first
    assert (await app.document(document.id)).state is DocumentState.ROUTED
