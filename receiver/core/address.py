"""Reads the addresses in a mail's From, To and Cc strictly: ambiguous text is not an address.

It expects a field as it was sent, or with names decoded and quoted (handlers/mail/headers.py). A decoded name without
quotes may contain anything, even somebody else's address. Source: RFC 5322 section 3.4 (no obsolete forms).
"""

import re
import unicodedata

QUOTED = r'"(?:[^"\\]|\\.)*"'
COMMENT = r"\((?:[^()\\]|\\.)*\)"
_ASIDE = re.compile(f"{QUOTED}|{COMMENT}")
_ADDRESS = r"([\w!#$%&'*+/=?^`{|}~.-]+@[\w.-]+)"
_MAILBOX = re.compile(rf'[^"()<>@,;:\\]*<\s*{_ADDRESS}\s*>\s*|\s*{_ADDRESS}\s*')
"""One mailbox, after quoted names and comments are removed."""
_GROUP = re.compile(r"[^@<>:,;]*:")


def mailbox(field: str) -> str:
    """The only address in the field, unchanged; "" for none, for several, and if it is ambiguous."""
    found = _MAILBOX.fullmatch(_ASIDE.sub(" ", field))
    address = (found[1] or found[2]) if found else ""
    return address if _is_plain(address) else ""


def mailboxes(field: str) -> tuple[list[str], bool]:
    """The addresses in the field, and whether these are all: unreadable text with an @ may be another one."""
    items = [_GROUP.sub("", item) for item in re.split("[,;]", _ASIDE.sub(" ", field))]
    found = [mailbox(item) for item in items if "@" in item]
    return [item for item in found if item], all(found)


def unbalanced(field: str) -> bool:
    """Whether a quotation mark, bracket or backslash has no counterpart, so that names and addresses run together."""
    return re.search(r'["()\\]', _ASIDE.sub(" ", field)) is not None


def quoted(name: str) -> str:
    """The name as it may precede an address: quoted if it, or a part of it, could be read as an address."""
    if not re.search(r'["()<>@,;:\\]', name):
        return name
    return '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'


def _is_plain(address: str) -> bool:
    """Whether nothing in it is encoded, or changes when texts are normalized for a comparison (core/pattern.py)."""
    return "=?" not in address and unicodedata.is_normalized("NFKC", address)
