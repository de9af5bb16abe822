"""Does this request come from a job that we registered? Decided on raw bytes, before anything is parsed.

Three proofs, each optional, each with several accepted secrets so that rotation refuses nothing: static headers (all
names must match), the per-job token (token.py), and ``LC-Signature: sha256=<hex>``, an HMAC-SHA256 of the raw body with
the signing secret taken literally as UTF-8 (reference 2.5: the encoding of ``whsec_`` secrets is not documented; the
one public handler takes the literal string). All comparisons take constant time, over bytes.
"""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from hmac import compare_digest
from typing import NamedTuple

from receiver.core import token
from receiver.core.errors import NotAuthentic
from receiver.core.event import Inbound, Verified

SIGNATURE_HEADER = b"lc-signature"
TOKEN_HEADER = "X-Mailroom-Token"


class Proof(StrEnum):
    HEADERS = "headers"
    TOKEN = "token"
    SIGNATURE = "signature"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSecrets:
    """The accepted secrets, and which proofs are required."""

    headers: Mapping[bytes, tuple[bytes, ...]] = field(default_factory=dict, repr=False)
    """Lower-case header name -> accepted values."""
    token_secrets: tuple[bytes, ...] = field(default=(), repr=False)
    signing_secrets: tuple[bytes, ...] = field(default=(), repr=False)
    required: frozenset[Proof] = frozenset()
    adopt: bool = False
    """Whether a request without a token, from a job created elsewhere, may pass by the other proofs alone."""


class Shown(NamedTuple):
    """The result of one proof: ``how`` it was given (``headers:0``) and the document that it names, or the ``cause`` of
    its failure. All three are empty for a proof that is not required.
    """

    how: str = ""
    document_id: str = ""
    cause: str = ""


class Proving:
    """The proofs of one request while it arrives: those in its head are checked at once, the signature piece by piece.

    So a body need not be held to be refused, and the same work is done whichever proof fails.
    """

    __slots__ = ("_headers", "_macs", "_signature", "_signed", "_token")

    def __init__(self, inbound: Inbound, lock: WebhookSecrets, *, now: float) -> None:
        """``inbound`` needs no body yet."""
        required = lock.required
        self._headers = _headers(inbound, lock) if Proof.HEADERS in required else _NOT_ASKED
        self._token = _token(inbound, lock, now) if Proof.TOKEN in required else _NOT_ASKED
        self._signed = Proof.SIGNATURE in required
        self._signature = inbound.values(SIGNATURE_HEADER) if self._signed else []
        self._macs = [token.keyed(secret) for secret in lock.signing_secrets] if self._signed else []

    @property
    def hopeless(self) -> bool:
        """Whether the head alone decides that this is refused: then its body need not be kept."""
        unsigned = self._signed and len(self._signature) != 1
        return bool(unsigned or self._headers.cause or self._token.cause)

    def feed(self, piece: bytes) -> None:
        """The next bytes of the body."""
        for mac in self._macs:
            mac.update(piece)

    def verified(self, pieces: Sequence[bytes]) -> Verified:
        """The body in these pieces, which were all fed. Raises NotAuthentic, whose cause is for our log only."""
        signature = _signature(self._signature, self._macs) if self._signed else _NOT_ASKED
        shown = (self._headers, signature, self._token)
        for item in shown:
            if item.cause:
                raise NotAuthentic(item.cause)
        return Verified(b"".join(pieces), tuple([item.how for item in shown if item.how]), self._token.document_id)


def verify(inbound: Inbound, lock: WebhookSecrets, *, now: float) -> Verified:
    """The body, proved to be from a job of ours. Raises NotAuthentic, whose cause is for our log only.

    Every required proof is checked before the first failure is raised, so that the time reveals no more than the
    answer.
    """
    proving = Proving(inbound, lock, now=now)
    proving.feed(inbound.body)
    return proving.verified([inbound.body])


def _headers(inbound: Inbound, lock: WebhookSecrets) -> Shown:
    """All names must match. The oldest value that was used shows how far a rotation has come."""
    oldest = 0
    for name, accepted in lock.headers.items():
        given = inbound.values(name)
        if len(given) != 1:
            return Shown(cause="header_missing" if not given else "header_repeated")
        place = _which(given[0], accepted)
        if place is None:
            return Shown(cause="header_wrong")
        oldest = max(oldest, place)
    return Shown(f"headers:{oldest}")


def _signature(given: Sequence[bytes], macs: Sequence[hmac.HMAC]) -> Shown:
    accepted = [_SIGNED % mac.hexdigest().encode() for mac in macs]
    if len(given) != 1:
        return Shown(cause="signature_missing" if not given else "signature_repeated")
    place = _which(given[0].strip(), accepted)
    return Shown(cause="signature_wrong") if place is None else Shown(f"signature:{place}")


def _token(inbound: Inbound, lock: WebhookSecrets, now: float) -> Shown:
    given = inbound.values(_TOKEN_HEADER)
    if not given and lock.adopt and lock.required - {Proof.TOKEN}:
        return Shown("adopted")
    if len(given) != 1:
        return Shown(cause="token_missing" if not given else "token_repeated")
    try:
        document_id, place = token.read_token(given[0], lock.token_secrets, now=now)
    except NotAuthentic as error:
        return Shown(cause=error.cause)
    return Shown(f"token:{place}", document_id)


_NOT_ASKED = Shown()
_TOKEN_HEADER = TOKEN_HEADER.lower().encode()
_SIGNED = b"sha256=%b"


def sign(body: bytes, secret: bytes) -> bytes:
    """The value of ``LC-Signature`` for this body: ``sha256=<hex>``."""
    return _SIGNED % token.mac(body, secret)


def _which(given: bytes, accepted: Sequence[bytes]) -> int | None:
    """The index of the accepted value that matches. It compares all of them, so that time reveals nothing."""
    place = None
    for number, value in enumerate(accepted):
        if compare_digest(given, value):
            place = number
    return place
