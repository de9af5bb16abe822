"""The operators: who may sign in on the operator's side, and in which role.

``MAILROOM_OPERATORS`` is JSON, usually in a file that ``mailroom operators`` writes::

    {"ann": {"role": "operator", "token_sha256": "…"}, "*@example.com": {"role": "viewer"}}

Only the SHA-256 of a token is kept. A slow hash, as for passwords, would add nothing: a token has 32 random bytes,
so it cannot be found by guessing, and every request would pay for it.
"""

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from receiver.core.decision import OPERATOR
from receiver.core.forms import Wrong, read_json

EXAMPLE = '{"ann": {"role": "operator", "token_sha256": "…"}}'
TOKEN_PREFIX = "mailroom_"
ANY = "*"
"""Stands for everybody: ``*`` alone, or ``*@example.com``. Only who signs in at a proxy is meant by it."""
NAME_HELP = "letters, digits and . _ + - @ ', at most 100 of them"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+@'-]{0,99}")
_PATTERN = re.compile(r"\*(@[A-Za-z0-9.-]{1,99})?")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Role(StrEnum):
    """What an operator may do; each role may do what those before it may."""

    VIEWER = "viewer"
    """Read everything, documents too."""
    OPERATOR = "operator"
    """Decide, mend, replay and upload."""
    ADMIN = "admin"
    """Also pause and resume."""

    def covers(self, needed: "Role") -> bool:
        """Whether this role may do what ``needed`` may."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """One entry: a person, or a pattern for those who sign in at a proxy."""

    name: str
    role: Role
    token_sha256: str = ""
    """"" for somebody who signs in at a proxy only."""


@dataclass(frozen=True, slots=True)
class Operators:
    """All operators, by their names."""

    entries: Mapping[str, Operator]

    def by_name(self, name: str) -> Operator | None:
        """The operator of exactly this name."""
        return self.entries.get(name)

    def by_token(self, token: bytes) -> Operator | None:
        """Whose token this is. Every entry is compared, in constant time."""
        given, found = hash_token(token), None
        for entry in self.entries.values():
            if entry.token_sha256 and hmac.compare_digest(entry.token_sha256, given):
                found = entry
        return found

    def role_at_proxy(self, name: str) -> Role | None:
        """The role of whom a proxy signed in: by the whole name, whatever its case, else by domain, else by ``*``.

        What has more than one ``@`` is no address, so it is of no domain.
        """
        lower = name.lower()
        known = {entry.name.lower(): entry.role for entry in self.entries.values()}
        domain = f"{ANY}@{lower.partition('@')[2]}"
        return known.get(lower) or known.get(domain) or known.get(ANY)


def hash_token(token: bytes) -> str:
    """The SHA-256 of a token, in hexadecimal."""
    return hashlib.sha256(token).hexdigest()


def new_token() -> str:
    """A new token, of 32 random bytes."""
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


def read_operators(text: str) -> Operators:
    """The operators in this text. Raises Wrong, which names the entry."""
    found = read_json(text, _once, example=EXAMPLE)
    if not isinstance(found, dict):
        raise Wrong("is not a JSON object", f"write it like {EXAMPLE}")
    entries = {name: _entry(name, given) for name, given in found.items()}
    _refuse_doubles(entries.values())
    return Operators(entries)


def write_operators(entries: Iterable[Operator]) -> str:
    """The text that ``read_operators`` reads, one entry a line."""
    shown = []
    for entry in sorted(entries, key=lambda item: item.name):
        fields = {"role": str(entry.role)} | ({"token_sha256": entry.token_sha256} if entry.token_sha256 else {})
        shown.append(f"  {json.dumps(entry.name)}: {json.dumps(fields)}")
    return "{\n" + ",\n".join(shown) + "\n}\n" if shown else "{}\n"


def is_name(name: str) -> bool:
    """Whether a person can have this name."""
    return bool(_NAME.fullmatch(name)) and name.lower() != OPERATOR


def refuse_name(name: str) -> None:
    """Raises Wrong for what is no name of an operator, and no pattern."""
    if not (_NAME.fullmatch(name) or _PATTERN.fullmatch(name)):
        raise Wrong(f"names {name[:100]!r}", f"a name has {NAME_HELP}; or it is * or *@example.com")
    if name.lower() == OPERATOR:
        raise Wrong(f"names {name!r}, which is what records say of somebody without a name", "choose another name")


def _entry(name: str, given: Any) -> Operator:
    refuse_name(name)
    if not isinstance(given, dict) or given.keys() - {"role", "token_sha256"} or "role" not in given:
        raise Wrong(f"says of {name} something else than role and token_sha256", f"write it like {EXAMPLE}")
    role, sha256 = given["role"], given.get("token_sha256", "")
    if role not in tuple(Role):
        raise Wrong(f"gives {name} a role that does not exist", f"a role is one of {', '.join(Role)}")
    if not isinstance(sha256, str) or (sha256 and not _SHA256.fullmatch(sha256)):
        raise Wrong(f"has a token_sha256 of {name} that is no SHA-256", f"mailroom operators add {name} makes one")
    if sha256 and name.startswith(ANY):
        raise Wrong(f"gives {name} a token", "a token belongs to one person: give each a name")
    return Operator(name=name, role=Role(role), token_sha256=sha256)


def _refuse_doubles(entries: Iterable[Operator]) -> None:
    names, hashes = set[str](), set[str]()
    for entry in entries:
        if entry.name.lower() in names or entry.token_sha256 in hashes - {""}:
            raise Wrong(f"has the name or the token of {entry.name} twice", "remove one of the entries")
        names.add(entry.name.lower())
        hashes.add(entry.token_sha256)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    if repeated := next((name for name in names if names.count(name) > 1), None):
        raise Wrong(f"names {repeated[:100]} twice", "remove one of the entries")
    return dict(pairs)
