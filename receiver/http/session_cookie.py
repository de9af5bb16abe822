"""The cookie of a session: what it says, signed by us, so that no process has to keep it.

Its value is a token of core/token.py whose subject is the session in JSON, as base64. The token expires when the
session was idle for too long; the session itself says when it ends at the latest.
"""

import base64
import json
from dataclasses import dataclass

from receiver.core import token
from receiver.core.errors import NotAuthentic

PLAIN, SECURE = "mailroom", "__Host-mailroom"
"""The cookie's name over HTTP and over HTTPS, where browsers let no other host set one that begins with __Host-."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A session of the page."""

    id: str
    name: str
    """The operator; "" for MAILROOM_ADMIN_TOKEN."""
    mark: str
    """Changes with the token that it began with: a session does not outlive that."""
    ends_at: float
    """When it ends at the latest, in Unix seconds."""
    used_at: float
    """When this cookie was made."""


def write_cookie(session: Session, key: bytes, *, idle_seconds: float) -> str:
    """The cookie's value, which is good until the session was idle for so long, or ends."""
    fields = [session.id, session.name, session.mark, session.ends_at, session.used_at]
    subject = base64.urlsafe_b64encode(json.dumps(fields).encode()).decode().rstrip("=")
    return token.make_token(subject, key, expires_at=min(session.used_at + idle_seconds, session.ends_at))


def read_cookie(value: str, keys: tuple[bytes, ...], *, now: float) -> tuple[Session, bytes]:
    """The session, and the key that signed it. Raises NotAuthentic: ``token_expired`` for one that is over."""
    try:
        subject, place = token.read_token(value.encode(), keys, now=now)
    except ValueError as error:  # no text that a cookie of ours can have
        raise NotAuthentic("token_malformed") from error
    fields = json.loads(base64.urlsafe_b64decode(subject + "=" * (-len(subject) % 4)))
    names = ("id", "name", "mark", "ends_at", "used_at")
    return Session(**dict(zip(names, fields, strict=True))), keys[place]


def credential_mark(credential: str, key: bytes) -> str:
    """What a session remembers of the token that it began with: enough to notice another one, not to find it."""
    return token.mac(b"credential of a session:" + credential.encode(), key).decode()[:16]
