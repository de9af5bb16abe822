"""Sends one request to LlamaCloud: adds the key, retries briefly, and translates errors.

Tasks are retried over hours. The retries here only prevent that a cut connection or a 503 uses up one of a task's
attempts.
"""

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import httpx
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_attempt,
    stop_before_delay,
    wait_exponential_jitter,
)

from receiver import __version__
from receiver.cloud import refusal
from receiver.cloud.access import ApiKey, checked_url
from receiver.cloud.connections import Connections
from receiver.cloud.links import REDIRECTS, check_link, follow
from receiver.cloud.multipart import Multipart
from receiver.cloud.project import ProjectScope
from receiver.cloud.refusal import About, Refusal
from receiver.cloud.shared_budget import AnyPace
from receiver.core.connection_fault import connection_fault
from receiver.core.errors import CloudBusy, MailroomError
from receiver.ports import Clock

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """The timeouts of one call, in seconds.

    The vendor's SDK waits 5 seconds to connect and 60 for a response. Mailroom's timeouts are shorter, because it
    retries: a second request gets past a dead connection, while one that hangs for a minute delays others.
    """

    connect_seconds: float = 5
    look_seconds: float = 10
    """For the response to a GET, which changes nothing."""
    answer_seconds: float = 30
    upload_seconds: float = 240
    """For the response to an upload: LlamaCloud stores up to 512 MB first."""
    write_seconds: float = 20
    """For sending each chunk of a request."""
    attempts: int = 3
    first_wait_seconds: float = 0.5
    longest_wait_seconds: float = 8
    budget_seconds: float = 60
    """After this time no further attempt starts. A longer ``Retry-After`` delays the task instead."""

    def answer(self, call: "Call") -> float:
        """For the response to one attempt, or its next bytes."""
        if call.form:
            return self.upload_seconds
        return self.look_seconds if call.method == "GET" else self.answer_seconds

    def whole(self, call: "Call") -> float | None:
        """For all attempts at a call, even if bytes keep trickling in; one retry of a request that hangs fits in.
        None for an upload, which only its step limits.
        """
        return None if call.form else 2 * self.answer(call) + self.connect_seconds


UNREACHED = (
    "check LLAMA_CLOUD_BASE_URL, and this machine's network, proxy and DNS; Mailroom retries by itself while it runs"
)
"""The fix when no connection was made: LlamaCloud's own state is the least likely reason."""
ANSWER_BYTES = 32 * 1024 * 1024
"""Maximum bytes of a response that is not a file; a page of 100 jobs is much smaller."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request, and what is needed to send it and to interpret an error response."""

    method: str
    path: str
    about: About
    params: Mapping[str, Any] = field(default_factory=dict)
    json: Mapping[str, Any] | None = field(default=None, repr=False)
    form: Multipart | None = field(default=None, repr=False)
    pace: AnyPace | None = None
    repeatable: bool = True
    """False if a repetition could have an effect twice: then it is repeated only if it certainly had none."""
    organization_only: bool = False
    """Whether only the organization is sent, as in calls about projects (reference 1.9)."""
    hide: tuple[str, ...] = field(default=(), repr=False)
    """Secret values in the body, which error messages must not contain."""

    @property
    def asked(self) -> str:
        return f"{self.method} {self.path}"


class Transport:
    """Sends calls. The first one creates the connection pool, in the event loop that uses it."""

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        scope: ProjectScope = ProjectScope(),  # noqa: B008  frozen
        patience: Timeouts,
        pace: AnyPace | None = None,
        clock: Clock = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.base_url = checked_url(base_url)
        self.patience = patience
        self._key = ApiKey(api_key)
        self.scope = scope
        self._pace = pace
        """The pace of all requests, retries included; some calls also have one of their own."""
        self._clock = clock
        self._sleep = sleep
        self._transport = transport
        self._connections: Connections | None = None
        self.clock_ahead: float | None = None
        """Seconds by which LlamaCloud's clock was ahead of ours at its last response."""

    async def send(self, call: Call) -> bytes:
        """The body of a successful response. Raises our error for a failure that retries did not mend."""
        return await self.insist(call, lambda: self.attempt(call))

    async def attempt(self, call: Call) -> bytes:
        """One attempt. Raises Refusal or httpx.HTTPError, which ``insist`` handles."""
        async with call.pace.turn() if call.pace else nullcontext():
            response = await self._request(call)
        if response.is_success:
            return response.content
        if response.status_code == 429 and call.pace is not None:
            asked = refusal.retry_after(response, now=self._clock()) or self.patience.first_wait_seconds
            call.pace.hold(min(asked, self.patience.longest_wait_seconds))
        raise Refusal(response)

    async def _request(self, call: Call) -> httpx.Response:
        async with (
            self._open().one() as client,
            client.stream(
                call.method,
                self.base_url + call.path,
                params={**self.scope.params(organization_only=call.organization_only), **call.params} or None,
                json=call.json,
                content=call.form,
                headers=call.form.headers if call.form else None,
                timeout=self._timeout(self.patience.answer(call)),
                auth=self._key,
            ) as response,
        ):
            self._hold_against(response.headers.get("date", ""))
            return await _read(response, call.asked)

    def _hold_against(self, date: str) -> None:
        """Compares our clock with the ``Date`` of a response, which has whole seconds."""
        with contextlib.suppress(ValueError, OverflowError):  # no valid date
            self.clock_ahead = parsedate_to_datetime(date).timestamp() + 0.5 - self._clock()

    async def download(self, url: httpx.URL) -> httpx.Response:
        """An open response with the bytes of a presigned link, requested without the key. The caller closes it.

        Raises CloudBusy for a link that is not allowed (links.py).
        """
        for _ in range(REDIRECTS + 1):
            await check_link(url, self.base_url)
            response = await self._open_link(url)
            if response.is_success:
                return response
            try:
                response = await _read(response, f"GET {url.host}")
            finally:
                await response.aclose()
            if not response.has_redirect_location:
                raise Refusal(response)
            url = follow(url, response.headers["location"])
        raise CloudBusy(f"LlamaCloud's link to {url.host} redirects too often")

    async def _open_link(self, url: httpx.URL) -> httpx.Response:
        headers = {"Accept": "*/*", "Accept-Encoding": "identity"}
        timeout = self._timeout(self.patience.answer_seconds)
        client = self._open().downloads
        request = client.build_request("GET", url, headers=headers, timeout=timeout)
        return await client.send(request, stream=True, auth=None, follow_redirects=False)

    async def insist(self, call: Call, action: Callable[[], Awaitable[T]]) -> T:
        """The action's result, retried while its errors are temporary; then raises our error."""
        retrying = AsyncRetrying(
            retry=retry_if_exception(lambda failure: _passes(failure, repeatable=call.repeatable)),
            wait=self._wait,
            stop=stop_after_attempt(self.patience.attempts) | stop_before_delay(self.patience.budget_seconds),
            sleep=self._sleep,
            reraise=True,
        )
        try:
            # The wait for a slot, which may be long on a small plan, does not count.
            async with (
                self._pace.turn() if self._pace else nullcontext(),
                asyncio.timeout(self.patience.whole(call)) as limit,
            ):
                return await retrying(_awaited, action)
        except TimeoutError as failure:
            if not limit.expired():
                raise
            seconds = self.patience.whole(call)
            raise CloudBusy(
                f"LlamaCloud at {self.base_url} did not respond to {call.asked} within {seconds:.0f} s"
            ) from failure
        except Refusal as failure:
            raise self.translate(failure, call) from failure
        except httpx.HTTPError as failure:
            raise self.unanswered(failure, call.asked) from failure

    def translate(self, failure: Refusal, call: Call) -> MailroomError:
        """The error for a refused call, with known secrets masked."""
        hide = (self._key.known(), *call.hide)
        return refusal.error(failure.response, call.about, now=self._clock(), hide=hide)

    def unanswered(self, failure: httpx.HTTPError, asked: str) -> CloudBusy:
        """The error for a call without a (complete) response."""
        unreached = isinstance(failure, httpx.ConnectError | httpx.ConnectTimeout)
        return CloudBusy(
            f"LlamaCloud at {self.base_url} did not respond to {asked}: {connection_fault(failure)}",
            fix=UNREACHED if unreached else "",
        )

    def _wait(self, state: RetryCallState) -> float:
        """Seconds until the next attempt: what LlamaCloud asks for, or twice as long each time, with jitter."""
        failure = state.outcome.exception() if state.outcome else None
        if isinstance(failure, Refusal) and (asked := refusal.retry_after(failure.response, now=self._clock())):
            return asked
        first, longest = self.patience.first_wait_seconds, self.patience.longest_wait_seconds
        return wait_exponential_jitter(multiplier=first, max=longest, jitter=first)(state)

    def _timeout(self, answer_seconds: float) -> httpx.Timeout:
        connect, write = self.patience.connect_seconds, self.patience.write_seconds
        return httpx.Timeout(answer_seconds, connect=connect, write=write, pool=None)

    def _open(self) -> Connections:
        if self._connections is None:
            logging.getLogger("httpx").setLevel(logging.WARNING)  # at INFO it writes presigned links into the log
            headers = {"User-Agent": f"mailroom/{__version__}", "Accept": "application/json"}
            self._connections = Connections(headers, self._transport)
        return self._connections

    def renew(self, api_key: str) -> None:
        """Uses this key from now on. Raises Misconfigured."""
        self._key = ApiKey(api_key)

    async def close(self) -> None:
        """Closes the connections; a later call opens new ones."""
        connections, self._connections = self._connections, None
        if connections is not None:
            await connections.close()


async def _read(response: httpx.Response, asked: str) -> httpx.Response:
    """The response with its whole body. Raises CloudBusy if it is too long."""
    if "content-encoding" not in response.headers and _announced(response) <= ANSWER_BYTES:
        await response.aread()
        return response
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > ANSWER_BYTES:
            raise CloudBusy(f"LlamaCloud's response to {asked} is longer than {ANSWER_BYTES >> 20} MB")
    plain = [(name, value) for name, value in response.headers.raw if name.lower() not in _OF_THE_WIRE]
    return httpx.Response(response.status_code, headers=plain, content=bytes(body), request=response.request)


def _announced(response: httpx.Response) -> float:
    """The ``Content-Length`` of the response, beyond which no client reads; infinite without one."""
    length = response.headers.get("content-length", "")
    return int(length) if length.isdecimal() else math.inf


_OF_THE_WIRE = frozenset({b"content-encoding", b"content-length", b"transfer-encoding"})
"""How the body came; it is read and decoded by now."""


async def _awaited(action: Callable[[], Awaitable[T]]) -> T:
    return await action()


def _passes(failure: BaseException, *, repeatable: bool) -> bool:
    """Whether to retry. A request that may have had an effect is repeated only if that does no harm."""
    if isinstance(failure, Refusal):
        return refusal.passing(failure.response) and (repeatable or failure.response.status_code == 429)
    if isinstance(failure, httpx.ConnectError | httpx.ConnectTimeout):
        return True
    return repeatable and isinstance(failure, httpx.TransportError) and not _ours(failure)


def _ours(failure: httpx.TransportError) -> bool:
    """Whether the cause is a request of ours that cannot be sent."""
    return isinstance(failure, httpx.UnsupportedProtocol | httpx.LocalProtocolError)
