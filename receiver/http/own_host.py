"""Answers only requests for our own host names, where only this machine can connect.

A page in a browser on this machine may come from a stranger's name that resolves to 127.0.0.1 a moment later (DNS
rebinding). For the browser, our responses then belong to that page. The name stays in ``Host``, so it is checked. A
literal address is allowed, because nobody can point it elsewhere.
"""

import ipaddress
import re
import socket
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from receiver.http.problems import ErrorReply
from receiver.http.reply import Reply, send_reply
from receiver.settings import Settings

OTHER_HOST = ErrorReply(
    421,
    "misdirected_request",
    "the operator's API listens only on this machine and does not accept this host name: use its address or "
    "localhost, or set MAILROOM_OPERATOR_URL to its URL",
)
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^\s:@/?#\[\]]+)(:\d{1,5})?")


class OwnHost:
    """The application, for requests whose ``Host`` is an address, ``localhost`` or one of ``names``."""

    def __init__(self, app: ASGIApp, names: frozenset[str]) -> None:
        self._app = app
        self._names = names | {"localhost"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        if len(hosts) == 1 and self._is_ours(hosts[0].decode("latin-1").lower()):
            await self._app(scope, receive, send)
        else:
            await send_reply(Reply.of(OTHER_HOST), scope, send)

    def _is_ours(self, host: str) -> bool:
        found = _HOST.fullmatch(host)
        if found is None:
            return False
        name = found[1].strip("[]").removesuffix(".")
        return name in self._names or _is_address(name)


def under_own_names(app: ASGIApp, listener: socket.socket, settings: Settings) -> ASGIApp:
    """The operator's application; with the host check if its listener is reachable from this machine only."""
    if not ipaddress.ip_address(listener.getsockname()[0]).is_loopback:
        return app
    urls = (settings.operator_url, settings.documents_url)
    return OwnHost(app, frozenset(host.lower() for url in urls if (host := urlsplit(url).hostname)))


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
