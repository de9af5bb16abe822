"""Header fields in words. Hostile ones are long: each is cut before anything with more than linear cost looks at it."""

from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.utils import parseaddr

from receiver.core.naming import whole

FIELD_CHARS = 4000
VALUE_CHARS = 1000
NAME_CHARS = 255

Mime = Message
"""A message or a part of one, by ``email``'s older policy: the newer one takes every field apart at once."""


def field(part: Mime, name: str) -> str:
    """The first field of this name, decoded, as one line; "" when there is none."""
    raw = next((str(value) for key, value in part.raw_items() if key.lower() == name.lower()), "")
    return words(raw[:FIELD_CHARS])[:VALUE_CHARS]


def words(raw: str) -> str:
    """A field's value as text: encoded words are decoded, bytes that are no ASCII are read as UTF-8 or else Latin-1."""
    text = " ".join(_text(raw.encode("utf-8", "surrogateescape"), "").split())
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


def without_angles(sender: str) -> str:
    """The bare address in a From field, in lower case; "" for what is none."""
    try:
        return whole(parseaddr(sender)[1].lower())
    except (RecursionError, IndexError):
        return ""


def bound(part: Mime) -> None:
    """Cuts fields whose parameters are looked at: taking parameters apart costs the square of their length."""
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
