"""A connection as httpcore reads and writes it, straight on the event loop.

httpcore's own way (anyio) asks the kernel about every idle connection at each request. Here the loop has told already
that a connection has ended, or that something came which nobody asked for.
"""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any, cast

import httpcore

MOST_UNREAD = 1024 * 1024
"""Bytes that wait to be read before the sender is made to wait."""


class _Protocol(asyncio.Protocol):
    """What came and was not read, and whether more can be written."""

    def __init__(self) -> None:
        self.unread = bytearray()
        self.ended = False
        self.error: Exception | None = None
        self.transport: asyncio.Transport | None = None
        self.came, self.writable = asyncio.Event(), asyncio.Event()
        self.writable.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is one, and does not say so

    def data_received(self, data: bytes) -> None:
        self.unread += data
        self.came.set()
        if len(self.unread) > MOST_UNREAD and self.transport is not None:
            self.transport.pause_reading()

    def eof_received(self) -> bool:
        self.ended = True
        self.came.set()
        return False

    def connection_lost(self, error: Exception | None) -> None:
        self.ended, self.error = True, error
        self.came.set()
        self.writable.set()

    def pause_writing(self) -> None:
        self.writable.clear()

    def resume_writing(self) -> None:
        self.writable.set()


class WireStream(httpcore.AsyncNetworkStream):
    """One open connection."""

    def __init__(self, protocol: _Protocol) -> None:
        self._protocol = protocol

    @property
    def _transport(self) -> asyncio.Transport:
        assert self._protocol.transport is not None
        return self._protocol.transport

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109  httpcore's own
        protocol = self._protocol
        with _failures(httpcore.ReadError):
            async with _within(timeout, httpcore.ReadTimeout):
                while not protocol.unread and not protocol.ended:
                    protocol.came.clear()
                    await protocol.came.wait()
            if not protocol.unread and protocol.error is not None:
                raise OSError(str(protocol.error)) from protocol.error
        some = bytes(protocol.unread[:max_bytes])
        del protocol.unread[:max_bytes]
        if len(protocol.unread) <= MOST_UNREAD and not protocol.ended:
            self._transport.resume_reading()
        return some

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109  httpcore's own
        with _failures(httpcore.WriteError):
            if self._protocol.ended and self._protocol.error is not None:
                raise OSError(str(self._protocol.error)) from self._protocol.error
            self._transport.write(buffer)
            async with _within(timeout, httpcore.WriteTimeout):
                await self._protocol.writable.wait()

    async def aclose(self) -> None:
        self._transport.close()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109  httpcore's own
    ) -> "WireStream":
        loop = asyncio.get_running_loop()
        with _failures(httpcore.ConnectError):
            async with _within(timeout, httpcore.ConnectTimeout):
                transport = await loop.start_tls(
                    self._transport, self._protocol, ssl_context, server_hostname=server_hostname
                )
        assert transport is not None
        self._protocol.transport = transport
        return self

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":
            return self._protocol.ended or bool(self._protocol.unread) or self._transport.is_closing()
        return self._transport.get_extra_info({"client_addr": "sockname", "server_addr": "peername"}.get(info, info))


class WireBackend(httpcore.AsyncNetworkBackend):
    """Opens them. TCP_NODELAY is the event loop's own habit."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  httpcore's own
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> WireStream:
        loop = asyncio.get_running_loop()
        local = (local_address, 0) if local_address else None
        with _failures(httpcore.ConnectError):
            async with _within(timeout, httpcore.ConnectTimeout):
                _, protocol = await loop.create_connection(_Protocol, host, port, local_addr=local)
        return WireStream(protocol)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@contextlib.contextmanager
def _failures(becomes: type[Exception]) -> Iterator[None]:
    try:
        yield
    except OSError as error:  # that of TLS is one, too
        raise becomes(str(error) or type(error).__name__) from error


@contextlib.asynccontextmanager
async def _within(seconds: float | None, otherwise: type[Exception]) -> AsyncIterator[None]:
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            yield
    except TimeoutError as error:
        if not limit.expired():
            raise
        raise otherwise(f"no response within {seconds} s") from error
