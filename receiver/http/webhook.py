"""``POST /webhooks/llamacloud``: reads the body, calls ``receive``, writes one log line, responds.

A plain ASGI callable, called before Starlette's routing, because its rate is what docs/benchmarks.md measures. A
request that can be refused by its head alone is refused before the body is read. The body is limited in size and time.
"""

import logging
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain

import msgspec

from receiver.core.errors import MailroomError, NotAuthentic, TooManyEvents, forget_frames
from receiver.core.event import Event, Inbound
from receiver.core.verify_webhook import Proving
from receiver.http.deadline_tracker import DeadlineTracker
from receiver.http.problems import INTERNAL, ErrorReply, problem_of
from receiver.http.reply import Receive, Reply, Scope, Send, send_reply
from receiver.http.request_body import TOO_MANY, BodyBudget, BodyRefused, RequestBody, SenderGone
from receiver.log import RateLimitedLog, log_line
from receiver.pipeline.receive import Accepted, ReceiverDependencies, receive

PATH = "/webhooks/llamacloud"

Headers = Sequence[tuple[bytes, bytes]]

log = logging.getLogger("mailroom.event")

LINES = 100
"""Maximum log lines for refusals of one cause in ten seconds, so that nobody can fill the disk. All are counted."""
METHOD = ErrorReply(405, "method_not_allowed", "send events with POST", ((b"allow", b"POST"),))
TOO_SLOW = ErrorReply(408, "too_slow", "the body did not arrive in time", ((b"connection", b"close"),))
LENGTH = ErrorReply(400, "malformed", "content-length must be a number")
HEADERS = ErrorReply(431, "headers_too_large", "too many or too long headers")
TYPE = ErrorReply(415, "unsupported_media_type", "send events as application/json")
ENCODING = ErrorReply(415, "unsupported_media_type", "a compressed body is not accepted; send it uncompressed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits on one request."""

    body: int = 10 * 1024 * 1024
    """Bytes."""
    headers: int = 100
    header_bytes: int = 32 * 1024
    """Bytes of all names and values together."""
    seconds: float = 10.0
    """Seconds from the headers to the last byte of the body."""
    held: int = 24 * 1024 * 1024
    """Bytes of bodies that all requests may hold together; there is always room for one body of maximum size."""
    spare: int = 8 * 1024 * 1024
    """Of these, the bytes that large bodies must leave to small ones."""


class WebhookEndpoint:
    """The webhook: ``answer`` takes whole requests; the object itself is an ASGI application around it."""

    def __init__(self, receiver: ReceiverDependencies, limits: Limits) -> None:
        self._receiver = receiver
        self._limits = limits
        self.held = BodyBudget(max(limits.held, limits.body + limits.spare), spare=limits.spare)
        self._lines: dict[str, RateLimitedLog] = {}
        self._duplicates = RateLimitedLog(log, logging.INFO, "event.duplicate", lines=LINES)
        self._deadlines = DeadlineTracker(limits.seconds)
        self._checks = {
            b"content-length": self._wrong_length,
            b"content-type": _wrong_type,
            b"content-encoding": _wrong_encoding,
        }
        self._too_large = ErrorReply(413, "too_large", f"the body is over {limits.body} bytes (MAILROOM_MAX_BODY)")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application. It refuses what it can before it reads the body."""
        peer = (scope.get("client") or ("",))[0]
        problem = METHOD if scope["method"] != "POST" else self._wrong_head(scope["headers"])
        try:
            if problem is None:
                reply = await self._read_and_answer(Inbound(scope["headers"], b"", peer), receive)
            else:
                reply = self._refuse(problem, problem.code, peer)
        except SenderGone:
            return
        except Exception:
            log.exception("unhandled_exception")
            reply = Reply.of(INTERNAL)
        await send_reply(reply, scope, send)

    async def _read_and_answer(self, inbound: Inbound, receive: Receive) -> Reply:
        proving = Proving(inbound, self._receiver.secrets, now=self._receiver.clock())
        body = RequestBody(proving, self.held, limit=self._limits.body, too_large=self._too_large)
        try:
            refusal = await self._read(body, inbound, receive)
            return refusal or (await self._kept([inbound]))[0]
        finally:
            body.let_go()

    async def _read(self, body: RequestBody, inbound: Inbound, receive: Receive) -> Reply | None:
        """The refusal, unless the body arrived completely and is verified."""
        try:
            await self._deadlines.wait(body.read(receive, inbound))
        except NotAuthentic as error:
            return self._failed(error, inbound.peer, size=body.size)
        except BodyRefused as refused:
            problem = refused.problem
        except TimeoutError:
            problem = TOO_SLOW
        else:
            return None
        return self._refuse(problem, problem.code, inbound.peer, size=body.size)

    def busy(self, inbound: Inbound) -> Reply:
        """The refusal of a request whose body has no room."""
        return self._refuse(TOO_MANY, TOO_MANY.code, inbound.peer, size=inbound.size)

    async def answer(self, inbounds: Sequence[Inbound]) -> list[Reply]:
        """The replies to POSTs that arrived completely, in the same order."""
        refused = [self._unread(item) for item in inbounds]
        kept = iter(await self._kept([item for item, reply in zip(inbounds, refused, strict=True) if reply is None]))
        return [reply or next(kept) for reply in refused]

    def _unread(self, inbound: Inbound) -> Reply | None:
        """The refusal of a request that its head alone rules out."""
        problem = self._wrong_head(inbound.headers)
        if problem is None and len(inbound.body) > self._limits.body:
            problem = self._too_large
        return self._refuse(problem, problem.code, inbound.peer) if problem else None

    def _wrong_head(self, headers: Headers) -> ErrorReply | None:
        limits = self._limits
        if len(headers) > limits.headers or sum(map(len, chain.from_iterable(headers))) > limits.header_bytes:
            return HEADERS
        checks = self._checks
        for name, value in headers:
            if name in checks and (problem := checks[name](value)):
                return problem
        return None

    def _wrong_length(self, value: bytes) -> ErrorReply | None:
        if not value.isdigit():
            return LENGTH
        return self._too_large if len(value) > 18 or int(value) > self._limits.body else None

    async def _kept(self, inbounds: Sequence[Inbound]) -> list[Reply]:
        begun = time.perf_counter()
        outcomes = await receive(inbounds, self._receiver)
        return self._replies(inbounds, outcomes, time.perf_counter() - begun)

    def _replies(
        self, inbounds: Sequence[Inbound], outcomes: Sequence[Accepted | Exception], seconds: float
    ) -> list[Reply]:
        """The replies to these requests, each with a line in the log. Together they took ``seconds``."""
        replies = []
        counted: Counter[bool] = Counter()
        for inbound, outcome in zip(inbounds, outcomes, strict=True):
            if isinstance(outcome, Accepted):
                event, fresh = outcome
                counted[fresh] += 1
                self._note(event, fresh, seconds)
                if self._receiver.record is not None:
                    self._receiver.record(event, fresh, seconds)
                replies.append(Reply(202 if fresh else 200, _BODIES[fresh] % _encode(event.event_id)))
            else:
                replies.append(self._failed(outcome, inbound.peer, size=inbound.size))
        for fresh, times in counted.items():
            self._receiver.meter.count("mailroom_events", times, outcome=_OUTCOMES[fresh])
            self._receiver.meter.observe("mailroom_receive_seconds", seconds, times=times)
        return replies

    def _failed(self, error: Exception, peer: str, *, size: int) -> Reply:
        """The refusal for this error, without references to what was processed."""
        if isinstance(error, MailroomError):
            problem, cause, detail = problem_of(error), error.code, str(error)
            if isinstance(error, NotAuthentic):
                cause = error.cause
        else:
            log.error("unhandled_exception", exc_info=error)
            problem, cause, detail = INTERNAL, INTERNAL.code, ""
        forget_frames(error)
        if isinstance(error, TooManyEvents):
            return self._refuse_quietly(problem, error, peer)
        return self._refuse(problem, cause, peer, size=size, error=detail)

    def _refuse(self, problem: ErrorReply, cause: str, peer: str, *, size: int | None = None, error: str = "") -> Reply:
        """The refusal, counted and logged: as an error for a fault of ours, as a warning for a sender's."""
        self._receiver.meter.count("mailroom_refusals", cause=cause)
        ours = problem.status >= 500
        if cause not in self._lines:
            level = logging.ERROR if ours else logging.WARNING
            self._lines[cause] = RateLimitedLog(
                log, level, "event.refused", lines=LINES, cause=cause, status=problem.status
            )
        self._lines[cause].log(size=size, peer=peer, error=error if ours else None)
        return Reply.of(problem)

    def _refuse_quietly(self, problem: ErrorReply, error: TooManyEvents, peer: str) -> Reply:
        """The refusal, counted; the log gets at most one line for each document in each period."""
        self._receiver.meter.count("mailroom_refusals", cause=error.code)
        if error.report:
            log_line(
                log, logging.WARNING, "event.refused", cause=error.code, status=problem.status,
                subject=error.subject, peer=peer,
            )  # fmt: skip
        return Reply.of(problem)

    def _note(self, event: Event, fresh: bool, seconds: float) -> None:
        if not log.isEnabledFor(logging.INFO):
            return
        write = _write_accepted if fresh else self._duplicates.log
        write(
            event=event.event_id, type=event.type, job=event.job_id, document=event.document_id,
            verified_by=" ".join(event.verified_by), late=event.late or None, size=event.size,
            ms=round(seconds * 1000, 2),
        )  # fmt: skip


_write_accepted = partial(log_line, log, logging.INFO, "event.accepted")


_OUTCOMES = {True: "accepted", False: "duplicate"}
_BODIES = {fresh: b'{"status":"' + word.encode() + b'","event_id":%b}' for fresh, word in _OUTCOMES.items()}


def _wrong_type(value: bytes) -> ErrorReply | None:
    """LlamaCloud sends application/json. No content type, or a tool's default, is accepted too."""
    if value == b"application/json":
        return None
    media_type = value.partition(b";")[0].strip().lower()
    return None if media_type in _MAY_BE_JSON or media_type.endswith(b"+json") else TYPE


_encode = msgspec.json.Encoder().encode

_MAY_BE_JSON = frozenset((b"application/json", b"text/plain", b"application/x-www-form-urlencoded", b""))
"""``curl --data`` sends the form type. It is accepted so that a manual test reports a wrong header, not the form."""


def _wrong_encoding(value: bytes) -> ErrorReply | None:
    return None if value.strip().lower() in (b"", b"identity") else ENCODING
