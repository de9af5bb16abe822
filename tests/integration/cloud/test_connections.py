"""How often LlamaCloud is asked for one document, and over which connections."""

import asyncio
import contextlib
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpcore
import httpx
import pytest

from receiver.cloud.client import LlamaCloud
from receiver.cloud.connections import open_transport
from receiver.cloud.wire_stream import MOST_UNREAD, WireBackend, WireStream
from receiver.core.document import DocumentState
from receiver.core.job import JobKind
from tests.in_memory_app import InMemoryApp
from tests.integration.cloud.conftest import HASTY, UNPACED

pytestmark = pytest.mark.anyio
INVOICE = b"INVOICE\nInvoice number 7\nLine items: 3 widgets\nTotal amount due: 120.00 EUR\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
LOOPS = pytest.mark.parametrize("anyio_backend", [("asyncio", {"use_uvloop": uv}) for uv in (False, True)], ids=str)
"""uvloop is what `mailroom serve` runs on."""
Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Counting(httpx.AsyncBaseTransport):
    """Passes requests on, and remembers them."""

    def __init__(self) -> None:
        through = open_transport()
        assert through is not None
        self.through, self.asked = through, list[str]()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(f"{request.method} {request.url.path}")
        return await self.through.handle_async_request(request)

    async def aclose(self) -> None:
        await self.through.aclose()


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[WireStream]:
    """The connections that are opened from now on."""
    streams, really = list[WireStream](), WireBackend.connect_tcp

    async def noted(self: WireBackend, *arguments: Any, **more: Any) -> WireStream:
        streams.append(await really(self, *arguments, **more))
        return streams[-1]

    monkeypatch.setattr(WireBackend, "connect_tcp", noted)
    return streams


async def ended(cloud: LlamaCloud, job_id: str) -> None:
    for _ in range(500):
        if (await cloud.job(JobKind.CLASSIFY, job_id)).status.final:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"job {job_id} does not end")


async def test_a_document_costs_three_requests_over_one_connection(
    sandbox_url: str, key: str, tmp_path: Path, opened: list[WireStream]
) -> None:
    """One uploads it, one creates its job, one fetches the result. The look for the file, before, was a fourth."""
    app, counting = InMemoryApp(tmp_path), Counting()
    cloud = LlamaCloud(sandbox_url, key, patience=HASTY, job_rate=UNPACED, upload_rate=UNPACED, transport=counting)
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
    assert len(opened) == 1
    await cloud.close()


@asynccontextmanager
async def served(answer: Answer, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """The address of a server that treats each connection so, until the other side ends it."""
    handling = set[asyncio.Task[None]]()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                await answer(reader, writer)
        finally:
            writer.close()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handling.add(asyncio.create_task(handle(reader, writer)))

    async with await asyncio.start_server(begin, "127.0.0.1", 0, ssl=tls) as server:
        yield f"http{'s' if tls else ''}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    await asyncio.gather(*handling)


@asynccontextmanager
async def a_client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=open_transport(), timeout=10) as client:
        yield client


@LOOPS
async def test_as_many_connections_as_requests_at_the_same_time_are_kept_and_used_again(
    opened: list[WireStream],
) -> None:
    async with served(answers) as url, a_client() as client:
        for _ in range(3):
            await asyncio.gather(*(client.get(url) for _ in range(16)))
    assert len(opened) <= 16


@LOOPS
async def test_a_connection_on_which_something_came_that_nobody_asked_for_is_not_used_again(
    opened: list[WireStream],
) -> None:
    """Some servers send 408 to who is silent, and close: it is no answer to the next request."""
    told = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await told.wait()
        writer.write(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with served(answer) as url, a_client() as client:
        assert (await client.get(url)).status_code == 200
        told.set()
        await asyncio.wait_for(opened[0]._protocol.came.wait(), 10)
        assert (await client.get(url)).status_code == 200
    assert len(opened) == 2


@LOOPS
async def test_an_answer_that_breaks_off_is_an_error_and_its_connection_is_closed(opened: list[WireStream]) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK[:-1])
        writer.close()

    async with served(answer) as url, a_client() as client:
        for _ in range(2):
            with pytest.raises(httpx.RemoteProtocolError):
                await client.get(url)
    assert len(opened) == 2


@LOOPS
async def test_a_long_answer_waits_until_it_is_read(opened: list[WireStream]) -> None:
    size = 20 * MOST_UNREAD

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        for _ in range(size // MOST_UNREAD):
            writer.write(b"x" * MOST_UNREAD)
            await writer.drain()

    async with served(answer) as url, a_client() as client, client.stream("GET", url) as response:
        most = read = 0
        async for chunk in response.aiter_bytes():
            read += len(chunk)
            most = max(most, len(opened[0]._protocol.unread))
            await asyncio.sleep(0)
    assert read == size
    assert most < 3 * MOST_UNREAD


async def test_nobody_listens_is_said_as_httpx_says_it() -> None:
    async with served(_hang_up) as url:
        pass
    async with a_client() as client:
        with pytest.raises(httpx.ConnectError):
            await client.get(url)


@LOOPS
async def test_one_who_never_answers_is_given_up(opened: list[WireStream]) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with served(answer) as url, a_client() as client:
        with pytest.raises(httpx.ReadTimeout):
            await client.get(url, timeout=httpx.Timeout(10, read=0.05))


async def _hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is missing: it makes the certificate")
    command = [
        *(
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
        ),
        *("-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"),
        *("-keyout", str(tmp_path / "both.pem"), "-out", str(tmp_path / "certificate.pem")),
    ]
    subprocess.run(command, check=True, capture_output=True)
    (tmp_path / "both.pem").write_text((tmp_path / "both.pem").read_text() + (tmp_path / "certificate.pem").read_text())
    return tmp_path


async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.readuntil(b"\r\n\r\n"):
        writer.write(OK)


@LOOPS
async def test_over_tls_a_certificate_that_is_trusted_is_asked_for_and_the_connection_is_kept(
    certificate: Path, monkeypatch: pytest.MonkeyPatch, opened: list[WireStream]
) -> None:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate / "both.pem")
    async with served(answers, tls) as url:
        async with a_client() as client:
            with pytest.raises(httpx.ConnectError, match="certificate verify failed"):
                await client.get(url)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate / "certificate.pem"))
        async with a_client() as client:
            for _ in range(3):
                assert (await client.get(url)).text == "ok"
    assert len(opened) == 2


def test_a_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.com:3128")
    assert open_transport() is None


async def test_what_is_given_to_httpx_replaces_its_pool() -> None:
    """The attribute is httpx's own affair: with another httpx this says so."""
    assert isinstance(httpx.AsyncHTTPTransport()._pool, httpcore.AsyncConnectionPool)
