"""The guard on a connection: what a request may use up before it is there, and what is no HTTP gets JSON too.

uvicorn bounds neither the head of a request nor the time until it is there, nor what follows a chunked body, nor how
many requests are sent without waiting; one open connection could hold memory, or many could hold all sockets, without
ever sending a request.
"""

import asyncio
from typing import cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from receiver.http.arriving import TOO_MANY
from receiver.http.problems import JSON, Problem
from receiver.http.room import Room, Waiting

HEAD_BYTES = 64 * 1024
HEAD_SECONDS = 10.0
REST_SECONDS = 5
"""For so long at least a connection is kept on which nothing is asked."""
FRAMING = 16
"""Bytes that the framing of a chunked body may take for each byte of it."""
UNREAD = 8 * 1024
"""Bytes of a body that are read ahead of whoever takes them; uvicorn's 64 KiB are too many for each connection."""
PIPELINE = 16
"""Requests that may wait behind the one that is being answered."""

NOT_HTTP = Problem(400, "malformed", "this is not an HTTP request")
HEAD_TOO_LARGE = Problem(431, "headers_too_large", f"the head of the request is over {HEAD_BYTES} bytes")
HEAD_TOO_SLOW = Problem(408, "too_slow", f"no whole request within {HEAD_SECONDS:g} seconds")


class Config(uvicorn.Config):
    """uvicorn's configuration, and the room that the connections have."""

    room: Room


class TooManyAtOnce(Exception):
    """Ends the reading of what was received: httptools hands it to uvicorn as bad HTTP."""


class GuardedProtocol(HttpToolsProtocol):
    """One connection. What it owes us of a request is counted, in bytes and time."""

    config: Config

    _head_since: float | None = None
    _body_since: float | None = None
    _resting_since: float | None = None
    _fed = 0
    """Bytes of a body in what is being received."""
    _unfinished = 0
    """Bytes of a head or of trailers that do not end."""
    _watch: asyncio.TimerHandle | None = None

    @property
    def idle_since(self) -> float | None:
        """Since when it has owed us the rest of a request, or asked nothing; None while a request is in our hands."""
        return self._head_since or self._body_since or self._resting_since

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.owes(head=True)
        self._look()
        self.config.room.make(cast("set[Waiting]", self.connections))

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._finish()
        if self._watch is not None:
            self._watch.cancel()

    def hang_up(self) -> None:
        """Closes it without a word."""
        self.transport.abort()

    def _look(self) -> None:
        """Hangs up when the head is late, or nothing was asked for long.

        Once in HEAD_SECONDS for a connection, instead of a timer for each request.
        """
        now = self.loop.time()
        if self._head_since is not None and now - self._head_since >= HEAD_SECONDS:
            self.refuse(HEAD_TOO_SLOW)
        elif self._resting_since is not None and now - self._resting_since >= REST_SECONDS:
            self.transport.close()
        else:
            self._watch = self.loop.call_later(HEAD_SECONDS, self._look)

    def owes(self, *, head: bool) -> None:
        """The head begins, or is there."""
        if head and len(self.pipeline) >= PIPELINE:
            raise TooManyAtOnce
        self._body_since = None if head else self._head_since
        self._head_since = self.loop.time() if head else None
        self._resting_since = None
        if self._unfinished:
            self._finish()

    def rests(self) -> None:
        """Nothing is asked, and nothing owed."""
        self._resting_since = self.loop.time()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.owes(head=True)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._body_since is None:  # trailers come when the proofs have been looked at, and prove nothing
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self.owes(head=False)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._fed += len(body)
        super().on_body(body)
        cycle: RequestResponseCycle = self.cycle
        if len(cycle.body) >= UNREAD and not cycle.response_complete:  # else nobody takes it, and it is thrown away
            self.flow.pause_reading()

    def on_message_complete(self) -> None:
        self._body_since = None
        super().on_message_complete()

    def data_received(self, data: bytes) -> None:
        self._fed = 0
        super().data_received(data)
        if self._head_since is not None:
            self._count(len(data))
        elif self._body_since is not None:
            self._count(len(data) - self._fed * FRAMING)

    def _count(self, size: int) -> None:
        """Refuses what never ends."""
        if size <= 0 or self.transport.is_closing():
            return
        self._unfinished += size
        if not self.config.room.hold(size):
            self.refuse(TOO_MANY)
        elif self._unfinished > HEAD_BYTES:
            self.refuse(HEAD_TOO_LARGE)

    def _finish(self) -> None:
        self.config.room.release(self._unfinished)
        self._unfinished = 0

    def send_400_response(self, msg: str) -> None:
        self.refuse(NOT_HTTP)

    def refuse(self, problem: Problem) -> None:
        """Answers, unless another answer is being sent, and hangs up."""
        if self.transport.is_closing():
            return
        self.config.room.refused(problem)
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is None or cycle.response_complete:
            self.transport.write(_written(problem))
        self.transport.close()


def _written(problem: Problem) -> bytes:
    more = b"".join([b"%b: %b\r\n" % header for header in problem.headers])
    head = b"content-type: %b\r\ncontent-length: %d\r\n%bconnection: close\r\n\r\n"
    return STATUS_LINE[problem.status] + head % (JSON, len(problem.body), more) + problem.body
