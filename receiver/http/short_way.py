"""The short way: an event that arrives whole goes from the parser to its answer, past ASGI's scope, tasks and messages.

Half of what a request costs in uvicorn is making these; the one path that is measured (docs/benchmarks.md) needs none
of them. Whatever is not plain (a body in pieces, HTTP/1.0, ``Expect``, a second request before the first is answered)
takes the ordinary way, and gets the same answers there.
"""

from functools import partial

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from receiver.core.event import Inbound
from receiver.http.guard import GuardedProtocol, TooManyAtOnce
from receiver.http.problems import JSON, Problem
from receiver.http.public import Public
from receiver.http.reply import Reply
from receiver.http.webhook import PATH

_PATH = PATH.encode()
PIECES = 1024
"""Pieces that the body of an event may come in, and one more for each PIECE_BYTES of it."""
PIECE_BYTES = 256
CRUMBS = Problem(400, "malformed", "the body comes in too many too small pieces", ((b"connection", b"close"),))


class Answering:
    """Stands where uvicorn keeps the request that is being answered, with what it asks of that."""

    __slots__ = ("disconnected", "keep_alive", "response_complete")

    def __init__(self) -> None:
        self.response_complete = False
        self.disconnected = False
        self.keep_alive = True

    @property
    def message_event(self) -> "Answering":
        return self

    def set(self) -> None:
        """Nobody waits for a message."""


class EventProtocol(GuardedProtocol):
    """A connection on which events may take the short way."""

    _body: list[bytes] | None = None
    """What has arrived of an event that may take it."""
    _pieces = 0
    _size = 0
    """Pieces and bytes that have come of a body."""

    def on_message_begin(self) -> None:
        """What uvicorn does, but for the scope, which is made when it is known to be needed."""
        self.url = b""
        self.headers = []
        self.expect_100_continue = False
        self.owes(head=True)

    def on_header(self, name: bytes, value: bytes) -> None:
        """What uvicorn does, but for ``Expect``, which is looked at once, with the rest of the head."""
        if self._body_since is None:
            self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self._pieces = self._size = 0
        for name, value in self.headers:
            if name == b"expect" and value.lower() == b"100-continue":
                self.expect_100_continue = True
        if self.url == _PATH and self._is_plain():
            self.owes(head=False)
            self._body = []
        else:
            self._take_ordinary_way()

    def _is_plain(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        parser = self.parser
        return (
            (cycle is None or cycle.response_complete)
            and parser.get_method() == b"POST"
            and parser.get_http_version() == "1.1"
            and parser.should_keep_alive()
            and not parser.should_upgrade()
            and not self.expect_100_continue
            and not self.flow.write_paused
            and isinstance(self.app, Public)
        )

    def _take_ordinary_way(self) -> None:
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers.extend(headers)  # the scope holds this list
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._pieces += 1
        self._size += len(body)
        if self._pieces > PIECES + self._size // PIECE_BYTES and isinstance(self.app, Public):
            self.refuse(CRUMBS)
            raise TooManyAtOnce  # each piece costs us the same, and one of a byte costs its sender six
        if self._body is None:
            super().on_body(body)
        else:
            self._fed += len(body)
            self._body.append(body)

    def on_message_complete(self) -> None:
        if self._body is None:
            super().on_message_complete()
            return
        self._body_since = None
        body, self._body = b"".join(self._body), None
        answering = Answering()
        self.cycle = answering  # type: ignore[assignment]
        assert isinstance(self.app, Public)
        inbound = Inbound(self.headers, body, self.client[0] if self.client else "")
        self.app.tick.add(inbound, partial(self._answer, answering))

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._body is not None and not self.transport.is_closing():
            body, self._body = self._body, None
            self._take_ordinary_way()
            for chunk in body:
                HttpToolsProtocol.on_body(self, chunk)

    def _answer(self, answering: Answering, reply: Reply) -> None:
        answering.response_complete = True
        if self.transport.is_closing():
            return
        self.transport.write(_written(reply, keep_alive=answering.keep_alive))
        if not answering.keep_alive:
            self.transport.close()
        self.on_response_complete()

    def on_response_complete(self) -> None:
        """What uvicorn does, but for its timer: how long a connection rests is looked at now and then."""
        if self.pipeline or self.transport.is_closing():
            super().on_response_complete()
        else:
            self.server_state.total_requests += 1
            self.flow.resume_reading()
            self.rests()


def _written(reply: Reply, *, keep_alive: bool) -> bytes:
    """The reply as it goes over the wire."""
    more = b"".join([b"%b: %b\r\n" % header for header in reply.headers])
    if not keep_alive:
        more += b"connection: close\r\n"
    head = b"content-type: %b\r\ncontent-length: %d\r\n%b\r\n" % (JSON, len(reply.body), more)
    return STATUS_LINE[reply.status] + head + reply.body
