"""Limits on connections: how many may be open, and what they may use before they send a whole request.

Without them, senders could use up all file descriptors, or hold back the end of each request.
``receiver/http/fast_path.py`` enforces these limits.
"""

import logging
import resource
import socket
from collections.abc import Collection
from typing import NamedTuple, Protocol

from receiver.http.problems import ErrorReply
from receiver.log import RateLimitedLog
from receiver.ports import Meter

OURS = 256
"""Descriptors reserved for everything but senders: store, spool, LlamaCloud, destinations."""
MOST = 1024
"""Maximum connections, however many descriptors there are: each costs 6 KB, and the unread bytes that it has sent."""
RECEIVED = 8 * 1024
"""Bytes that the kernel buffers for a connection (it uses twice as many), and so the size of one read. Events are
smaller; larger requests come from a proxy nearby."""
BACKLOG = 2048
OPERATORS = 128
UNFINISHED = 8 * 1024 * 1024
"""Bytes of unfinished heads and trailers, of all connections together."""
HEAD_BYTES = 64 * 1024
HEAD_SECONDS = 10.0
REST_SECONDS = 5
"""Seconds for which an idle connection is kept at least."""
FRAMING = 16
"""Bytes that the framing of a chunked body may add for each byte of the body."""
UNREAD = 8 * 1024
"""Bytes of a body that are buffered ahead of the application; uvicorn's 64 KiB are too many for each connection."""
PIPELINE = 16
"""Requests that may wait behind the one that is being answered."""
PIECES = 1024
"""Maximum pieces of an event's body, plus one for each PIECE_BYTES of it."""
PIECE_BYTES = 256

NOT_HTTP = ErrorReply(400, "malformed", "this is not an HTTP request")
HEAD_TOO_LARGE = ErrorReply(431, "headers_too_large", f"the request head is over {HEAD_BYTES} bytes")
HEAD_TOO_SLOW = ErrorReply(408, "too_slow", f"no complete request within {HEAD_SECONDS:g} seconds")
TOO_MANY_PIECES = ErrorReply(400, "malformed", "the body arrives in too many small pieces")

log = logging.getLogger("mailroom.http")


class Size(NamedTuple):
    """How many connections may be open, and how many may wait to be accepted; these are accepted all at once."""

    connections: int
    backlog: int


def public_size(descriptors: int) -> Size:
    """The size for the public listener of a process with so many descriptors."""
    free = _free(descriptors)
    return Size(min(MOST, free * 2 // 3), min(BACKLOG, free // 6))


def operator_size(descriptors: int) -> Size:
    """The size for the operator's listener; the public one cannot use up its connections."""
    free = _free(descriptors)
    return Size(min(OPERATORS, free // 12), min(OPERATORS, free // 24))


def descriptors() -> int:
    """How many file descriptors this process may have."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def narrow(listener: socket.socket) -> None:
    """Limits what the kernel buffers for each connection that this listener accepts."""
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVED)


def _free(descriptors: int) -> int:
    return max(descriptors - OURS, descriptors // 4)


class Connection(Protocol):
    """A connection."""

    @property
    def idle_since(self) -> float | None:
        """Since when it has been idle, or the rest of a request is missing; None while a request is processed."""
        ...

    def hang_up(self) -> None: ...


class ConnectionLimits:
    """The limits that the connections of one listener share."""

    def __init__(self, connections: int, *, listener: str, meter: Meter, unfinished: int = UNFINISHED) -> None:
        self.connections = connections
        self._listener = listener
        self._meter = meter
        self._limit = unfinished
        self._unfinished = 0
        self._full = RateLimitedLog(log, logging.WARNING, "connections.full", listener=listener, limit=connections)
        self._refusals: dict[str, RateLimitedLog] = {}

    def enforce(self, connections: Collection[Connection]) -> None:
        """If too many connections are open, closes a sixteenth of them: those that have been idle longest."""
        if len(connections) <= self.connections:
            return
        idle = [(since, item) for item in connections if (since := item.idle_since) is not None]
        idle.sort(key=lambda pair: pair[0])
        closed = [item for _, item in idle[: len(connections) - self.connections + self.connections // 16]]
        for item in closed:
            item.hang_up()
        self._meter.count("mailroom_connections_closed", len(closed), listener=self._listener)
        self._full.log(closed=len(closed))

    def hold(self, size: int) -> bool:
        """Counts this many more bytes of unfinished heads. Returns whether there is room for them."""
        self._unfinished += size
        return self._unfinished <= self._limit

    def release(self, size: int) -> None:
        self._unfinished -= size

    def refused(self, problem: ErrorReply) -> None:
        """Logs a connection that was refused before it sent a whole request."""
        self._meter.count("mailroom_refusals", cause=problem.code)
        if problem.code not in self._refusals:
            self._refusals[problem.code] = RateLimitedLog(
                log, logging.WARNING, "connection.refused",
                listener=self._listener, cause=problem.code, status=problem.status,
            )  # fmt: skip
        self._refusals[problem.code].log()
