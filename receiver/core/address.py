"""Addresses in a mail's From, To and Cc, read strictly: what could be read in two ways is no address.

Expects a field as it was sent, or with its names decoded and quoted (handlers/mail/headers.py). A decoded name that
is not quoted may hold anything, an address of somebody else's too. Source: RFC 5322 section 3.4 (no obsolete forms).
"""

import re
import unicodedata

QUOTED = r'"(?:[^"\\]|\\.)*"'
COMMENT = r"\((?:[^()\\]|\\.)*\)"
_ASIDE = re.compile(f"{QUOTED}|{COMMENT}")
_ADDRESS = r"([\w!#$%&'*+/=?^`{|}~.-]+@[\w.-]+)"
_MAILBOX = re.compile(rf'[^"()<>@,;:\\]*<\s*{_ADDRESS}\s*>\s*|\s*{_ADDRESS}\s*')
"""One mailbox, once quoted names and comments are taken out of it."""
_GROUP = re.compile(r"[^@<>:,;]*:")


def mailbox(field: str) -> str:
    """The one address that the field holds, as it stands there; "" for none, for several, and where there is doubt."""
    found = _MAILBOX.fullmatch(_ASIDE.sub(" ", field))
    address = (found[1] or found[2]) if found else ""
    return address if _is_plain(address) else ""


def mailboxes(field: str) -> tuple[list[str], bool]:
    """The addresses that the field holds, and whether they are all: what has an @ and cannot be read may be one too."""
    items = [_GROUP.sub("", item) for item in re.split("[,;]", _ASIDE.sub(" ", field))]
    found = [mailbox(item) for item in items if "@" in item]
    return [item for item in found if item], all(found)


def unbalanced(field: str) -> bool:
    """Whether a quotation mark, a bracket or a backslash in it has no counterpart: names and addresses run together."""
    return re.search(r'["()\\]', _ASIDE.sub(" ", field)) is not None


def quoted(name: str) -> str:
    """The name as it may stand before an address, quoted where a reader could take it, or a part of it, for one."""
    if not re.search(r'["()<>@,;:\\]', name):
        return name
    return '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'


def _is_plain(address: str) -> bool:
    """Nothing in it is encoded, or would turn into another character where texts are compared (core/pattern.py)."""
    return "=?" not in address and unicodedata.is_normalized("NFKC", address)
