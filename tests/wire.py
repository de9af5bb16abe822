"""httpx over a connection of the server that ``mailroom serve`` uses, with no socket between them."""

import asyncio
from typing import Any

import httptools
import httpx
import uvicorn
from uvicorn.server import ServerState

from receiver.bootstrap import App
from receiver.http.limits import ConnectionLimits
from receiver.http.public import public_app
from receiver.http.server import server_config
from tests.sockets import PATIENCE_SECONDS


def wired(app: App) -> httpx.AsyncClient:
    """Asks the public side as a sender outside does: what is sent is parsed, and what is answered is bytes."""
    limits = ConnectionLimits(10, listener="public", meter=app.context.meter)
    config = server_config(public_app(app), limits)
    config.load()
    return httpx.AsyncClient(transport=Wire(config), base_url="http://mail")


class Wire(httpx.AsyncBaseTransport):
    """A connection for each request, and the body in one piece, unless it is sent as a stream."""

    def __init__(self, config: uvicorn.Config) -> None:
        self._config = config

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        make: Any = self._config.http_protocol_class
        protocol = make(self._config, ServerState(), {}, asyncio.get_running_loop())
        answer = Answer(request.method)
        protocol.connection_made(answer)
        try:
            await _send(request, protocol, answer)
            async with asyncio.timeout(PATIENCE_SECONDS):
                await answer.done.wait()
        finally:
            protocol.connection_lost(ConnectionError())
        return httpx.Response(answer.status, headers=answer.headers, content=answer.content)


async def _send(request: httpx.Request, protocol: Any, answer: "Answer") -> None:
    """Sends all of it, unless the answer comes first."""
    lines = [b"%b %b HTTP/1.1" % (request.method.encode(), request.url.raw_path)]
    lines += [b"%b: %b" % header for header in request.headers.raw]
    head = b"\r\n".join([*lines, b"", b""])
    assert isinstance(request.stream, httpx.AsyncByteStream)
    if "transfer-encoding" not in request.headers:
        protocol.data_received(head + b"".join([piece async for piece in request.stream]))
        return
    protocol.data_received(head)
    async for piece in request.stream:
        if answer.done.is_set():
            return
        protocol.data_received(b"%x\r\n%b\r\n" % (len(piece), piece))
        await asyncio.sleep(0)
    protocol.data_received(b"0\r\n\r\n")


class Answer(asyncio.Transport):
    """What is written on the connection, parsed."""

    def __init__(self, method: str) -> None:
        super().__init__()
        self.done = asyncio.Event()
        self.headers: list[tuple[bytes, bytes]] = []
        self.content = b""
        self.status = 0
        self._without_body = method == "HEAD"
        self._parser = httptools.HttpResponseParser(self)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._parser.feed_data(data)

    def close(self) -> None:
        self.done.set()

    def is_closing(self) -> bool:
        return self.done.is_set()

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()
        if self._without_body:
            self.done.set()

    def on_body(self, body: bytes) -> None:
        self.content += body

    def on_message_complete(self) -> None:
        self.done.set()
