"""What secrets must be before anything starts, and what a renewal may not do: settings call these, and so do renewals.

A rule that is broken is Misconfigured and names the variable, never the value.
"""

import re
from collections.abc import Iterable

import msgspec

from receiver.core.errors import Misconfigured
from receiver.core.verify import SIGNATURE_HEADER, TOKEN_HEADER, Lock, Proof

SHORTEST = 16
"""Bytes. What is shorter can be guessed, or was typed to try things out."""
FILE_LIMIT = 64 * 1024
"""Bytes that are read of a secret's file."""
HEADERS = "MAILROOM_WEBHOOK_HEADERS"

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[!-~](?:[ !-~]*[!-~])?")
"""What arrives as it was sent: visible ASCII, with spaces only inside (RFC 9110, 5.5)."""
_TAKEN = {SIGNATURE_HEADER.decode(), TOKEN_HEADER.lower(), "host", "connection", "content-length", "content-type"}


def items(variable: str, text: str) -> tuple[bytes, ...]:
    """The secrets of a comma-separated list; () when nothing is set."""
    if not text:
        return ()
    parts = [part.strip() for part in text.split(",")]
    for place, part in enumerate(parts, 1):
        if not part:
            raise Misconfigured(
                f"{variable}: item {place} of {len(parts)} is empty", fix="write the secrets with one comma between two"
            )
        if not part.isprintable():
            raise Misconfigured(f"{variable}: item {place} holds a line break or another control character")
    return tuple(part.encode() for part in parts)


def headers(text: str) -> dict[str, list[str]]:
    """The static headers: name -> accepted values, of which the first is sent; {} when nothing is set."""
    if not text:
        return {}
    try:
        named = msgspec.json.decode(text, type=dict[str, list[str]])
    except msgspec.MsgspecError:
        raise Misconfigured(
            f'{HEADERS} must be a JSON object of lists, like {{"X-Mailroom-Key": ["new", "old"]}}'
        ) from None
    if not named:
        raise Misconfigured(f"{HEADERS} names no header", fix="name one, or do not set it")
    seen: set[str] = set()
    for name, values in named.items():
        if not _NAME.fullmatch(name) or name.lower() in _TAKEN | seen:
            raise Misconfigured(f"{HEADERS}: {name!r} cannot be a header of its own", fix="like X-Mailroom-Key")
        seen.add(name.lower())
        if not values or not all(values):
            raise Misconfigured(f"{HEADERS}: {name} needs at least one value, and none may be empty")
        if not all(map(_VALUE.fullmatch, values)):
            raise Misconfigured(f"{HEADERS}: a value of {name} holds more than visible ASCII, and would not arrive")
    return named


def refuse_short(variable: str, values: Iterable[bytes]) -> None:
    """Raises Misconfigured for a secret that could be guessed."""
    for place, value in enumerate(values, 1):
        if len(value) < SHORTEST:
            raise Misconfigured(
                f"{variable}: secret {place} is shorter than {SHORTEST} bytes",
                fix="python3 -c 'import secrets; print(secrets.token_urlsafe(32))' makes a good one "
                "(to try things out: MAILROOM_ALLOW_UNVERIFIED=true)",
            )


def refuse_other_proofs(before: Lock, after: Lock) -> None:
    """Raises Misconfigured when events would have to prove something else than when the process started."""
    asked, asks = _asked(before), _asked(after)
    if gone := sorted(asked - asks):
        raise Misconfigured(f"{', '.join(gone)} would not be asked for any more", fix=_FIX)
    if more := sorted(asks - asked):
        raise Misconfigured(f"{', '.join(more)} would be asked for, which jobs under way do not send", fix=_FIX)


def _asked(lock: Lock) -> set[str]:
    names = lock.headers if Proof.HEADERS in lock.required else ()
    return {*lock.required, *(f"the header {name.decode()}" for name in names)}


_FIX = "put the secret back; which proofs are required changes with a restart only"


def decoded(variable: str, path: str, content: bytes) -> str:
    """The text of a secret's file."""
    if len(content) > FILE_LIMIT:
        raise Misconfigured(f"{variable}: {path} is over {FILE_LIMIT} bytes")
    try:
        text = content.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise Misconfigured(f"{variable}: {path} is not UTF-8 text") from None
    return filled(variable, path, text)


def filled(variable: str, source: str, text: str) -> str:
    """The text that was read for this variable, which must not be empty: that would be as if nothing were required."""
    if not text:
        raise Misconfigured(
            f"{variable}: {source} is empty",
            fix="write the new value aside and rename it into place; to have none, do not set the variable",
        )
    return text
