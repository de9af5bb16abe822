"""Checks the operator's token, in constant time and over bytes.

Wrong tokens are throttled by source address; requests from other addresses are not affected.
"""

import hmac
import ipaddress
import logging
import math
import time
from collections.abc import Awaitable, Callable

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from receiver.bootstrap import OperatorAccess
from receiver.core.rate_limit import RateLimit
from receiver.log import RateLimitedLog
from receiver.ports import Meter
from receiver.settings import Secret

Endpoint = Callable[[Request], Awaitable[Response]]

FREE = 10
"""Wrong tokens from one address that are checked without a delay."""
EACH_SECONDS = 6.0
"""After these, one token is checked in this many seconds."""
ADDRESSES = 4096
"""Maximum addresses to remember; the one whose last wrong token is oldest is dropped first."""
LINES = 100
"""Maximum log lines in ten seconds, so that many addresses cannot fill the disk. All wrong tokens are counted."""

log = logging.getLogger("mailroom.http")


class WrongTokens:
    """Counts the recent wrong tokens of each address."""

    def __init__(self, meter: Meter, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._meter = meter
        self._clock = clock
        self._limit = RateLimit(burst=FREE, seconds=EACH_SECONDS, keys=ADDRESSES)
        self._slowed = RateLimitedLog(log, logging.WARNING, "auth.throttled")
        self._refused = RateLimitedLog(log, logging.WARNING, "auth.refused", lines=LINES)

    def wait(self, address: str) -> float:
        """Seconds until a token from this address is checked. If not 0, the refusal is counted and logged."""
        seconds = self._limit.wait(_group(address), self._clock())
        if not seconds:
            return 0.0
        self._meter.count("mailroom_auth_failures", outcome="slowed")
        self._slowed.log(peer=address)
        return seconds

    def add(self, address: str) -> None:
        """Counts one more wrong token."""
        self._limit.add(_group(address), self._clock())
        self._meter.count("mailroom_auth_failures", outcome="refused")
        self._refused.log(peer=address)


def _group(address: str) -> str:
    """What counts as one sender: the address, the /64 network of an IPv6 one, or all of 127.0.0.0/8."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    parsed = getattr(parsed, "ipv4_mapped", None) or parsed
    if parsed.is_loopback:
        return "loopback"
    return f"{int(parsed) >> 64:x}/64" if isinstance(parsed, ipaddress.IPv6Address) else str(parsed)


def operator_only(access: OperatorAccess, wrong: WrongTokens, endpoint: Endpoint) -> Endpoint:
    """The endpoint, restricted to requests with the token; closed to all if no token is configured."""

    async def checked(request: Request) -> Response:
        _check(access.token, wrong, request)
        return await endpoint(request)

    return checked


def _check(token: Secret, wrong: WrongTokens, request: Request) -> None:
    if not token:
        raise HTTPException(403, "the operator's API is disabled: MAILROOM_ADMIN_TOKEN is not set")
    given = [value for name, value in request.scope["headers"] if name == b"authorization"]
    if not given:
        raise _refusal("send MAILROOM_ADMIN_TOKEN as a bearer token")
    address = request.client.host if request.client else ""
    if seconds := wrong.wait(address):
        retry = {"retry-after": str(math.ceil(seconds))}
        raise HTTPException(429, "too many wrong tokens from this address; retry later", headers=retry)
    scheme, _, value = given[0].partition(b" ") if len(given) == 1 else (b"", b"", b"")
    right = hmac.compare_digest(value.strip(), token.reveal().encode())
    if scheme.lower() != b"bearer" or not right:
        wrong.add(address)
        raise _refusal("invalid token")


def _refusal(message: str) -> HTTPException:
    return HTTPException(401, message, headers={"www-authenticate": 'Bearer realm="mailroom"'})
