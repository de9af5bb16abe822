"""HTTP: the CloudEvents message, posted to an endpoint, and signed by the Standard Webhooks scheme.

The receiver can verify it with any library for that scheme (headers ``webhook-id``, ``webhook-timestamp`` and
``webhook-signature``). ``webhook-id`` is the delivery's id: after a crash between send and record, a second message has
the same id, and the receiver can drop it. Source: the Standard Webhooks specification.
"""

import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from handlers.destinations import options as options_
from handlers.destinations.cloudevent import CONTENT_TYPE, cloudevent
from handlers.http_client import Outbound, private, without_secrets
from receiver.core.delivery_request import DeliveryRequest
from receiver.core.document import Receipt
from receiver.core.errors import MailroomError, Misconfigured
from receiver.core.object_key import FIELDS
from receiver.core.plan import Taken, Target
from receiver.ports import Clock, Destination
from receiver.tracing import traceparent

if TYPE_CHECKING:
    from standardwebhooks import Webhook

OPTIONS = ("secret", "unsigned")


class Http:
    """The ``https://`` destination (``http://`` to this machine only)."""

    holds_bytes = False

    def __init__(self, environ: Mapping[str, str], *, clock: Clock = time.time) -> None:
        """``environ`` has the value of the option ``secret: env:NAME``."""
        self._environ = environ
        self._clock = clock
        self._outbound = Outbound(clock=clock)

    async def deliver(self, request: DeliveryRequest) -> Receipt:
        """Posts the message; a 2xx accepts it. At least once. Raises DestinationBusy, AccessDenied, Unroutable."""
        body, shown = cloudevent(request), without_secrets(request.url)
        headers = {"Content-Type": CONTENT_TYPE, **self._signed(request, body)}
        await self._outbound.post(request.url, what=shown, body=body, headers=headers)
        return Receipt(location=shown)

    def _signed(self, request: DeliveryRequest, body: bytes) -> dict[str, str]:
        named = {"webhook-id": request.delivery_id}
        if parent := traceparent():
            named["traceparent"] = parent
        key = self._key(request.options)
        if key is None:
            return named
        now = datetime.fromtimestamp(int(self._clock()), UTC)
        return named | {
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": key.sign(request.delivery_id, now, body.decode()),
        }

    def _key(self, options: Mapping[str, str]) -> "Webhook | None":
        """The signing secret of this target; None if the table says ``unsigned: true``. Raises Misconfigured."""
        from standardwebhooks import Webhook
        from standardwebhooks.webhooks import EmptyWebhookSecretError

        if options.get("unsigned") == "true":
            return None
        scheme, _, name = options.get("secret", "").partition(":")
        if scheme != "env" or not name:
            raise Misconfigured("option secret: write secret: env:NAME (or unsigned: true, and anybody can forge it)")
        if not self._environ.get(name):
            raise Misconfigured(f"option secret: {name}, the signing secret, is not set")
        try:
            if not self._environ[name].startswith("whsec_"):
                raise ValueError("no prefix")
            return Webhook(self._environ[name])
        except (ValueError, EmptyWebhookSecretError) as error:
            raise Misconfigured(
                f"option secret: {name} must hold whsec_ and base64, as Standard Webhooks has it"
            ) from error

    def faults(self, target: Target) -> list[str]:
        """URLs with fields in the host or without https, a missing secret, unknown options."""
        found = [*_address_faults(target.url), *options_.unknown(target.options, OPTIONS)]
        if (unsigned := target.options.get("unsigned", "false")) not in ("true", "false"):
            found.append(f"option unsigned: {unsigned!r} must be true or false")
        elif unsigned == "true" and "secret" in target.options:
            found.append("option unsigned: true sends without the signature that `secret` is for; remove one of them")
        try:
            self._key(target.options)
        except Misconfigured as error:
            found.append(str(error))
        return found

    def doubts(self, target: Target) -> list[str]:
        """URL parts that are never sent, and addresses that only a listener can have."""
        parts, found = urlsplit(target.url), []
        if parts.fragment:
            found.append(f"#{parts.fragment} is not sent: only the part before it reaches the endpoint")
        if parts.hostname in ("0.0.0.0", "::"):  # noqa: S104  reported, not bound
            found.append(f"{parts.hostname} is a listen address: use the endpoint's host name")
        return found

    def taken(self, url: str) -> Taken:
        """The endpoint in its normal form, and whether its port is the usual one."""
        parts = urlsplit(url)
        usual = {"https": 443, "http": 80}.get(parts.scheme)
        port = "" if parts.port in (None, usual) else f":{parts.port}"
        path = re.sub(r"%[0-9A-Fa-f]{2}", _unescaped, parts.path) or "/"
        return Taken(place=f"{parts.scheme}://{_one_spelling(parts.hostname or '')}{port}{path}?{parts.query}")

    async def probe(self, target: Target) -> list[str]:
        """Whether the endpoint responds. Sends HEAD, which has no effect there."""
        url = target.url.partition("{")[0]
        try:
            await self._outbound.ask("HEAD", url, what=without_secrets(url))
        except MailroomError as error:
            return [f"{error}; check that it is up and that this machine can reach it"]
        return []


def _address_faults(url: str) -> list[str]:
    host, _, path = url.partition("://")[2].partition("/")
    if not host or "{" in host:
        return ["the host of an address must be written out, without fields"]
    found = _host_faults(url)
    if not found and not private(url):
        found.append("use https: http exposes the message to the network")
    named = [part.partition("}")[0] for part in path.split("{")[1:]]
    unknown = [name for name in named if name not in FIELDS]
    return found + [f"unknown field {{{name}}}; known fields: {', '.join(sorted(FIELDS))}" for name in unknown]


def _host_faults(url: str) -> list[str]:
    """Faults of the host or port. Sources: RFC 3986, RFC 1035."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:  # its text may contain a password instead of a port
        return ["not a URL: its host or its port is invalid; put an IPv6 address in brackets"]
    if port == 0 or not _is_host(host):
        return [f"not a URL: {without_secrets(url)} has {'port 0' if port == 0 else f'the host {host!r}'}"]
    return ["not a URL: it has a space"] if re.search(r"\s", url) else []


def _one_spelling(host: str) -> str:
    """One spelling for each host: Bücher.example. and xn--bcher-kva.example are the same."""
    plain = host.removesuffix(".")
    try:
        return plain.encode("idna").decode()
    except UnicodeError:
        return plain


def _unescaped(found: re.Match[str]) -> str:
    """Decodes an escape that is not needed; writes any other in capitals. Source: RFC 3986, 6.2.2."""
    character = chr(int(found[0][1:], 16))
    return character if re.fullmatch(r"[A-Za-z0-9._~-]", character) else found[0].upper()


def _is_host(host: str) -> bool:
    if ":" in host:  # an IPv6 address, which urlsplit has checked
        return True
    labels = host.removesuffix(".").split(".")
    return len(host) <= 253 and all(len(item) <= 63 and re.fullmatch(r"\w([\w-]*\w)?", item) for item in labels)


_: type[Destination] = Http
