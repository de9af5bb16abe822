"""``mailto:ADDRESS``: a notice as an e-mail, by the SMTP server that MAILROOM_SMTP_URL names.

``smtp://user:password@host:587?from=mailroom@example.com`` (STARTTLS whenever the server offers it), or ``smtps://``.
A password is only sent over TLS. Later notices of an incident reply to the first one (RFC 5322, 3.6.4), so that mail
clients show them as one conversation.
"""

import contextlib
import hashlib
import smtplib
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from functools import partial
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from handlers.alerts import text
from handlers.alerts.html import page
from handlers.http_client import LOOPBACK
from receiver.aws.threads import Threads
from receiver.core.errors import (
    AccessDenied,
    DestinationBusy,
    MailroomError,
    Misconfigured,
    PartlyNotified,
    Unanswered,
    Unroutable,
)
from receiver.core.notice import Notice
from receiver.ports import AlertChannel

TIMEOUT_SECONDS = 30.0
"""The timeout of the whole SMTP session."""
AT_ONCE = 4
_WRONG_ADDRESS = "fix the address in mailroom.yaml, or the mailbox"
ANSWERS_BYTES = 64 * 1024
"""Maximum bytes of all responses of the server."""


class Email:
    """The ``mailto:`` channel: one address, or several with commas between them."""

    tracks = False

    def __init__(self, address: str, smtp_url: str) -> None:
        """Raises Misconfigured if there is no server, or for an invalid address."""
        self._server = urlsplit(smtp_url)
        if self._server.scheme not in ("smtp", "smtps") or not self._server.hostname:
            raise Misconfigured("mailto: alerts need MAILROOM_SMTP_URL: smtp://user:password@host:port")
        self._to = [item.strip() for item in address.split(",")]
        if not all(item.count("@") == 1 and item.isprintable() and " " not in item for item in self._to):
            raise Misconfigured(f"mailto:{address}: write mailto:name@example.com")
        user = unquote(self._server.username or "")
        asked = parse_qs(self._server.query).get("from", [])
        self._from = asked[0] if asked else user if "@" in user else f"mailroom@{self._server.hostname}"
        self._threads = Threads(AT_ONCE, name="smtp")

    async def notify(self, notice: Notice) -> str:
        """The first mail's id. Raises DestinationBusy, Unanswered, AccessDenied, Unroutable, PartlyNotified."""
        message = self._written(text.fit(notice))
        asked = [item for item in self._to if item not in notice.without and (not notice.only or item in notice.only)]
        if not asked:
            return notice.thread
        refused = await self._threads.run(partial(self._send, message, asked))
        thread = notice.thread or str(message["Message-ID"])
        if not refused:
            return thread
        later = tuple(item for item, answer in refused.items() if answer.startswith("4"))
        if refused.keys() >= set(asked) and not notice.only:
            raise _refusal(f"SMTP server {self._server.hostname}", refused, later)
        reason = f"SMTP server {self._server.hostname} {_listed(refused)}; the others have it"
        raise PartlyNotified(
            reason,
            fix=_WRONG_ADDRESS,
            thread=thread,
            retry=later,
            never=len(later) < len(refused),
            missed=tuple(refused),
        )

    async def probe(self) -> list[str] | None:
        """Whether the server can be reached, accepts the login and knows the addresses; None if it defers its answer.

        Raises PartlyNotified if it rejects some of them.
        """
        try:
            refused = await self._threads.run(self._greet)
        except MailroomError as error:
            return [f"{error}; {error.fix}" if error.fix else str(error)]
        never = {item: answer for item, answer in refused.items() if answer.startswith("5")}
        if not never:
            return None if refused else []
        reason = f"SMTP server {self._server.hostname} {_listed(never)}"
        if len(never) < len(self._to):
            raise PartlyNotified(reason, fix=_WRONG_ADDRESS, thread="")
        return [f"{reason}; {_WRONG_ADDRESS}"]

    def _written(self, notice: Notice) -> EmailMessage:
        message = EmailMessage()
        message["Subject"] = text.subject(notice)
        message["From"], message["To"] = self._from, ", ".join(self._to)
        message["Date"] = format_datetime(datetime.fromtimestamp(notice.at, UTC))
        # The same for a repeated notice, so that mail clients show it once.
        identity = hashlib.sha256(f"{notice.site} {notice.id}".encode()).hexdigest()[:32]
        message["Message-ID"] = f"<{identity}@mailroom>"
        if notice.thread:
            message["In-Reply-To"] = message["References"] = notice.thread
        message["Auto-Submitted"] = "auto-generated"
        if notice.severity in ("critical", "error") and not notice.over:
            message["Importance"] = "high"
        message.set_content(text.body(notice))
        message.add_alternative(page(notice), subtype="html")
        return message

    def _send(self, message: EmailMessage, to: Sequence[str]) -> dict[str, str]:
        """The addresses for which the server did not accept the mail -> its responses."""
        host = str(self._server.hostname)
        try:
            with self._connected(host) as server:
                self._secured(server)
                self._enter(server, host)
                return self._hand_over(server, message, to, host)
        except (smtplib.SMTPException, OSError) as error:
            raise _translated(error, host) from error

    def _hand_over(self, server: "_Bounded", message: EmailMessage, to: Sequence[str], host: str) -> dict[str, str]:
        try:
            refused = server.send_message(message, self._from, to)
        except smtplib.SMTPRecipientsRefused as error:
            # The mail went to nobody: all were refused, or the server hung up (421) before all were tried.
            refused = dict.fromkeys(to, next(iter(error.recipients.values()))) | error.recipients
        except smtplib.SMTPServerDisconnected as error:
            if server.whole:
                raise Unanswered(f"SMTP server {host} did not confirm the mail: {error}") from error
            raise
        return {item: _answer(*reply) for item, reply in refused.items()}

    def _greet(self) -> dict[str, str]:
        """The addresses that the server would reject -> its responses. No mail is sent."""
        host = str(self._server.hostname)
        try:
            with self._connected(host) as server:
                self._secured(server)
                self._enter(server, host)
                server.ehlo_or_helo_if_needed()
                code, words = server.mail(self._from)
                if code >= 500:
                    raise smtplib.SMTPSenderRefused(code, words, self._from)
                if code >= 400:
                    return dict.fromkeys(self._to, _answer(code, words))
                answers = {item: _answer(*server.rcpt(item)) for item in self._to}
                return {item: answer for item, answer in answers.items() if answer[0] in "45"}
        except (smtplib.SMTPException, OSError) as error:
            raise _translated(error, host) from error

    def _connected(self, host: str) -> "_Bounded":
        if self._server.scheme == "smtps":
            tls = ssl.create_default_context()
            return _BoundedTls(host, self._server.port or 465, timeout=TIMEOUT_SECONDS, context=tls)
        return _Bounded(host, self._server.port or 587, timeout=TIMEOUT_SECONDS)

    def _secured(self, server: smtplib.SMTP) -> None:
        server.ehlo()
        if self._server.scheme == "smtp" and server.has_extn("starttls"):
            server.starttls(context=ssl.create_default_context())

    def _enter(self, server: smtplib.SMTP, host: str) -> None:
        if not self._server.username:
            return
        if not isinstance(server.sock, ssl.SSLSocket) and host not in LOOPBACK:
            raise AccessDenied(f"SMTP server {host} offers no TLS: the password was not sent", fix="use smtps://")
        server.login(unquote(self._server.username), unquote(self._server.password or ""))


class _Answers:
    """The server's responses, as smtplib reads them, up to a total time and size."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._until = time.monotonic() + TIMEOUT_SECONDS
        self._left = ANSWERS_BYTES

    def readline(self, limit: int) -> bytes:
        """Reads byte by byte, each with the remaining time: a socket's own timeout restarts with every byte."""
        line = b""
        while not line.endswith(b"\n") and len(line) < limit:
            if self._left <= 0:
                raise smtplib.SMTPServerDisconnected(f"its response is longer than {ANSWERS_BYTES} bytes")
            self._sock.settimeout(max(self._until - time.monotonic(), 0.001))
            byte = self._sock.recv(1)
            if not byte:
                break
            line, self._left = line + byte, self._left - 1
        return line

    def close(self) -> None:
        """Nothing to do: smtplib closes the socket."""


class _Bounded(smtplib.SMTP):
    whole = False
    """Whether the end of a mail was sent last: from then on the server may have accepted it."""

    def send(self, s: Any) -> None:
        super().send(s)
        self.whole = isinstance(s, bytes) and s.endswith(b"\r\n.\r\n")

    def __exit__(self, *raised: object) -> None:
        with contextlib.suppress(smtplib.SMTPResponseException):  # the mail was accepted, whatever QUIT returns
            super().__exit__(*raised)  # type: ignore[arg-type]

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None and self.sock is not None:  # at the start, and again after STARTTLS
            self.file = _Answers(self.sock)
        return super().getreply()


class _BoundedTls(_Bounded, smtplib.SMTP_SSL):
    pass


def _translated(error: Exception, host: str) -> MailroomError:
    """SMTP's error as ours: 4xx is temporary, 5xx permanent (RFC 5321, 4.2.1); an unreachable server is temporary."""
    reason = f"SMTP server {host}: {type(error).__name__}: {_words(error)}"
    if isinstance(error, smtplib.SMTPAuthenticationError | smtplib.SMTPNotSupportedError):
        return AccessDenied(reason, fix="correct user and password in MAILROOM_SMTP_URL")
    if isinstance(error, ssl.SSLCertVerificationError):
        return Unroutable(reason, fix="use the host name of the server's certificate in MAILROOM_SMTP_URL")
    if isinstance(error, smtplib.SMTPResponseException) and 500 <= error.smtp_code < 600:
        return Unroutable(reason, fix="check what the server requires; ?from= in MAILROOM_SMTP_URL sets the sender")
    return DestinationBusy(reason)


def _refusal(server: str, refused: Mapping[str, str], later: Sequence[str]) -> MailroomError:
    reason = f"{server} {_listed(refused)}"
    return DestinationBusy(reason) if later else Unroutable(reason, fix=_WRONG_ADDRESS)


def _listed(refused: Mapping[str, str]) -> str:
    return "refused " + ", ".join(f"{item} ({answer})" for item, answer in refused.items())


def _answer(code: int, words: bytes | str) -> str:
    return f"{code} {words.decode(errors='replace') if isinstance(words, bytes) else words}"


def _words(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return _answer(error.smtp_code, error.smtp_error)
    return str(error)


_: type[AlertChannel] = Email
