"""The two listening sockets of a server: the public one and the operator's."""

import contextlib
import socket
from collections.abc import Iterator
from typing import NamedTuple

from receiver.core.errors import Misconfigured
from receiver.http.limits import BACKLOG, narrow

Place = tuple[str, int]
"""Host and port."""


class Listeners(NamedTuple):
    public: socket.socket
    operator: socket.socket | None
    """None where the operator's side is off."""


@contextlib.contextmanager
def listening(public: Place, operator: Place | None) -> Iterator[Listeners]:
    """Both, while the block lasts. Raises Misconfigured when an address is taken or not ours."""
    with contextlib.ExitStack() as opened:
        outside = opened.enter_context(
            listen(*public, fix="choose another --port, or a --host that belongs to this machine")
        )
        narrow(outside)
        fix = "choose another MAILROOM_OPERATOR_ADDRESS; port 0 picks a free port, an empty value turns it off"
        inside = opened.enter_context(listen(*operator, fix=fix)) if operator else None
        yield Listeners(outside, inside)


def listen(host: str, port: int, *, fix: str) -> socket.socket:
    """A listening socket. Raises Misconfigured when the address is taken or not ours."""
    try:
        return _bound(host.removeprefix("[").removesuffix("]"), port)
    except OSError as error:
        reason = (error.strerror or str(error)).partition(" (while")[0]  # Python repeats the address
        raise Misconfigured(f"cannot listen on {host}:{port}: {reason}", fix=fix) from error


def _bound(host: str, port: int) -> socket.socket:
    """``::`` takes callers of both kinds, as people expect it; of a name's addresses that of IPv4 is taken."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, _, _, _, where = min(found, key=lambda item: item[0] is not socket.AF_INET)
    both = host == "::" and socket.has_dualstack_ipv6()
    return socket.create_server(where, family=family, backlog=BACKLOG, dualstack_ipv6=both)


def address_of(listener: socket.socket) -> str:
    """Where it listens, as a URL."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
