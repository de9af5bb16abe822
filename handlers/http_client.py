"""Requests to endpoints that the table or the alerts name. httpx and its errors stay in this module."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from receiver.core import forms
from receiver.core.connection_fault import connection_fault
from receiver.core.errors import (
    AccessDenied,
    DestinationBusy,
    MailroomError,
    Misconfigured,
    Unanswered,
    Unroutable,
)
from receiver.ports import Clock

if TYPE_CHECKING:
    import ssl

    import httpx

SECONDS = 30.0
"""For one request, with all its bytes."""
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Outbound:
    """Asks an endpoint and translates what it answers. ``what`` names it in errors: an address may hold a secret."""

    def __init__(self, *, clock: Clock = time.time, seconds: float = SECONDS) -> None:
        self._clock = clock
        self._seconds = seconds
        self._tls: ssl.SSLContext | None = None

    async def post(
        self,
        url: str,
        *,
        what: str,
        body: bytes,
        headers: Mapping[str, str],
        then: str = "; then: mailroom replay --parked",
        keep: int = 0,
    ) -> bytes:
        """The first ``keep`` bytes of the answer that accepted the body.

        Raises DestinationBusy, AccessDenied, Unroutable. ``then`` is what to do after the cause is fixed, and ends the
        error's fix.
        """
        given = {"User-Agent": "Mailroom", **headers}
        async with self._asked("POST", url, what=what, body=body, headers=given) as response:
            if not response.is_success:
                raise _refused(response, what, then, now=self._clock())
            return await _start(response, keep)

    async def ask(
        self, method: str, url: str, *, what: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> "httpx.Response":
        """The head of any answer. Raises DestinationBusy when none comes in time, Unroutable for an invalid address."""
        async with self._asked(method, url, what=what, body=body, headers=headers) as response:
            return response

    def _patience(self) -> "httpx.Timeout":
        """Connecting has a shorter limit than the whole request: an endpoint that cannot be reached has received
        nothing, and that is reported apart.
        """
        import httpx

        return httpx.Timeout(self._seconds, connect=self._seconds / 2)

    @asynccontextmanager
    async def _asked(
        self, method: str, url: str, *, what: str, body: bytes | None, headers: Mapping[str, str] | None
    ) -> "AsyncIterator[httpx.Response]":
        import httpx

        # Creating it reads all the certificates of the system, which costs more than the request.
        self._tls = self._tls or httpx.create_ssl_context()
        logging.getLogger("httpx").setLevel(logging.WARNING)  # at INFO it logs addresses
        try:
            async with (
                asyncio.timeout(self._seconds),
                httpx.AsyncClient(verify=self._tls, timeout=self._patience()) as client,
                client.stream(method, url, content=body, headers=headers) as response,
            ):
                yield response
        except TimeoutError as error:
            raise Unanswered(f"{what} did not respond within {self._seconds:.0f} seconds") from error
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise DestinationBusy(f"{what} cannot be reached: {connection_fault(error)}") from error
        except (httpx.LocalProtocolError, UnicodeEncodeError):
            reason = f"{what} cannot be called: a header or the address has characters that HTTP does not allow"
            raise Unroutable(reason, fix="correct it in mailroom.yaml") from None  # its text may contain a secret
        except httpx.TransportError as error:
            raise Unanswered(f"{what} did not respond: {connection_fault(error)}") from error
        except httpx.InvalidURL as error:
            raise Unroutable(f"{what} is not a valid address", fix="correct it in mailroom.yaml") from error


async def _start(response: "httpx.Response", keep: int) -> bytes:
    """The first bytes of an answer, which may be endless."""
    found = b""
    if keep:
        async for chunk in response.aiter_bytes():
            found += chunk
            if len(found) >= keep:
                break
    return found[:keep]


def without_secrets(url: str) -> str:
    """The address without user, password, query and fragment, which may contain keys."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def without_path(url: str) -> str:
    """Scheme and host, and nothing more: the path may contain a key, too."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def private(url: str) -> bool:
    """Whether nobody on the network can read what is sent there: https, or this machine; False for an invalid URL."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return bool(parts.hostname) and (parts.scheme == "https" or parts.hostname in LOOPBACK)


def refuse_unclean(url: str, what: str) -> None:
    """Raises Misconfigured, showing nothing of it, for an address that is no plain URL, or not private.

    A password with ``/``, ``?`` or ``#`` in it ends the host before its time: the rest of it would pass for a port or a
    path.
    """
    try:
        parts = forms.url(url, example="https://ops.example.com/alerts")
    except forms.Wrong as error:
        raise Misconfigured(f"{what}: the address {error}", fix=error.fix) from None
    if "@" in parts.netloc or "#" in url or (parts.port and "@" in url):
        fix = "give user and password as a header; write %40 for an @ in the path, and leave out what follows a #"
        raise Misconfigured(f"{what}: the address holds a user, a password or a fragment", fix=fix)
    if not private(url):
        raise Misconfigured(f"{what}: needs an https:// address (http:// to this machine only)")


def _refused(response: "httpx.Response", what: str, then: str, *, now: float) -> MailroomError:
    """The error of an answer that is not 2xx: try later, never, or check the secret."""
    from receiver.cloud.refusal import retry_after

    status = response.status_code
    reason = f"{what} returned {status} {response.reason_phrase}".rstrip()
    if status in {408, 425, 429} or status >= 500:
        return DestinationBusy(reason, retry_after=retry_after(response, now=now))
    if status in {401, 403}:
        return AccessDenied(reason, fix=f"check that both sides use the same secret{then}")
    if status == 410:
        return Unroutable(reason, fix="it accepts no more messages: remove it from mailroom.yaml")
    if response.has_redirect_location:
        return Unroutable(f"{reason}, and redirects are not followed", fix="write the new address in mailroom.yaml")
    return Unroutable(reason, fix=f"check what the endpoint expects{then}")
