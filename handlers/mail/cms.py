"""Opens signed containers (CMS, RFC 5652), into which S/MIME puts a whole mail and ``.p7m`` a file.

Signatures are not verified: no route depends on them.
"""

import base64
import binascii
import re

from handlers.mail.tree import LOCKED

_ARMOUR = re.compile(rb"-----[A-Z0-9 #]+-----")
_LOCKED = frozenset({"enveloped_data", "authenticated_enveloped_data", "encrypted_data", "signed_and_enveloped_data"})


class Closed(ValueError):
    """The container cannot be opened; the message says why."""


def signed_content(content: bytes) -> bytes | None:
    """The signed content; None for a detached signature. Raises Closed."""
    from asn1crypto import cms, core

    try:
        info = cms.ContentInfo.load(_binary(content))
        kind = str(info["content_type"].native)
        if kind in _LOCKED:
            raise Closed(LOCKED)
        if kind != "signed_data":
            raise Closed(f"Mailroom does not open a container of {kind.replace('_', ' ')}")
        inner = info["content"]["encap_content_info"]["content"]
        return None if isinstance(inner, core.Void) else bytes(inner)
    except (TypeError, KeyError, AttributeError, binascii.Error, ValueError) as error:
        if isinstance(error, Closed):
            raise
        raise Closed(f"its signed container cannot be read: {error}"[:200]) from error


def _binary(content: bytes) -> bytes:
    if content[:1] == b"\x30":
        return content
    return base64.b64decode(_ARMOUR.sub(b"", content))
