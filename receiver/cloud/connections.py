"""Connections to LlamaCloud: a client with one connection for each request in progress.

httpcore asks the system about every idle connection of a pool, twice for each request. In a pool for all requests that
was a third of what a request cost, and it grew with their number.

Nothing here limits the requests in progress. The worker does (receiver/core/bulkhead.py): it tells requests that hang
from those that LlamaCloud answers. A limit here would not, and enough hanging requests would stop all others.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial

import httpx

KEPT = 50
"""Maximum idle connections; those that a peak needs beyond it are closed afterwards."""
ONE = httpx.Limits(max_keepalive_connections=1)
UNLIMITED = httpx.Limits(max_keepalive_connections=10)


class Connections:
    """Clients for the loop that makes this: as many as there are requests in progress."""

    def __init__(self, headers: Mapping[str, str], transport: httpx.AsyncBaseTransport | None = None) -> None:
        verify = True if transport else httpx.create_ssl_context()  # reads the certificates once, not for each client
        self._made = partial(httpx.AsyncClient, headers=headers, transport=transport, verify=verify)
        self._idle: list[httpx.AsyncClient] = []
        self._busy: set[httpx.AsyncClient] = set()
        self.downloads = self._made(limits=UNLIMITED)
        """For answers that outlast their request."""

    @asynccontextmanager
    async def one(self) -> AsyncIterator[httpx.AsyncClient]:
        """A client that nobody else uses during the block, preferably the one that was used last."""
        client = self._idle.pop() if self._idle else self._made(limits=ONE)
        self._busy.add(client)
        try:
            yield client
        finally:
            self._busy.discard(client)
            if len(self._idle) < KEPT:
                self._idle.append(client)
            else:
                await client.aclose()

    async def close(self) -> None:
        """Closes all connections, also those in use."""
        for client in (*self._idle, *self._busy, self.downloads):
            await client.aclose()
