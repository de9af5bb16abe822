"""Room for connections: how many of them may be open, and what they may hold before they have asked anything.

More connections than descriptors would lock everybody out, and each of them can keep back the end of its request.
"""

import logging
import resource
import socket
from collections.abc import Collection
from typing import NamedTuple, Protocol

from receiver.http.problems import Problem
from receiver.log import Sparing
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
    """Lets the kernel take little from each connection that this will accept."""
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVED)


def _free(descriptors: int) -> int:
    return max(descriptors - OURS, descriptors // 4)


class Waiting(Protocol):
    """A connection."""

    @property
    def idle_since(self) -> float | None:
        """Since when it has owed us the rest of a request, or asked nothing; None while a request is in our hands."""
        ...

    def hang_up(self) -> None: ...


class Room:
    """What the connections of one listener may use up together."""

    def __init__(self, most: int, *, listener: str, meter: Meter, unfinished: int = UNFINISHED) -> None:
        self._most = most
        self._listener = listener
        self._meter = meter
        self._limit = unfinished
        self._unfinished = 0
        self._full = Sparing(log, logging.WARNING, "connections.full", listener=listener, limit=most)
        self._refusals: dict[str, Sparing] = {}

    def make(self, connections: Collection[Waiting]) -> None:
        """Closes, when too many are open, those that have kept us waiting longest: a sixteenth of all at once."""
        if len(connections) <= self._most:
            return
        idle = [(since, one) for one in connections if (since := one.idle_since) is not None]
        idle.sort(key=lambda pair: pair[0])
        closed = [one for _, one in idle[: len(connections) - self._most + self._most // 16]]
        for one in closed:
            one.hang_up()
        self._meter.count("mailroom_connections_closed", len(closed), listener=self._listener)
        self._full.tell(closed=len(closed))

    def hold(self, size: int) -> bool:
        """Counts so many bytes more of what has begun and does not end; whether there is room for them."""
        self._unfinished += size
        return self._unfinished <= self._limit

    def release(self, size: int) -> None:
        self._unfinished -= size

    def refused(self, problem: Problem) -> None:
        """Tells of a connection that was refused before it had asked anything."""
        self._meter.count("mailroom_refusals", cause=problem.code)
        if problem.code not in self._refusals:
            self._refusals[problem.code] = Sparing(
                log, logging.WARNING, "connection.refused",
                listener=self._listener, cause=problem.code, status=problem.status,
            )  # fmt: skip
        self._refusals[problem.code].tell()
