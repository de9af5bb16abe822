"""What S3's responses prove about the bytes of an object.

Sources, all in the S3 API reference: the response to PutObject and CopyObject has the SHA-256 that S3 computed for the
stored bytes, if one was sent or requested; an ETag is the MD5 of an object in one piece, unless a KMS key encrypts it.
"""

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

HEX_DIGITS, BASE64_DIGITS = 64, 44
"""The length of a SHA-256 as text."""


def as_base64(sha256: str) -> str:
    """A SHA-256, given in hex, in base64 as in S3."""
    return base64.b64encode(bytes.fromhex(sha256)).decode()


def proves(written: Mapping[str, Any], body: bytes) -> bool:
    """Whether the response to a write proves that exactly these bytes were stored, so that no request is needed.

    Some stores of other vendors return no checksum, but the MD5.
    """
    if checksum := written.get("ChecksumSHA256"):
        return bool(checksum == as_base64(hashlib.sha256(body).hexdigest()))
    return bool(written.get("ETag", "").strip('"') == hashlib.md5(body, usedforsecurity=False).hexdigest())


def sha256_in(answer: Mapping[str, Any]) -> str:
    """The SHA-256 that S3 computed, in hex; for an object in parts the one in our metadata; "" if there is neither.

    A truncated one counts as none; the object must then be read.
    """
    checksum = answer.get("ChecksumSHA256", "")
    if "-" in checksum:
        recorded = str(answer.get("Metadata", {}).get("sha256", ""))
        return recorded if len(recorded) == HEX_DIGITS else ""
    return base64.b64decode(checksum).hex() if len(checksum) == BASE64_DIGITS else ""
