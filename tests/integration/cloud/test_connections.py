"""How often LlamaCloud is asked for one document, and over which connections."""

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from receiver.cloud.client import LlamaCloud
from receiver.cloud.connections import AT_ONCE
from receiver.core.document import DocumentState
from receiver.core.job import JobKind
from tests.balancer import a_balancer
from tests.in_memory_app import InMemoryApp
from tests.integration.cloud.conftest import HASTY, UNPACED

pytestmark = pytest.mark.anyio
INVOICE = b"INVOICE\nInvoice number 7\nLine items: 3 widgets\nTotal amount due: 120.00 EUR\n"
LOOPS = pytest.mark.parametrize("anyio_backend", [("asyncio", {"use_uvloop": uv}) for uv in (False, True)], ids=str)
"""uvloop is what `mailroom serve` runs on."""


class Counting(httpx.AsyncHTTPTransport):
    """Remembers the requests."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = list[str]()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(f"{request.method} {request.url.path}")
        return await super().handle_async_request(request)


async def ended(cloud: LlamaCloud, job_id: str) -> None:
    for _ in range(500):
        if (await cloud.job(JobKind.CLASSIFY, job_id)).status.final:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"job {job_id} does not end")


@LOOPS
async def test_a_document_costs_three_requests_over_one_connection(sandbox_url: str, key: str, tmp_path: Path) -> None:
    """One uploads it, one creates its job, one fetches the result. The look for the file, before, was a fourth."""
    app, counting, address = InMemoryApp(tmp_path), Counting(), urlsplit(sandbox_url)
    with a_balancer() as between:
        between.backends = [(str(address.hostname), int(address.port or 0))]
        cloud = LlamaCloud(between.url, key, patience=HASTY, job_rate=UNPACED, upload_rate=UNPACED, transport=counting)
        app.context.cloud = cloud
        for number in range(3):
            document = await app.submitted(name=f"{number}.txt", content=INVOICE + b"%d" % number)
            submitting = list(counting.asked)
            await ended(cloud, document.job_id)
            counting.asked.clear()
            await app.event(document.job_id)
            await app.work()
            assert (await app.document(document.id)).state is DocumentState.ROUTED
            assert [*submitting, *counting.asked] == [
                "POST /api/v1/beta/files", "POST /api/v2/classify", f"GET /api/v2/classify/{document.job_id}",
            ]  # fmt: skip
            counting.asked.clear()
        assert between.accepted == 1
        await cloud.close()


@LOOPS
@pytest.mark.parametrize(("requests", "connections"), [(16, 16), (60, AT_ONCE)])
async def test_as_many_connections_as_requests_at_the_same_time_are_kept_and_used_again(
    sandbox_url: str, key: str, requests: int, connections: int
) -> None:
    address = urlsplit(sandbox_url)
    with a_balancer() as between:
        between.backends = [(str(address.hostname), int(address.port or 0))]
        cloud = LlamaCloud(between.url, key, patience=HASTY, job_rate=UNPACED, upload_rate=UNPACED)
        for _ in range(3):
            await asyncio.gather(*(cloud.find_file(f"nobody-{number}", sha256="0" * 64) for number in range(requests)))
        await cloud.close()
    assert between.accepted <= connections
