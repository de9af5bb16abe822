"""The fast path: an event that arrives whole goes from uvicorn's parser to its response without ASGI.

ASGI's scope, task and messages are half of the cost of a request, and the rate of the webhook is what
docs/benchmarks.md measures. uvicorn also limits neither the size of a request's head, nor the time until it is
complete, nor the number of pipelined requests: one connection could hold memory, or many could hold all sockets,
without ever sending a request. ASGI has no means for either, so this module, and no other, overrides classes inside
uvicorn. These classes may change in any release. pyproject.toml therefore pins uvicorn's minor version, and importing
this module raises ImportError unless each class is the one that it was written for. ``receiver/http/server.py`` then
serves with uvicorn's own protocol.

A request that is not plain (a body in pieces, HTTP/1.0, ``Expect``, a pipelined request) takes the ordinary path
through ASGI here, too, and gets the same response.
"""

import asyncio
import hashlib
import inspect
import re
from functools import partial
from typing import cast

import uvicorn
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from receiver.core.event import Inbound
from receiver.http import limits
from receiver.http.limits import HEAD_TOO_LARGE, HEAD_TOO_SLOW, NOT_HTTP, TOO_MANY_PIECES, Connection
from receiver.http.problems import JSON, ErrorReply
from receiver.http.public import Public
from receiver.http.reply import Reply
from receiver.http.request_body import TOO_MANY
from receiver.http.server_config import ServerConfig
from receiver.http.webhook import PATH

KNOWN: dict[type, str] = {
    HttpToolsProtocol: "5fe17095b6453d94",
    RequestResponseCycle: "1ca8cccb8a2da48b",
    FlowControl: "24ade756d90eea23",
    ServerState: "8daf3a9b4e4e4245",
}
"""The classes that this module overrides, reads or writes, with the digest of their source in uvicorn 0.54.

The digest is of the source, because a method can keep its name and signature and do something else.
"""


def source_digest(cls: type) -> str:
    """A digest of all methods of this class. Raises ImportError where one has no source in Python."""
    digest = hashlib.sha256()
    for name, member in sorted(vars(cls).items()):
        if callable(member):
            try:
                digest.update(inspect.getsource(member.__code__).encode())
            except (AttributeError, OSError) as error:
                raise ImportError(f"{cls.__name__}.{name} in uvicorn {uvicorn.__version__} has no source") from error
    return digest.hexdigest()[:16]


for _class, _digest in KNOWN.items():
    if source_digest(_class) != _digest:
        raise ImportError(f"{_class.__name__} in uvicorn {uvicorn.__version__} is not the one that is known")


_PATH = PATH.encode()
_ABSOLUTE = re.compile(rb"[a-z][a-z0-9+.-]*://([^/?#]*)", re.IGNORECASE)
"""A request target that is a whole URL. Its authority is used instead of ``Host``. Source: RFC 9112, 3.2.2."""


class TooManyAtOnce(Exception):
    """Stops the parser: httptools reports the exception to uvicorn as invalid HTTP."""


class LimitedProtocol(HttpToolsProtocol):
    """One connection, with limits on the bytes and the time of an unfinished request."""

    config: ServerConfig

    _head_since: float | None = None
    _body_since: float | None = None
    _resting_since: float | None = None
    _fed = 0
    """Bytes of a body in the data that is being parsed."""
    _unfinished = 0
    """Bytes of a head, or of trailers, that has not ended."""
    _timer: asyncio.TimerHandle | None = None

    @property
    def idle_since(self) -> float | None:
        """Since when it has been idle, or the rest of a request is missing; None while a request is processed."""
        return self._head_since or self._body_since or self._resting_since

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.owes(head=True)
        self._check_time()
        self.config.limits.enforce(cast("set[Connection]", self.connections))

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._release()
        if self._timer is not None:
            self._timer.cancel()

    def hang_up(self) -> None:
        """Closes the connection without a response."""
        self.transport.abort()

    def _check_time(self) -> None:
        """Closes the connection if its head is late, or if it has been idle too long.

        One check for each connection every HEAD_SECONDS replaces a timer for each request.
        """
        now = self.loop.time()
        if self._head_since is not None and now - self._head_since >= limits.HEAD_SECONDS:
            self.refuse(HEAD_TOO_SLOW)
        elif self._resting_since is not None and now - self._resting_since >= limits.REST_SECONDS:
            self.transport.close()
        else:
            self._timer = self.loop.call_later(limits.HEAD_SECONDS, self._check_time)

    def owes(self, *, head: bool) -> None:
        """A head begins (``head``), or is complete."""
        if head and len(self.pipeline) >= limits.PIPELINE:
            raise TooManyAtOnce
        self._body_since = None if head else self._head_since
        self._head_since = self.loop.time() if head else None
        self._resting_since = None
        if self._unfinished:
            self._release()

    def rests(self) -> None:
        """No request is in progress."""
        self._resting_since = self.loop.time()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.owes(head=True)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._body_since is None:  # trailers come after the proofs were checked, and prove nothing
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self.owes(head=False)
        if (absolute := _ABSOLUTE.match(self.url)) is not None:
            self.headers[:] = [item for item in self.headers if item[0] != b"host"] + [(b"host", absolute[1])]
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._fed += len(body)
        super().on_body(body)
        cycle: RequestResponseCycle = self.cycle
        if (
            len(cycle.body) >= limits.UNREAD and not cycle.response_complete
        ):  # otherwise nobody reads the body, and uvicorn drops it
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
            self._count(len(data) - self._fed * limits.FRAMING)

    def _count(self, size: int) -> None:
        """Refuses heads, trailers and bodies that are too long."""
        if size <= 0 or self.transport.is_closing():
            return
        self._unfinished += size
        if not self.config.limits.hold(size):
            self.refuse(TOO_MANY)
        elif self._unfinished > limits.HEAD_BYTES:
            self.refuse(HEAD_TOO_LARGE)

    def _release(self) -> None:
        self.config.limits.release(self._unfinished)
        self._unfinished = 0

    def send_400_response(self, msg: str) -> None:
        self.refuse(NOT_HTTP)

    def refuse(self, problem: ErrorReply) -> None:
        """Sends the error, unless another response is being sent, and closes the connection."""
        if self.transport.is_closing():
            return
        self.config.limits.refused(problem)
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is None or cycle.response_complete:
            self.transport.write(response(Reply.of(problem), keep_alive=False))
        self.transport.close()


class FastPathProtocol(LimitedProtocol):
    """A connection on which events may take the fast path."""

    _body: list[bytes] | None = None
    """The part of an event for the fast path that has arrived."""
    _pieces = 0
    _size = 0
    """Pieces and bytes of the body that have arrived."""

    def on_message_begin(self) -> None:
        """As in uvicorn, except for the scope, which is made only when it is needed."""
        self.url = b""
        self.headers = []
        self.expect_100_continue = False
        self.owes(head=True)

    def on_header(self, name: bytes, value: bytes) -> None:
        """As in uvicorn, except for ``Expect``, which is checked once, with the rest of the head."""
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
        if self._pieces > limits.PIECES + self._size // limits.PIECE_BYTES and isinstance(self.app, Public):
            self.refuse(TOO_MANY_PIECES)
            raise TooManyAtOnce  # each piece costs us the same; a piece of one byte costs its sender six bytes
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
        answering = _Answering()
        self.cycle = answering  # type: ignore[assignment]
        assert isinstance(self.app, Public)
        inbound = Inbound(self.headers, body, self.client[0] if self.client else "")
        self.app.dispatcher.dispatch(inbound, partial(self._answer, answering))

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._body is not None and not self.transport.is_closing():
            body, self._body = self._body, None
            self._take_ordinary_way()
            for chunk in body:
                HttpToolsProtocol.on_body(self, chunk)

    def _answer(self, answering: "_Answering", reply: Reply) -> None:
        answering.response_complete = True
        if self.transport.is_closing():
            return
        self.transport.write(response(reply, keep_alive=answering.keep_alive))
        if not answering.keep_alive:
            self.transport.close()
        self.on_response_complete()

    def on_response_complete(self) -> None:
        """As in uvicorn, except for its timer: idle connections are found by a periodic check."""
        if self.pipeline or self.transport.is_closing():
            super().on_response_complete()
        else:
            self.server_state.total_requests += 1
            self.flow.resume_reading()
            self.rests()


class _Answering:
    """Stands in for uvicorn's request cycle while the fast path answers; has the attributes that uvicorn reads."""

    __slots__ = ("disconnected", "keep_alive", "response_complete")

    def __init__(self) -> None:
        self.response_complete = False
        self.disconnected = False
        self.keep_alive = True

    @property
    def message_event(self) -> "_Answering":
        return self

    def set(self) -> None:
        """Does nothing: no ASGI application waits for a message."""


def response(reply: Reply, *, keep_alive: bool) -> bytes:
    """The reply as it goes over the wire."""
    more = b"".join([b"%b: %b\r\n" % header for header in reply.headers])
    if not keep_alive and (b"connection", b"close") not in reply.headers:
        more += b"connection: close\r\n"
    head = b"content-type: %b\r\ncontent-length: %d\r\n%b\r\n" % (JSON, len(reply.body), more)
    return STATUS_LINE[reply.status] + head + reply.body
