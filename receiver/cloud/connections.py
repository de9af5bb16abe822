"""The connections to LlamaCloud that are kept: the one that was used last is used next.

httpcore's own pool compares all connections with all requests each time; with sixteen of them that is more work than
the request. A way through a proxy needs that pool, so it is used where the environment names one.
"""

import ssl
import urllib.request
from collections.abc import AsyncIterator
from typing import Any

import httpcore
import httpx

from receiver.cloud.wire_stream import WireBackend

MOST_IDLE = 32
"""Connections that are kept while nobody uses them; more are closed."""
IDLE_SECONDS = 30.0
"""After which a connection is not used again: a server or a gateway on the way may have forgotten it."""


def open_transport() -> httpx.AsyncBaseTransport | None:
    """What an httpx client sends its requests with; None for httpx's own, which knows the environment's proxies."""
    if urllib.request.getproxies():
        return None
    transport = httpx.AsyncHTTPTransport()
    transport._pool = KeptConnections(httpx.create_ssl_context())  # type: ignore[assignment]
    return transport


class KeptConnections:
    """What httpx asks of a pool, as a stack of idle connections for each origin."""

    def __init__(self, ssl_context: ssl.SSLContext) -> None:
        self._ssl_context = ssl_context
        self._idle: dict[str, list[httpcore.AsyncHTTPConnection]] = {}

    async def handle_async_request(self, request: httpcore.Request) -> httpcore.Response:
        origin = request.url.origin
        connection = await self._taken(origin)
        try:
            response = await connection.handle_async_request(request)
        except BaseException:
            await connection.aclose()
            raise
        stream = _Returning(response.stream, connection, self._idle.setdefault(str(origin), []))
        return httpcore.Response(
            status=response.status, headers=response.headers, content=stream, extensions=response.extensions
        )

    async def _taken(self, origin: httpcore.Origin) -> httpcore.AsyncHTTPConnection:
        idle = self._idle.get(str(origin), [])
        while idle:
            connection = idle.pop()
            if connection.is_available() and not connection.has_expired():
                return connection
            await connection.aclose()
        return httpcore.AsyncHTTPConnection(
            origin, self._ssl_context, keepalive_expiry=IDLE_SECONDS, network_backend=WireBackend()
        )

    async def __aenter__(self) -> "KeptConnections":
        return self

    async def __aexit__(self, *raised: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        idle, self._idle = self._idle, {}
        for connection in (item for some in idle.values() for item in some):
            await connection.aclose()


class _Returning:
    """The body of an answer; its connection is idle when it is closed."""

    def __init__(
        self, body: Any, connection: httpcore.AsyncHTTPConnection, idle: list[httpcore.AsyncHTTPConnection]
    ) -> None:
        self._body = body
        self._connection = connection
        self._idle = idle
        self._closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._body:
            yield part

    async def aclose(self) -> None:
        if self._closed:
            return
        self._closed = True
        await self._body.aclose()
        if self._connection.is_idle() and len(self._idle) < MOST_IDLE:
            self._idle.append(self._connection)
        else:
            await self._connection.aclose()
