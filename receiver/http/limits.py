"""Limits on connections: how many may be open, and what each and all may use before they send a whole request.

More connections than file descriptors would lock everybody out, and each could hold back the end of its request.
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
"""Descriptors for all that is no connection of a sender's: store, spool, LlamaCloud, destinations."""
MOST = 1024
"""Connections at most, however many descriptors there are: each costs 6 KB, and what it has sent that nobody took."""
RECEIVED = 8 * 1024
"""Bytes that the kernel takes from a connection before we do (it takes twice as many), and so those of one read. Events
are smaller; what is larger comes from a proxy next door."""
BACKLOG = 2048
OPERATORS = 128
UNFINISHED = 8 * 1024 * 1024
"""Bytes of heads and trailers that have begun and do not end, of all connections together."""
HEAD_BYTES = 64 * 1024
HEAD_SECONDS = 10.0
REST_SECONDS = 5
"""Minimum seconds to keep an idle connection."""
FRAMING = 16
"""Bytes that the framing of a chunked body may take for each byte of it."""
UNREAD = 8 * 1024
"""Bytes of a body that are read ahead of whoever takes them; uvicorn's 64 KiB are too many for each connection."""
PIPELINE = 16
"""Requests that may wait behind the one that is being answered."""
PIECES = 1024
"""Pieces that the body of an event may come in, and one more for each PIECE_BYTES of it."""
PIECE_BYTES = 256

NOT_HTTP = ErrorReply(400, "malformed", "this is not an HTTP request")
HEAD_TOO_LARGE = ErrorReply(431, "headers_too_large", f"the request head is over {HEAD_BYTES} bytes")
HEAD_TOO_SLOW = ErrorReply(408, "too_slow", f"no complete request within {HEAD_SECONDS:g} seconds")
TOO_MANY_PIECES = ErrorReply(400, "malformed", "the body arrives in too many small pieces")

log = logging.getLogger("mailroom.http")


class Size(NamedTuple):
    """How many connections may be open, and how many may wait to be accepted, which happens in one go."""

    connections: int
    backlog: int


def public_size(descriptors: int) -> Size:
    """For the listener that everybody reaches, of a process with so many descriptors."""
    free = _free(descriptors)
    return Size(min(MOST, free * 2 // 3), min(BACKLOG, free // 6))


def operator_size(descriptors: int) -> Size:
    """For the operator's, of which the public one takes nothing."""
    free = _free(descriptors)
    return Size(min(OPERATORS, free // 12), min(OPERATORS, free // 24))


def descriptors() -> int:
    """How many this process may have."""
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
        """Since when it has owed us the rest of a request, or asked nothing; None while a request is in our hands."""
        ...

    def hang_up(self) -> None: ...


class ConnectionLimits:
    """What the connections of one listener may use up together."""

    def __init__(self, connections: int, *, listener: str, meter: Meter, unfinished: int = UNFINISHED) -> None:
        self.connections = connections
        self._listener = listener
        self._meter = meter
        self._limit = unfinished
        self._unfinished = 0
        self._full = RateLimitedLog(log, logging.WARNING, "connections.full", listener=listener, limit=connections)
        self._refusals: dict[str, RateLimitedLog] = {}

    def enforce(self, connections: Collection[Connection]) -> None:
        """If too many are open, closes those that have been idle longest: a sixteenth of all at once."""
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
        """Counts so many bytes more of what has begun and does not end; whether there is room for them."""
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
