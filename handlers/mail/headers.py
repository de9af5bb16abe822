"""Reads header fields. Hostile fields are long, so each is cut before anything with more than linear cost reads it."""

import re
from email.errors import HeaderParseError
from email.header import decode_header
from email.headerregistry import HeaderRegistry
from email.message import Message

from receiver.core import address
from receiver.core.safe_names import whole

FIELD_CHARS = 4000
VALUE_CHARS = 1000
NAME_CHARS = 255
ADDRESSES = frozenset({"From", "To", "Cc"})
"""Fields with names and addresses."""
_WORD = r"=\?[^?\s]+\?[bq]\?[^?\"()<>@,;:\\]*\?="
_NAME = re.compile(rf"{address.QUOTED}|{address.COMMENT}|{_WORD}(?:\s+{_WORD})*", re.IGNORECASE)
_parsed = HeaderRegistry()

Mime = Message
"""A message or a part of one, with ``email``'s older policy: the newer one parses every field at once."""


def field(part: Mime, name: str) -> str:
    """The first field of this name, decoded, as one line; "" if there is none. Names that look like addresses are
    quoted."""
    raw = next(iter(_raw(part, name)), "")[:FIELD_CHARS]
    return (_with_names(raw) if name in ADDRESSES else words(raw))[:VALUE_CHARS]


def sender(part: Mime) -> str:
    """The bare address in From, in lower case; "" for none, for several, and if two parsers could read different ones.

    It is read from the undecoded field: a name may decode into anything, even into somebody else's address.
    """
    fields = _raw(part, "From")
    if len(fields) != 1 or len(fields[0]) > FIELD_CHARS:
        return ""
    line = _line(fields[0])
    found = address.mailbox(line)
    return whole(found.lower()) if found and found == _as_python_reads(line) else ""


def _as_python_reads(line: str) -> str:
    """The address as ``email`` parses it, for which an encoded word is a unit, whatever it contains."""
    try:
        groups = _parsed("From", line).groups  # type: ignore[attr-defined]
    except (ValueError, LookupError, AttributeError, TypeError, HeaderParseError, RecursionError):
        return ""  # it fails on some hostile fields
    return str(groups[0].addresses[0].addr_spec) if [len(item.addresses) for item in groups] == [1] else ""


def _raw(part: Mime, name: str) -> list[str]:
    return [str(value) for key, value in part.raw_items() if key.lower() == name.lower()]


def _line(raw: str) -> str:
    """The field as one line. Bytes outside ASCII are read as UTF-8, or else as Latin-1."""
    return " ".join(_text(raw.encode("utf-8", "surrogateescape"), "").split())


def _with_names(raw: str) -> str:
    """A field of addresses with decoded names, of which none can pass for an address afterwards."""
    line = _line(raw)
    return whole(line if address.unbalanced(line) else _NAME.sub(_decoded, line))


def _decoded(found: re.Match[str]) -> str:
    name = found[0]
    if name.startswith("(") or (name.startswith('"') and "=?" not in name):
        return name
    return address.quoted(words(re.sub(r"\\(.)", r"\1", name[1:-1]) if name.startswith('"') else name))


def words(raw: str) -> str:
    """A field's value as text, with encoded words decoded."""
    text = _line(raw)
    try:
        read = "".join(
            item if isinstance(item, str) else _text(item, charset or "") for item, charset in decode_header(text)
        )
    except (HeaderParseError, ValueError):
        read = text
    return whole(" ".join(read.split()))


def _text(content: bytes, charset: str) -> str:
    for name in (charset, "utf-8"):
        try:
            if name:
                return content.decode(name)
        except (LookupError, ValueError):
            continue
    return content.decode("latin-1")


def bound(part: Mime) -> None:
    """Cuts fields whose parameters are parsed, because parsing takes quadratic time."""
    for name in ("Content-Type", "Content-Disposition"):
        if len(value := str(part.get(name, ""))) > FIELD_CHARS:
            part.replace_header(name, value[:FIELD_CHARS])


def attachment_name(part: Mime) -> str:
    """The name that the sender gave the part; "" for none."""
    try:
        named = part.get_filename("")
    except (LookupError, ValueError, TypeError):
        named = ""
    return words(str(named))[-NAME_CHARS:]


def charset(part: Mime) -> str:
    """The charset that the part names; "" for none."""
    try:
        named = part.get_content_charset("")
    except (LookupError, ValueError, TypeError):
        return ""
    return str(named).strip("'\" ")[:60]
