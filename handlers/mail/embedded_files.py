"""Detects files embedded in text: by programs from before MIME, or because a mail's parts cannot be separated."""

import base64
import binascii
import re

CARRIES = "it has a file embedded as text, which Mailroom does not unpack"
_SIGN = re.compile(
    rb"^(?:content-transfer-encoding[ \t]*:[ \t]*(?:base64|x-uu|uue)"  # a part of a mail, header and all
    rb"|begin(?:-base64)? [0-7]{3,4} [^\r\n]+\r?\n[!-`][ -`]{1,90}\r?$"  # uuencode
    rb"|=ybegin [^\r\n]*\bname="
    rb"|\(This file must be converted with BinHex"
    rb"|ATTACH[^:\r\n]*(?:\r?\n [^:\r\n]*){0,3}VALUE=BINARY)",  # RFC 5545: a file in a calendar entry
    re.IGNORECASE | re.MULTILINE,
)
_PIECES = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/=\s]")


def carries_file(content: bytes) -> bool:
    """Whether this text holds a file, or a part of a mail that is one."""
    return bool(_SIGN.search(content))


def unpieced(encoded: str) -> bytes | None:
    """The content of base64 that was written in several pieces, each padded; None where it was not, or is no base64.

    ``email`` ends at the first padding. What follows it and is no base64 (the footer of a mailing list) is no piece.
    """
    padded = encoded.find("=")
    rest = encoded[padded:] if padded >= 0 else ""
    if not rest.strip("= \t\r\n") or _NOT_BASE64.search(rest):
        return None
    try:
        return b"".join(base64.b64decode(item) for item in _PIECES.findall("".join(encoded.split())))
    except (binascii.Error, ValueError):
        return None
