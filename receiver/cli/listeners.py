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
    public: socket.socket | None
    """None where LlamaCloud can reach nobody."""
    operator: socket.socket | None
    """None if the operator's side is disabled."""


@contextlib.contextmanager
def listening(public: Place, operator: Place | None) -> Iterator[Listeners]:
    """Both sockets, for the duration of the block. Raises Misconfigured if an address is in use or not local."""
    with contextlib.ExitStack() as opened:
        outside = opened.enter_context(
            listen(*public, fix="choose another --port, or a --host that belongs to this machine")
        )
        narrow(outside)
        inside = opened.enter_context(operator_listening(operator))
        yield inside._replace(public=outside)


@contextlib.contextmanager
def operator_listening(operator: Place | None) -> Iterator[Listeners]:
    """The operator's socket alone, for the duration of the block. Raises Misconfigured likewise."""
    fix = "choose another MAILROOM_OPERATOR_ADDRESS; port 0 picks a free port, an empty value turns it off"
    with contextlib.ExitStack() as opened:
        yield Listeners(None, opened.enter_context(listen(*operator, fix=fix)) if operator else None)


def listen(host: str, port: int, *, fix: str) -> socket.socket:
    """A listening socket. Raises Misconfigured if the address is in use or not local."""
    try:
        return _bound(host.removeprefix("[").removesuffix("]"), port)
    except OSError as error:
        reason = (error.strerror or str(error)).partition(" (while")[0]  # Python repeats the address
        raise Misconfigured(f"cannot listen on {host}:{port}: {reason}", fix=fix) from error


def _bound(host: str, port: int) -> socket.socket:
    """A bound socket. ``::`` also accepts IPv4, as people expect; a host name is bound at its IPv4 address."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, _, _, _, where = min(found, key=lambda item: item[0] is not socket.AF_INET)
    both = host == "::" and socket.has_dualstack_ipv6()
    return socket.create_server(where, family=family, backlog=BACKLOG, dualstack_ipv6=both)


def address_of(listener: socket.socket | None) -> str:
    """The URL at which the socket listens; "" without one."""
    if listener is None:
        return ""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
