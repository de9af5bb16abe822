"""Checks who sends a request to the operator's side, and whether their role allows it.

Tokens are compared in constant time, and over bytes. Wrong ones are throttled by source address; requests from other
addresses are not affected.
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
from starlette.routing import Route

from receiver.bootstrap import App
from receiver.core.errors import NotAuthentic
from receiver.core.operators import Role, hash_token
from receiver.core.rate_limit import RateLimit
from receiver.http.cross_site import refuse_cross_site
from receiver.http.person import Person, address_of
from receiver.http.proxy_sign_in import ProxySignIn
from receiver.http.public_keys import KeysUnavailable
from receiver.http.roles import BY_LINK, role_of
from receiver.http.sessions import Sessions
from receiver.log import RateLimitedLog
from receiver.ports import Meter

Endpoint = Callable[[Request], Awaitable[Response]]

FREE = 10
"""Wrong tokens from one address that are checked without a delay."""
EACH_SECONDS = 6.0
"""After these, one token is checked in this many seconds."""
ADDRESSES = 4096
"""Maximum addresses to remember; the one whose last wrong token is oldest is dropped first."""
LINES = 100
"""Maximum log lines in ten seconds, so that many addresses cannot fill the disk. All wrong tokens are counted."""

KEYS_AWAY = "the keys that prove the proxy's sign-in cannot be fetched now; retry later"
CLOSED = (
    "the operator's API is disabled: neither MAILROOM_ADMIN_TOKEN nor MAILROOM_OPERATORS is set "
    "(mailroom operators add NAME)"
)

log = logging.getLogger("mailroom.http")


class WrongTokens:
    """Counts the recent wrong tokens of each address."""

    def __init__(self, meter: Meter, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._meter = meter
        self._clock = clock
        self._limit = RateLimit(burst=FREE, seconds=EACH_SECONDS, keys=ADDRESSES)
        self._slowed = RateLimitedLog(log, logging.WARNING, "auth.throttled")
        self._refused = RateLimitedLog(log, logging.WARNING, "auth.refused", lines=LINES)
        self._unknown = RateLimitedLog(log, logging.WARNING, "auth.unknown_operator", lines=LINES)

    def wait(self, address: str) -> float:
        """Seconds until a token from this address is checked. If not 0, the refusal is counted and logged."""
        seconds = self._limit.wait(_group(address), self._clock())
        if not seconds:
            return 0.0
        self._meter.count("mailroom_auth_failures", outcome="slowed")
        self._slowed.log(peer=address)
        return seconds

    def unknown(self, name: str) -> None:
        """Counts somebody whom a proxy signed in, and who is no operator."""
        self._meter.count("mailroom_auth_failures", outcome="unknown")
        self._unknown.log(who=name)

    def add(self, address: str, *, cause: str = "token") -> None:
        """Counts one more wrong token, or another proof that is wrong because of ``cause``."""
        self._limit.add(_group(address), self._clock())
        self._meter.count("mailroom_auth_failures", outcome="refused")
        self._refused.log(peer=address, cause=cause)


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


class Gate:
    """The one place that decides who may use which endpoint of the operator's side."""

    def __init__(self, app: App, sessions: Sessions) -> None:
        self._access, self._own_url = app.access, app.settings.operator_url
        self._wrong = WrongTokens(app.context.meter)
        self._sessions = sessions
        self._proxy = ProxySignIn(app.settings) if app.settings.sign_in else None

    def guarded(self, route: Route) -> Route:
        """The endpoint, for persons with the role that it needs. Raises LookupError for one that has no role."""
        roles = {method: role_of(method, route.path) for method in route.methods or ()}
        endpoint: Endpoint = route.endpoint

        async def checked(request: Request) -> Response:
            if route.path in BY_LINK and "token" in request.query_params:
                return await endpoint(request)
            person = await self._person(request)
            if person.ambient:
                refuse_cross_site(request, own_url=self._own_url)
            if not person.role.covers(needed := roles[request.method]):
                raise HTTPException(403, f"this takes the role {needed}; {_named(person)} has the role {person.role}")
            request.state.person = person
            answer = await endpoint(request)
            self._sessions.prolong(request, answer)
            return answer

        return Route(route.path, checked, methods=list(roles))

    async def _person(self, request: Request) -> Person:
        """Who sent it. A token comes first, because somebody put it there for this request; then the proxy's word."""
        if self._access.closed and self._proxy is None:
            raise HTTPException(403, CLOSED)
        address = address_of(request)
        given = [value for name, value in request.scope["headers"] if name == b"authorization"]
        bearer = any(value[:7].lower() == b"bearer " for value in given)
        if given and (bearer or self._proxy is None):  # oauth2-proxy adds Basic, which is not for us
            return self._by_token(given, address)
        try:
            person = await self._at_proxy(request) or await self._sessions.person(request)
        except NotAuthentic as error:
            raise self._forged(address, error.cause) from error
        except KeysUnavailable as error:
            raise HTTPException(503, KEYS_AWAY, headers={"retry-after": "10"}) from error
        if person is None:
            raise _refusal("send your token as a bearer token (MAILROOM_ADMIN_TOKEN, or that of an operator)")
        return person

    async def _at_proxy(self, request: Request) -> Person | None:
        """Whom the proxy signed in; None if there is none, or it says nothing."""
        if self._proxy is None or (name := await self._proxy.name(request)) is None:
            return None
        if (role := self._access.operators.role_at_proxy(name)) is None:
            self._wrong.unknown(name)
            raise HTTPException(403, f"{name} is no operator of this Mailroom: ask an admin (mailroom operators add)")
        return Person(name=name, role=role, ambient=True)

    def _forged(self, address: str, cause: str) -> HTTPException:
        """The refusal of a proof that is signed, and not by whom it should be: counted like a wrong token.

        Whoever has a right one gets in all the same, since a signature cannot be guessed.
        """
        if seconds := self._wrong.wait(address):
            return _too_many(seconds)
        self._wrong.add(address, cause=cause)
        return _refusal("your sign-in is not valid: sign in again (Mailroom's log says why)")

    def _by_token(self, given: list[bytes], address: str) -> Person:
        if seconds := self._wrong.wait(address):
            raise _too_many(seconds)
        scheme, _, value = given[0].partition(b" ") if len(given) == 1 else (b"", b"", b"")
        person = self._known(value.strip()) if scheme.lower() == b"bearer" else None
        if person is None:
            self._wrong.add(address)
            raise _refusal("invalid token")
        return person

    def _known(self, token: bytes) -> Person | None:
        """Whose token this is."""
        operator = self._access.operators.by_token(token)
        shared = self._access.token.reveal().encode()
        if hmac.compare_digest(token, shared) and shared:
            return Person(name="", role=Role.ADMIN, credential=hash_token(token))
        if operator is None:
            return None
        return Person(name=operator.name, role=operator.role, credential=operator.token_sha256)


def _named(person: Person) -> str:
    return person.name or "this token"


def _too_many(seconds: float) -> HTTPException:
    retry = {"retry-after": str(math.ceil(seconds))}
    return HTTPException(429, "too many wrong tokens from this address; retry later", headers=retry)


def _refusal(message: str) -> HTTPException:
    return HTTPException(401, message, headers={"www-authenticate": 'Bearer realm="mailroom"'})
