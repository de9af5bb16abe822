"""Detects files that are embedded in text: programs did that before MIME, and broken mails do."""

import base64
import binascii
import re

CARRIES = "it has a file embedded as text, which Mailroom does not unpack"
_SIGN = re.compile(
    rb"^(?:content-transfer-encoding[ \t]*:[ \t]*(?:base64|x-uu|uue)"  # a MIME part with its header
    rb"|begin(?:-base64)? [0-7]{3,4} [^\r\n]+\r?\n[!-`][ -`]{1,90}\r?$"  # uuencode
    rb"|=ybegin [^\r\n]*\bname="
    rb"|\(This file must be converted with BinHex"
    rb"|ATTACH[^:\r\n]*(?:\r?\n [^:\r\n]*){0,3}VALUE=BINARY)",  # a file in a calendar entry (RFC 5545)
    re.IGNORECASE | re.MULTILINE,
)
_PIECES = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/=\s]")


def carries_file(content: bytes) -> bool:
    """Whether this text contains a file, or a MIME part with one."""
    return bool(_SIGN.search(content))


def unpieced(encoded: str) -> bytes | None:
    """The content of base64 that was written in several padded pieces; None if it was not, or is not base64.

    ``email`` stops at the first padding. Text after that which is not base64 (a mailing list's footer) is ignored.
    """
    padded = encoded.find("=")
    rest = encoded[padded:] if padded >= 0 else ""
    if not rest.strip("= \t\r\n") or _NOT_BASE64.search(rest):
        return None
    try:
        return b"".join(base64.b64decode(item) for item in _PIECES.findall("".join(encoded.split())))
    except (binascii.Error, ValueError):
        return None
