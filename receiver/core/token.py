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


def make(document_id: str, secret: bytes, *, expires_at: float) -> str:
    """The token for this document's jobs, good until ``expires_at`` (Unix seconds)."""
    head = b".".join((_VERSION, _key_id(secret), str(int(expires_at)).encode(), document_id.encode()))
    return b".".join((head, _mac(head, secret))).decode()


def read(token: bytes, secrets: tuple[bytes, ...], *, now: float) -> tuple[str, int]:
    """The document that the token names, and the place of the secret that made it. Raises NotAuthentic."""
    parts = token.split(b".")
    if len(parts) != 5 or parts[0] != _VERSION:
        raise NotAuthentic("token_malformed")
    _, key_id, expiry, document_id, mac = parts
    place = next((i for i, secret in enumerate(secrets) if hmac.compare_digest(_key_id(secret), key_id)), None)
    if place is None:
        raise NotAuthentic("token_key_unknown")
    if not hmac.compare_digest(_mac(token.rpartition(b".")[0], secrets[place]), mac):
        raise NotAuthentic("token_wrong")
    if int(expiry) < now:
        raise NotAuthentic("token_expired")
    return document_id.decode(), place


@functools.lru_cache(maxsize=16)
def _key_id(secret: bytes) -> bytes:
    return hashlib.sha256(b"mailroom key id:" + secret).hexdigest()[:8].encode()


def _mac(head: bytes, secret: bytes) -> bytes:
    return hmac.digest(secret, head, "sha256").hex().encode()
