"""Kept-alive connections for deliveries: as many as are busy at once, the one used last taken first.

httpx's own pool looks at every connection and every waiting request whenever one of them ends, which made a hundred
deliveries at a time ten times slower than one. Transports follow no redirect and add no header of their own.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx


class Lanes:
    """At most `most` transports, each with one connection. Nothing connects before the first request."""

    def __init__(self, most: int) -> None:
        self._places = asyncio.Semaphore(most)
        self._idle: list[httpx.AsyncHTTPTransport] = []
        self._all: list[httpx.AsyncHTTPTransport] = []

    @asynccontextmanager
    async def one(self) -> AsyncIterator[httpx.AsyncHTTPTransport]:
        """A transport that nobody else uses meanwhile; waits for one when all are busy."""
        async with self._places:
            lane = self._idle.pop() if self._idle else self._new()
            try:
                yield lane
            finally:
                self._idle.append(lane)

    async def close(self) -> None:
        """Close every connection."""
        for lane in self._all:
            await lane.aclose()

    def _new(self) -> httpx.AsyncHTTPTransport:
        if not self._all:
            self._tls = httpx.create_ssl_context()  # costly, so made once and only when something is sent
        lane = httpx.AsyncHTTPTransport(
            verify=self._tls,
            trust_env=False,
            limits=httpx.Limits(max_connections=1, max_keepalive_connections=1),
        )
        self._all.append(lane)
        return lane
