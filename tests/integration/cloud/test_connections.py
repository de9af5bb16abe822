"""How often LlamaCloud is asked for one document, and over which connections."""

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from receiver.cloud.client import LlamaCloud
from receiver.cloud.connections import KEPT
from receiver.core.bulkhead import MOST_SLOW
from receiver.core.document import DocumentState
from receiver.core.errors import JobGone
from receiver.core.job import JobKind
from receiver.settings import Settings
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
@pytest.mark.parametrize("requests", [16, KEPT + 10])
async def test_connections_of_requests_at_the_same_time_are_kept_and_used_again(
    sandbox_url: str, key: str, requests: int
) -> None:
    address = urlsplit(sandbox_url)
    with a_balancer() as between:
        between.backends = [(str(address.hostname), int(address.port or 0))]
        cloud = LlamaCloud(between.url, key, patience=HASTY, job_rate=UNPACED, upload_rate=UNPACED)
        for _ in range(3):
            await asyncio.gather(*(cloud.find_file(f"nobody-{number}", sha256="0" * 64) for number in range(requests)))
        await cloud.close()
    assert between.accepted <= requests + 2 * max(0, requests - KEPT)


class HangsForSome(httpx.AsyncBaseTransport):
    """Takes requests about the jobs named ``hangs-…``, and never answers them."""

    def __init__(self) -> None:
        self.hanging = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if "hangs-" in request.url.path:
            self.hanging += 1
            await asyncio.Event().wait()
        return httpx.Response(404, json={"detail": "no such job"})


async def test_as_many_requests_as_may_hang_leave_a_connection_for_one_that_is_answered() -> None:
    """The worker lets so many submissions and fetches of results hang, while LlamaCloud answers others."""
    hanging = 2 * MOST_SLOW * Settings().concurrency
    transport = HangsForSome()
    cloud = LlamaCloud("http://llamacloud.invalid", "llx-key", transport=transport)
    held = [asyncio.create_task(cloud.job(JobKind.CLASSIFY, f"hangs-{number}")) for number in range(hanging)]
    try:
        for _ in range(100):  # turns of the loop; a few are enough
            await asyncio.sleep(0)
        assert transport.hanging == hanging
        with pytest.raises(JobGone):
            await cloud.job(JobKind.CLASSIFY, "answered")
    finally:
        for task in held:
            task.cancel()
        await asyncio.gather(*held, return_exceptions=True)
        await cloud.close()
