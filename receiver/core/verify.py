"""Does this request come from a job that we registered? Decided on raw bytes, before anything is parsed.

Three proofs, each optional, each with several accepted secrets so that rotation refuses nothing: static headers (all
names must match), the per-job token (token.py), and ``LC-Signature: sha256=<hex>``, an HMAC-SHA256 of the raw body with
the signing secret taken literally as UTF-8 (reference 2.5: the encoding of ``whsec_`` secrets is not documented; the
one public handler takes the literal string). All comparisons take constant time, over bytes.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from hmac import compare_digest

from receiver.core import token
from receiver.core.errors import NotAuthentic
from receiver.core.event import Inbound

SIGNATURE_HEADER = b"lc-signature"
TOKEN_HEADER = "X-Mailroom-Token"


class Proof(StrEnum):
    HEADERS = "headers"
    TOKEN = "token"
    SIGNATURE = "signature"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """The secrets that open the door, and which proofs are required."""

    headers: Mapping[bytes, tuple[bytes, ...]] = field(default_factory=dict, repr=False)
    """Lower-case header name -> accepted values."""
    token_secrets: tuple[bytes, ...] = field(default=(), repr=False)
    signing_secrets: tuple[bytes, ...] = field(default=(), repr=False)
    required: frozenset[Proof] = frozenset()
    adopt: bool = False
    """Whether a request without a token, from a job created elsewhere, may pass by the other proofs alone."""


Prove = Callable[[Inbound, Lock, float], tuple[str, str]]
"""How the proof was given, and the document that it names; raises NotAuthentic."""


@dataclass(slots=True)
class Verified:
    """A body that may be parsed. Only ``verify`` makes one."""

    body: bytes = field(repr=False)
    by: tuple[str, ...]
    """Which proofs it gave, with the number of the secret that fitted: ``headers:0``, ``signature:1``."""
    document_id: str = ""
    """The document that its token names."""


def verify(inbound: Inbound, lock: Lock, *, now: float) -> Verified:
    """The body, proven to be from a job of ours. Raises NotAuthentic, whose cause is for our log only.

    Every required proof is tried before the first failure is told, so that the time tells no more than the answer.
    """
    by: list[str] = []
    document_id = ""
    refusal: NotAuthentic | None = None
    for prove in _provers(lock.required):
        try:
            shown, named = prove(inbound, lock, now)
        except NotAuthentic as error:
            refusal = refusal or error
        else:
            by.append(shown)
            document_id = named or document_id
    if refusal is not None:
        raise refusal
    return Verified(inbound.body, tuple(by), document_id)


def _headers(inbound: Inbound, lock: Lock, now: float) -> tuple[str, str]:
    """All names must match. The oldest value that was used tells how far a rotation has come."""
    oldest = 0
    for name, accepted in lock.headers.items():
        given = inbound.values(name)
        if len(given) != 1:
            raise NotAuthentic("header_missing" if not given else "header_repeated")
        place = _which(given[0], accepted)
        if place is None:
            raise NotAuthentic("header_wrong")
        oldest = max(oldest, place)
    return f"headers:{oldest}", ""


def _signature(inbound: Inbound, lock: Lock, now: float) -> tuple[str, str]:
    given = inbound.values(SIGNATURE_HEADER)
    accepted = [sign(inbound.body, secret) for secret in lock.signing_secrets]
    if len(given) != 1:
        raise NotAuthentic("signature_missing" if not given else "signature_repeated")
    place = _which(given[0].strip(), accepted)
    if place is None:
        raise NotAuthentic("signature_wrong")
    return f"signature:{place}", ""


def _token(inbound: Inbound, lock: Lock, now: float) -> tuple[str, str]:
    given = inbound.values(_TOKEN_HEADER)
    if not given and lock.adopt and lock.required - {Proof.TOKEN}:
        return "adopted", ""
    if len(given) != 1:
        raise NotAuthentic("token_missing" if not given else "token_repeated")
    document_id, place = token.read(given[0], lock.token_secrets, now=now)
    return f"token:{place}", document_id


_TOKEN_HEADER = TOKEN_HEADER.lower().encode()
_PROVE: dict[Proof, Prove] = {Proof.HEADERS: _headers, Proof.SIGNATURE: _signature, Proof.TOKEN: _token}


@functools.cache
def _provers(required: frozenset[Proof]) -> tuple[Prove, ...]:
    return tuple(prove for proof, prove in _PROVE.items() if proof in required)


def sign(body: bytes, secret: bytes) -> bytes:
    """The value of ``LC-Signature`` for this body: ``sha256=<hex>``."""
    return b"sha256=" + token.mac(body, secret)


def _which(given: bytes, accepted: Sequence[bytes]) -> int | None:
    """The place of the accepted value that fits; looks at all of them, so that time tells nothing."""
    place = None
    for number, value in enumerate(accepted):
        if compare_digest(given, value):
            place = number
    return place
