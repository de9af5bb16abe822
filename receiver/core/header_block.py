"""Decides whether a file is mail, by the fields of its whole header block, in any order.

RFC 5322 requires only From and Date. A typed memo may begin with these words, too, so a field counts only for what a
program writes: a trace field, a date with time and zone, a Message-ID, an address.
"""

import re

HEAD_BYTES = 256 * 1024
"""Bytes from the start of a file that are enough to decide: no mail server accepts a longer header block."""
VALUE_BYTES = 2000
"""How much of a field is read: enough for what programs write, and little enough to search quickly."""

_FIELD = re.compile(rb"([!-9;-~]{1,120})[ \t]*:")
_TRACE: dict[bytes, re.Pattern[bytes]] = {
    b"received": re.compile(rb"\b(from|by)\b.*;|\bby\b.*\b(with|id)\b", re.IGNORECASE),
    b"return-path": re.compile(rb"<[^<>]*>|\S+@\S+"),
    b"delivered-to": re.compile(rb"\S+@\S+"),
    b"x-original-to": re.compile(rb"\S+@\S+"),
    b"envelope-to": re.compile(rb"\S+@\S+"),
    b"dkim-signature": re.compile(rb"\bb=", re.IGNORECASE),
    b"x-received": re.compile(rb"\bby\b", re.IGNORECASE),
    b"received-spf": re.compile(rb"."),
    b"authentication-results": re.compile(rb"."),
}
"""Fields that only mail transport writes -> their content."""
_TRACE_PREFIXES = (b"arc-", b"x-ses-", b"x-ms-exchange-")
_MULTIPART = re.compile(rb"multipart/\S.*\bboundary\b", re.IGNORECASE)
_HOLDS_PARTS = re.compile(rb"multipart/(?!related\b|form-data\b)\S.*\bboundary\b", re.IGNORECASE)
"""Only mails have that; a page saved by a browser is ``multipart/related``."""
_DATE = re.compile(rb"\d{1,2}[ \t]+[A-Za-z]{3}[ \t]+\d{2,4}[ \t]+\d{1,2}:\d{2}(:\d{2})?[ \t]+([+-]\d{4}|[A-Za-z]{1,5})")
_ADDRESS = re.compile(rb"[^\s@<>,;:]@[^\s@<>,;:]")
_MESSAGE_ID = re.compile(rb"<[^<>\s]+>")
LENGTH = re.compile(rb"(\d{1,12})[ \t]*\r?\n")
"""The length in bytes, which precedes a mail in Apple Mail's files (``.emlx``); a property list follows it."""
_FROM_LINE = re.compile(rb"From [^\r\n]*\r?\n")


def is_mail(head: bytes) -> bool:
    """Whether it is an e-mail written by a program; an mbox line ``From `` may precede it.

    A page saved by a browser (MHTML) has a header block, too, but nobody sent it.
    """
    fields = header_fields(head)
    if not fields or b"snapshot-content-location" in fields:
        return False
    if any(_traced(name, value) for name, value in fields.items()):
        return True
    written = any(_ADDRESS.search(fields.get(name, b"")) for name in (b"from", b"sender"))
    if written and _DATE.search(fields.get(b"date", b"")):
        return len(fields) > 2
    if b"mime-version" not in fields and not _MULTIPART.match(fields.get(b"content-type", b"")):
        return False
    if _holds_parts(fields):
        return True
    sent = any(_ADDRESS.search(fields.get(name, b"")) for name in (b"to", b"cc", b"bcc"))
    return written or sent or bool(_MESSAGE_ID.search(fields.get(b"message-id", b"")))


def header_fields(head: bytes) -> dict[bytes, bytes]:
    """The file's header fields in lower case, each with its first value; {} if it does not begin with fields."""
    start = head[:HEAD_BYTES].removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n")
    if found := _FROM_LINE.match(start) or LENGTH.match(start):
        start = start[found.end() :]
    fields: list[tuple[bytes, bytes]] = []
    for line in start.split(b"\n"):
        if line[:1] in (b" ", b"\t") and fields:
            name, value = fields[-1]
            fields[-1] = name, (value if len(value) > VALUE_BYTES else value + b" " + line.strip())
        elif begun := _FIELD.match(line):
            fields.append((begun[1].lower(), line[begun.end() :].strip()))
        elif not (fields and line.startswith(b">From ")):
            break
    return {name: value[:VALUE_BYTES] for name, value in reversed(fields)}


def _traced(name: bytes, value: bytes) -> bool:
    if name.startswith(_TRACE_PREFIXES):
        return True
    return name in _TRACE and bool(_TRACE[name].search(value))


def _holds_parts(fields: dict[bytes, bytes]) -> bool:
    """Whether it has parts like a mail, but no sender: a draft, or the output of a scanner."""
    if b"mime-version" not in fields or b"content-location" in fields:
        return False
    encoded = fields.get(b"content-transfer-encoding", b"").lower() == b"base64"
    return encoded or bool(_HOLDS_PARTS.match(fields.get(b"content-type", b"")))
