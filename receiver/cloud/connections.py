"""Connections to LlamaCloud: a client with one connection for each request in progress.

httpcore asks the system about every idle connection of a pool, twice for each request. In a pool for all requests that
was a third of what a request cost, and it grew with their number.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial

import httpx

AT_ONCE = 50
ONE = httpx.Limits(max_keepalive_connections=1)


class Connections:
    """Clients for the loop that makes this; AT_ONCE of them at most."""

    def __init__(self, headers: Mapping[str, str], transport: httpx.AsyncBaseTransport | None = None) -> None:
        verify = True if transport else httpx.create_ssl_context()  # reads the certificates once, not for each client
        self._made = partial(httpx.AsyncClient, headers=headers, transport=transport, verify=verify)
        self._room = asyncio.Semaphore(AT_ONCE)
        self._idle: list[httpx.AsyncClient] = []
        self._busy: set[httpx.AsyncClient] = set()
        self.downloads = self._made()
        """For answers that outlast their request."""

    @asynccontextmanager
    async def one(self) -> AsyncIterator[httpx.AsyncClient]:
        """A client that nobody else uses during the block, preferably the one that was used last."""
        async with self._room:
            client = self._idle.pop() if self._idle else self._made(limits=ONE)
            self._busy.add(client)
            try:
                yield client
            finally:
                self._busy.discard(client)
                self._idle.append(client)

    async def close(self) -> None:
        """Closes all connections, also those in use."""
        for client in (*self._idle, *self._busy, self.downloads):
            await client.aclose()
