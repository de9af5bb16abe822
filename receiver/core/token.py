"""The per-job token: a header value that proves one document's job and no other.

``v1.<key id>.<expiry>.<document id>.<hmac>``, HMAC-SHA256 by our secret over all that stands before it. It is sent to
LlamaCloud as a header of the job's own webhook configuration. The key id says which secret made it, so that secrets
rotate one by one.
"""

import functools
import hashlib
import hmac

from receiver.core.errors import NotAuthentic

_VERSION = b"v1"


def make_token(document_id: str, secret: bytes, *, expires_at: float) -> str:
    """The token for this document's jobs, good until ``expires_at`` (Unix seconds)."""
    head = b".".join((_VERSION, _key_id(secret), str(int(expires_at)).encode(), document_id.encode()))
    return b".".join((head, mac(head, secret))).decode()


def read_token(token: bytes, secrets: tuple[bytes, ...], *, now: float) -> tuple[str, int]:
    """The document that the token names, and the place of the secret that made it. Raises NotAuthentic."""
    parts = token.split(b".")
    if len(parts) != 5 or parts[0] != _VERSION:
        raise NotAuthentic("token_malformed")
    _, key_id, expiry, document_id, given = parts
    place = _maker(key_id, secrets)
    if place is None:
        raise NotAuthentic("token_key_unknown")
    if not hmac.compare_digest(mac(token[: -len(given) - 1], secrets[place]), given):
        raise NotAuthentic("token_wrong")
    if int(expiry) < now:
        raise NotAuthentic("token_expired")
    return document_id.decode(), place


def _maker(key_id: bytes, secrets: tuple[bytes, ...]) -> int | None:
    """The place of the secret with this key id."""
    for place, secret in enumerate(secrets):
        if hmac.compare_digest(_key_id(secret), key_id):
            return place
    return None


@functools.lru_cache(maxsize=16)
def _key_id(secret: bytes) -> bytes:
    return hashlib.sha256(b"mailroom key id:" + secret).hexdigest()[:8].encode()


def mac(message: bytes, secret: bytes) -> bytes:
    """HMAC-SHA256 of the message, in hexadecimal."""
    begun = keyed(secret)
    begun.update(message)
    return begun.hexdigest().encode()


def keyed(secret: bytes) -> hmac.HMAC:
    """An HMAC-SHA256 by this secret, to be fed."""
    return _keyed(secret).copy()


@functools.lru_cache(maxsize=32)
def _keyed(secret: bytes) -> hmac.HMAC:
    """What the secret alone makes of an HMAC, once; ``hmac.digest`` does it each time, and lets go of the GIL."""
    return hmac.new(secret, digestmod="sha256")
