"""The guard on a connection: a request's head is bounded in size and time, and what is no HTTP gets JSON too.

uvicorn bounds neither the head of a request nor the time until it is there; one open connection could hold memory, or
many could hold all sockets, without ever sending a request.
"""

import asyncio

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from receiver.http.problems import JSON, Problem

HEAD_BYTES = 64 * 1024
HEAD_SECONDS = 10.0
REST_SECONDS = 5
"""For so long at least a connection is kept on which nothing is asked."""

NOT_HTTP = Problem(400, "malformed", "this is not an HTTP request")
HEAD_TOO_LARGE = Problem(431, "headers_too_large", f"the head of the request is over {HEAD_BYTES} bytes")
HEAD_TOO_SLOW = Problem(408, "too_slow", f"no whole request within {HEAD_SECONDS:g} seconds")


class GuardedProtocol(HttpToolsProtocol):
    """One connection. While it owes us the head of a request, its bytes and its time are counted."""

    _head_since: float | None = None
    _head_bytes = 0
    _resting_since: float | None = None
    _watch: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.owes(head=True)
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._watch is not None:
            self._watch.cancel()

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
        """Begins to count, or stops."""
        self._head_since = self.loop.time() if head else None
        self._head_bytes = 0
        self._resting_since = None

    def rests(self) -> None:
        """Begins to count how long nothing is asked, and nothing owed."""
        self._resting_since = self.loop.time()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.owes(head=True)

    def on_headers_complete(self) -> None:
        self.owes(head=False)
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._head_since is not None:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES:
                self.refuse(HEAD_TOO_LARGE)

    def send_400_response(self, msg: str) -> None:
        self.refuse(NOT_HTTP)

    def refuse(self, problem: Problem) -> None:
        """Answers, unless another answer is being sent, and hangs up."""
        if self.transport.is_closing():
            return
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is None or cycle.response_complete:
            head = b"content-type: %b\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % (JSON, len(problem.body))
            self.transport.write(STATUS_LINE[problem.status] + head + problem.body)
        self.transport.close()
