"""``https://…``: a notice as JSON (docs/alert.schema.json), posted to an endpoint of yours.

With the option ``secret`` it is signed with the Standard Webhooks scheme. ``webhook-id`` is the notice's id, by
which a receiver can drop a repeated notice.
"""

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING

from handlers.alerts import text
from handlers.http_client import Outbound, refuse_unclean, without_path
from receiver.core.errors import MailroomError, Misconfigured
from receiver.core.notice import Notice
from receiver.ports import AlertChannel, Clock

if TYPE_CHECKING:
    from standardwebhooks import Webhook

HEADER = "header "
"""Prefix of the options that set a header of the channel's own."""
OURS = frozenset({"content-type", "content-length", "host", "webhook-id", "webhook-timestamp", "webhook-signature"})


class HttpAlerts:
    """The ``https:`` channel: one endpoint."""

    tracks = True

    def __init__(
        self, url: str, outbound: Outbound, options: Mapping[str, str] | None = None, *, clock: Clock = time.time
    ) -> None:
        """Raises Misconfigured for anything but a plain https:// URL, and for an invalid secret or header."""
        refuse_unclean(url, "alerts")
        self._url, self._outbound, self._clock = url, outbound, clock
        given = options or {}
        self._key = _key(given.get("secret", ""))
        self._headers = {name.removeprefix(HEADER): value for name, value in given.items() if name.startswith(HEADER)}
        for name, value in self._headers.items():
            _refuse(name, value)

    async def notify(self, notice: Notice) -> str:
        """Posts the notice. Raises DestinationBusy, AccessDenied, Unroutable."""
        body = json.dumps(text.facts(text.fit(notice)), ensure_ascii=False).encode()
        headers = {**self._headers, "Content-Type": "application/json", **self._signed(notice, body)}
        await self._outbound.post(self._url, what=self._what, body=body, headers=headers, then="")
        return ""

    async def probe(self) -> list[str]:
        """Whether the endpoint responds. The probe is a HEAD request, which has no effect there.

        404, 405 or 501 (it accepts POST only) and 401 (it requires a signature) are no fault.
        """
        try:
            answer = await self._outbound.ask("HEAD", self._url, what=self._what)
        except MailroomError as error:
            return [f"{error}; check that it is up and that this machine can reach it"]
        if answer.status_code == HTTPStatus.GONE:
            return [f"{self._what} returned 410: it accepts no more messages; remove it from mailroom.yaml"]
        if answer.is_server_error and answer.status_code != HTTPStatus.NOT_IMPLEMENTED:
            return [f"{self._what} answers HEAD with {answer.status_code}; check that it works"]
        return []

    @property
    def _what(self) -> str:
        return f"the alert endpoint {without_path(self._url)}"

    def _signed(self, notice: Notice, body: bytes) -> dict[str, str]:
        named = {"webhook-id": notice.id}
        if self._key is None:
            return named
        now = datetime.fromtimestamp(int(self._clock()), UTC)
        return named | {
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._key.sign(notice.id, now, body.decode()),
        }


def _key(secret: str) -> "Webhook | None":
    from standardwebhooks import Webhook
    from standardwebhooks.webhooks import EmptyWebhookSecretError

    if not secret:
        return None
    try:
        return Webhook(secret)
    except (ValueError, EmptyWebhookSecretError) as error:
        raise Misconfigured("alerts: secret must hold whsec_ and base64, as Standard Webhooks has it") from error


def _refuse(name: str, value: str) -> None:
    """Raises Misconfigured for an invalid header, and for one that Mailroom sets itself."""
    if not name or not all(c.isascii() and (c.isalnum() or c in "!#$%&'*+-.^_`|~") for c in name):
        raise Misconfigured(f"alerts: {name!r} is not a valid header name")
    if name.lower() in OURS:
        raise Misconfigured(f"alerts: the header {name} is set by Mailroom itself")
    if value != value.strip() or not all(" " <= c <= "~" for c in value):
        raise Misconfigured(f"alerts: the value of the header {name} must be printable ASCII")


_: type[AlertChannel] = HttpAlerts
