"""``POST /webhooks/llamacloud``: bytes in, ``receive``, one line in the log of each, bytes out.

A plain ASGI callable, reached before Starlette's routing, because this is the path that is measured
(docs/benchmarks.md). What can be refused without reading the body is refused so; the body is bounded in size and time.
"""

import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, NamedTuple

import msgspec

from receiver.core.errors import MailroomError, NotAuthentic
from receiver.core.event import Event, Inbound
from receiver.flow.receive import Accepted, Door, receive
from receiver.http.patience import Patience
from receiver.http.problems import INTERNAL, JSON, Problem, problem_of
from receiver.log import line

PATH = "/webhooks/llamacloud"

Headers = Sequence[tuple[bytes, bytes]]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

log = logging.getLogger("mailroom.event")

METHOD = Problem(405, "method_not_allowed", "events are sent with POST", ((b"allow", b"POST"),))
TOO_SLOW = Problem(408, "too_slow", "the body did not arrive in time", ((b"connection", b"close"),))
TOO_MANY = Problem(503, "busy", "too much is arriving at once", ((b"retry-after", b"1"),))
LENGTH = Problem(400, "malformed", "content-length must be a number")
HEADERS = Problem(431, "headers_too_large", "more headers, or longer ones, than LlamaCloud sends")
TYPE = Problem(415, "unsupported_media_type", "events are application/json")
ENCODING = Problem(415, "unsupported_media_type", "a compressed body is not accepted; send it as it is")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one request may use up."""

    body: int = 10 * 1024 * 1024
    """Bytes."""
    headers: int = 100
    header_bytes: int = 32 * 1024
    """Names and values together."""
    seconds: float = 10.0
    """From the headers to the last byte of the body."""
    held: int = 128 * 1024 * 1024
    """Bytes of bodies that are arriving, of all requests together: a body is held before anything proves it."""


class _Refused(Exception):
    """A request that is refused before it is looked at."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem


class _Gone(Exception):
    """The sender hung up: there is nobody to answer."""


class Reply(NamedTuple):
    """What is answered."""

    status: int
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Webhook:
    """The webhook: ``answer`` for whoever has the whole request, and an ASGI application around it."""

    def __init__(self, door: Door, limits: Limits) -> None:
        self._door = door
        self._limits = limits
        self._held = 0
        self._patience = Patience(limits.seconds)
        self._checks = {
            b"content-length": self._wrong_length,
            b"content-type": _wrong_type,
            b"content-encoding": _wrong_encoding,
        }
        self._too_large = Problem(413, "too_large", f"the body is over {limits.body} bytes (MAILROOM_MAX_BODY)")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application. What need not be read is refused unread."""
        peer = (scope.get("client") or ("",))[0]
        try:
            problem = METHOD if scope["method"] != "POST" else self._wrong_head(scope["headers"])
            if problem is None:
                body = await self._body(receive)
                (reply,) = await self._kept([Inbound(scope["headers"], body, peer)])
            else:
                reply = self._refuse(problem, problem.code, peer)
        except _Gone:
            return
        except _Refused as refused:
            reply = self._refuse(refused.problem, refused.problem.code, peer)
        await _send(reply, send, with_body=scope["method"] != "HEAD")

    async def answer(self, inbounds: Sequence[Inbound]) -> list[Reply]:
        """The answers to POSTs that are there whole, in the same order."""
        refused = [self._unread(one) for one in inbounds]
        kept = iter(await self._kept([one for one, reply in zip(inbounds, refused, strict=True) if reply is None]))
        return [reply or next(kept) for reply in refused]

    def _unread(self, inbound: Inbound) -> Reply | None:
        """The refusal of what need not be looked at."""
        problem = self._wrong_head(inbound.headers)
        if problem is None and len(inbound.body) > self._limits.body:
            problem = self._too_large
        return self._refuse(problem, problem.code, inbound.peer) if problem else None

    def _wrong_head(self, headers: Headers) -> Problem | None:
        limits = self._limits
        if len(headers) > limits.headers or sum(map(len, chain.from_iterable(headers))) > limits.header_bytes:
            return HEADERS
        checks = self._checks
        for name, value in headers:
            if name in checks and (problem := checks[name](value)):
                return problem
        return None

    def _wrong_length(self, value: bytes) -> Problem | None:
        if not value.isdigit():
            return LENGTH
        return self._too_large if len(value) > 18 or int(value) > self._limits.body else None

    async def _body(self, receive: Receive) -> bytes:
        try:
            return await self._patience.wait(self._read(receive))
        except TimeoutError:
            raise _Refused(TOO_SLOW) from None

    async def _read(self, receive: Receive) -> bytes:
        message = await receive()
        chunk: bytes = message.get("body", b"")
        if message["type"] == "http.request" and not message.get("more_body") and len(chunk) <= self._limits.body:
            return chunk  # nearly all of them: one message, not copied
        return await self._read_on(message, receive)

    async def _read_on(self, message: MutableMapping[str, Any], receive: Receive) -> bytes:
        """The body of which this is the first message."""
        chunks: list[bytes] = []
        size = 0
        try:
            while True:
                if message["type"] != "http.request":
                    raise _Gone
                chunks.append(message.get("body", b""))
                size += len(chunks[-1])
                self._held += len(chunks[-1])
                if size > self._limits.body:
                    raise _Refused(self._too_large)
                if self._held > self._limits.held:
                    raise _Refused(TOO_MANY)
                if not message.get("more_body"):
                    return b"".join(chunks)
                message = await receive()
        finally:
            self._held -= size

    async def _kept(self, inbounds: Sequence[Inbound]) -> list[Reply]:
        begun = time.perf_counter()
        outcomes = await receive(inbounds, self._door)
        return self._told(inbounds, outcomes, time.perf_counter() - begun)

    def _told(
        self, inbounds: Sequence[Inbound], outcomes: Sequence[Accepted | Exception], seconds: float
    ) -> list[Reply]:
        """The replies to those that were read, each with its line in the log; they took so long together."""
        replies = []
        counted: Counter[bool] = Counter()
        for inbound, outcome in zip(inbounds, outcomes, strict=True):
            if isinstance(outcome, Accepted):
                event, fresh = outcome
                counted[fresh] += 1
                _note(event, _OUTCOMES[fresh], seconds)
                replies.append(Reply(202 if fresh else 200, _BODIES[fresh] % _encode(event.event_id)))
            else:
                replies.append(self._failed(inbound, outcome))
        for fresh, times in counted.items():
            self._door.meter.count("mailroom_events", times, outcome=_OUTCOMES[fresh])
            self._door.meter.observe("mailroom_receive_seconds", seconds, times=times)
        return replies

    def _failed(self, inbound: Inbound, error: Exception) -> Reply:
        size = len(inbound.body)
        if isinstance(error, MailroomError):
            cause = error.cause if isinstance(error, NotAuthentic) else error.code
            return self._refuse(problem_of(error), cause, inbound.peer, size=size, error=str(error))
        log.error("fault", exc_info=error)
        return self._refuse(INTERNAL, INTERNAL.code, inbound.peer, size=size)

    def _refuse(self, problem: Problem, cause: str, peer: str, *, size: int | None = None, error: str = "") -> Reply:
        """The refusal, counted, with one line in the log: an error for a fault of ours, a warning for a sender's."""
        self._door.meter.count("mailroom_refusals", cause=cause)
        ours = problem.status >= 500
        line(
            log, logging.ERROR if ours else logging.WARNING, "event.refused", cause=cause, status=problem.status,
            size=size, peer=peer, error=error if ours else None,
        )  # fmt: skip
        return Reply(problem.status, problem.body, problem.headers)


def _note(event: Event, outcome: str, seconds: float) -> None:
    line(
        log, logging.INFO, f"event.{outcome}", event=event.event_id, type=event.type, job=event.job_id,
        document=event.document_id, verified_by=" ".join(event.verified_by), late=event.late or None,
        size=event.size, ms=round(seconds * 1000, 2),
    )  # fmt: skip


_OUTCOMES = {True: "accepted", False: "duplicate"}
_BODIES = {fresh: b'{"status":"' + word.encode() + b'","event_id":%b}' for fresh, word in _OUTCOMES.items()}


def _wrong_type(value: bytes) -> Problem | None:
    """LlamaCloud says application/json; who says nothing, or what a tool says by itself, may still mean it."""
    if value == b"application/json":
        return None
    media_type = value.partition(b";")[0].strip().lower()
    return None if media_type in _MAY_BE_JSON or media_type.endswith(b"+json") else TYPE


_encode = msgspec.json.Encoder().encode

_MAY_BE_JSON = frozenset((b"application/json", b"text/plain", b"application/x-www-form-urlencoded", b""))
"""The form is what ``curl --data`` says: whoever tries the door by hand learns of the wrong header, not of the form."""


def _wrong_encoding(value: bytes) -> Problem | None:
    return None if value.strip().lower() in (b"", b"identity") else ENCODING


async def _send(reply: Reply, send: Send, *, with_body: bool) -> None:
    body = reply.body if with_body else b""
    headers = [(b"content-type", JSON), (b"content-length", b"%d" % len(body)), *reply.headers]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
