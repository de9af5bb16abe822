"""Is it mail? Told by its header block, read to its end: by what the fields are, not by where they stand.

RFC 5322 asks only for From and Date. A memo that somebody typed begins with these words too, so a field counts for what
only a program writes into it: a trace field, a date with time and zone, a Message-ID, an address.
"""

import re

HEAD_BYTES = 256 * 1024
"""Bytes from the start of a file that are enough to judge it: no mail server takes a longer header block."""
VALUE_BYTES = 2000
"""How much of a field is looked at: enough for what a program writes, too little for a search to take long."""

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
"""Fields that only transport writes, and what stands in them then."""
_TRACE_PREFIXES = (b"arc-", b"x-ses-", b"x-ms-exchange-")
_MULTIPART = re.compile(rb"multipart/\S.*\bboundary\b", re.IGNORECASE)
_HOLDS_PARTS = re.compile(rb"multipart/(?!related\b|form-data\b)\S.*\bboundary\b", re.IGNORECASE)
"""Only a mail is that; a page that a browser saved is ``multipart/related``."""
_DATE = re.compile(rb"\d{1,2}[ \t]+[A-Za-z]{3}[ \t]+\d{2,4}[ \t]+\d{1,2}:\d{2}(:\d{2})?[ \t]+([+-]\d{4}|[A-Za-z]{1,5})")
_ADDRESS = re.compile(rb"[^\s@<>,;:]@[^\s@<>,;:]")
_MESSAGE_ID = re.compile(rb"<[^<>\s]+>")
LENGTH = re.compile(rb"(\d{1,12})[ \t]*\r?\n")
"""Before a mail as Apple Mail keeps it (``.emlx``): its length in bytes; a property list follows the mail."""
_FROM_LINE = re.compile(rb"From [^\r\n]*\r?\n")


def is_mail(head: bytes) -> bool:
    """Whether it is an e-mail as a program wrote it; a line ``From `` of an mbox may stand before it.

    A page that a browser saved has a header block too (MHTML), but nobody sent it.
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
    """The fields that the file begins with, in lower case, each with its first value; {} when it begins otherwise."""
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
    """Whether it is made of parts as mails are, though it names nobody: a draft, a scanner's work."""
    if b"mime-version" not in fields or b"content-location" in fields:
        return False
    encoded = fields.get(b"content-transfer-encoding", b"").lower() == b"base64"
    return encoded or bool(_HOLDS_PARTS.match(fields.get(b"content-type", b"")))
