"""A bad line to AWS: an HTTP proxy in front of the local AWS that fails, waits, and cuts before or after the effect.

One request per connection: simple, and a cut is then a cut.
"""

import asyncio
import contextlib
import random
import re
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from tests.chaos.letters import STANDARD

HEAD_LIMIT = 256 * 1024
EXPECT = re.compile(rb"\r\nexpect:[^\r]*\r\n", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """The chance of each fault, for each request."""

    refused: float = 0.0
    """503, and the request has no effect."""
    cut_before: float = 0.0
    """The connection is cut, and the request has no effect."""
    cut_after: float = 0.0
    """The request takes effect, and the connection is cut inside the answer."""
    late: float = 0.0
    """The request takes effect, and the answer comes too late."""
    late_seconds: float = 4.0


CALM = Trouble()


class Line:
    """The proxy. ``struck`` counts the faults, ``unanswered`` the messages and notices whose sender was not told."""

    def __init__(self, target: str, rng: random.Random) -> None:
        self._host, self._port = urlsplit(target).hostname, urlsplit(target).port
        self._rng = rng
        self.trouble = CALM
        self.struck: Counter[str] = Counter()
        self.unanswered = 0
        self.url = ""
        self._serving: set[asyncio.StreamWriter] = set()

    @contextlib.asynccontextmanager
    async def up(self) -> AsyncIterator["Line"]:
        """The proxy, listening on a free port of this machine."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=HEAD_LIMIT, backlog=512)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.close()
            for writer in self._serving:
                writer.transport.abort()
            while self._serving:  # noqa: ASYNC110 - each ends by itself; who cancels a server's handlers gets a traceback
                await asyncio.sleep(0.05)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._serving.add(writer)
        try:
            await self._answer(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client was killed, or we cut: that is what this is for
        finally:
            writer.transport.abort() if writer.is_closing() else writer.close()
            await _closed(writer)
            self._serving.discard(writer)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if b"\r\nexpect: 100-continue" in head.lower():
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = await _body(head, reader)
        fault = self._drawn()
        if fault is not None:
            self.struck[fault] += 1
        if fault == "refused":
            writer.write(b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return await writer.drain()
        if fault == "cut_before":
            return writer.transport.abort()
        answer = await self._forwarded(head, body)
        if fault in {"cut_after", "late"}:
            self.unanswered += (b"SendMessage" in head and STANDARD.encode() in body) or b"Action=Publish" in body
        if fault == "late":
            await asyncio.sleep(self.trouble.late_seconds)
        if fault == "cut_after":
            writer.write(answer[: len(answer) // 2])
            await writer.drain()
            return writer.transport.abort()
        writer.write(answer)
        return await writer.drain()

    def _drawn(self) -> str | None:
        draw = self._rng.random()
        for fault in ("refused", "cut_before", "cut_after", "late"):
            draw -= getattr(self.trouble, fault)
            if draw < 0:
                return fault
        return None

    async def _forwarded(self, head: bytes, body: bytes) -> bytes:
        """The whole answer; the request is passed on even when its sender is gone meanwhile."""
        line, _, rest = EXPECT.sub(b"\r\n", head).partition(b"\r\n")
        reader, writer = await asyncio.open_connection(self._host, self._port)
        try:
            writer.write(line + b"\r\nConnection: close\r\n" + rest + body)
            await writer.drain()
            return await reader.read()
        finally:
            writer.close()
            await _closed(writer)


async def _closed(writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        await writer.wait_closed()


async def _body(head: bytes, reader: asyncio.StreamReader) -> bytes:
    """The request's body as it came, chunks and all."""
    headers = dict(line.split(b":", 1) for line in head.lower().split(b"\r\n")[1:] if b":" in line)
    if b"chunked" in headers.get(b"transfer-encoding", b""):
        body = b""
        while not body.endswith(b"0\r\n\r\n"):
            body += await reader.readuntil(b"\r\n")
        return body
    return await reader.readexactly(int(headers.get(b"content-length", b"0")))
