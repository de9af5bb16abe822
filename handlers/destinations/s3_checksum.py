"""What S3's answers prove about the bytes of an object.

Sources, all of the S3 API reference: the answer to PutObject and CopyObject has the SHA-256 that S3 computed of what it
stored, where one was sent or asked for; an ETag is the MD5 of an object in one piece, unless a KMS key encrypts it.
"""

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

HEX_DIGITS, BASE64_DIGITS = 64, 44
"""The length of a SHA-256 as text."""


def as_base64(sha256: str) -> str:
    """A SHA-256 in hex, as S3 writes it."""
    return base64.b64encode(bytes.fromhex(sha256)).decode()


def proves(written: Mapping[str, Any], body: bytes) -> bool:
    """Whether the answer to a write shows that exactly these bytes were stored: then nobody needs to ask again.

    A store that returns no checksum, as some of other makers, may still return the MD5.
    """
    if checksum := written.get("ChecksumSHA256"):
        return bool(checksum == as_base64(hashlib.sha256(body).hexdigest()))
    return bool(written.get("ETag", "").strip('"') == hashlib.md5(body, usedforsecurity=False).hexdigest())


def sha256_in(answer: Mapping[str, Any]) -> str:
    """The SHA-256 that S3 vouches for, in hex; of an object in parts the one that we wrote with it; "" if neither.

    Half of one, cut off with the connection, is none: who needs it reads the object.
    """
    checksum = answer.get("ChecksumSHA256", "")
    if "-" in checksum:
        recorded = str(answer.get("Metadata", {}).get("sha256", ""))
        return recorded if len(recorded) == HEX_DIGITS else ""
    return base64.b64decode(checksum).hex() if len(checksum) == BASE64_DIGITS else ""
