"""What destinations write about a document: the manifest file beside it, and short attributes for filters."""

import json
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from receiver.core.delivery_request import CopyMark, DeliveryRequest
from receiver.core.manifest import SUFFIX as SUFFIX
from receiver.core.manifest import stored_manifest

DELIVERY = "delivery-id"
"""The metadata that marks every object that Mailroom delivers to S3, manifests included."""
_NOT_ALLOWED = re.compile(r"[^A-Za-z0-9 +\-=._:/@]")


def manifest_file(request: DeliveryRequest, *, sha256: str) -> bytes:
    """The manifest beside the document. Repetitions of a delivery give the same bytes."""
    content = stored_manifest(
        request.manifest,
        delivery_id=request.delivery_id,
        document_id=request.document.id,
        location=request.url,
        sha256=sha256,
    )
    return _as_file(content)


def marked_manifest(there: bytes, mark: CopyMark) -> bytes | None:
    """The existing manifest with the mark that its copy is superseded, or without it.

    None if nothing is to be written: the manifest is as it should be, or is not about this document.
    """
    try:
        stored = json.loads(there)
    except (ValueError, RecursionError):
        return None
    if not isinstance(stored, dict) or stored.get("document_id") != mark.document_id:
        return None
    changed = {name: value for name, value in stored.items() if name != "superseded"}
    if mark.superseded is not None:
        changed["superseded"] = dict(mark.superseded)
    return None if changed == stored else _as_file(changed)


def _as_file(content: Mapping[str, Any]) -> bytes:
    return (json.dumps(content, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode(errors="replace")


def same_manifest(there: bytes, request: DeliveryRequest) -> bool:
    """Whether an existing manifest is about this document.

    An earlier delivery may have written it with other content, because the document was decided again since. The first
    manifest stays.
    """
    try:
        stored = json.loads(there)
    except (ValueError, RecursionError):
        return False
    return isinstance(stored, dict) and stored.get("document_id") == request.document.id


def manifest_attributes(request: DeliveryRequest) -> dict[str, str]:
    """The attributes for filters and searches: document_id, route and, if a rule matched, type and confidence.

    A document that matches no rule has neither: its confidence is that nothing matches, and a filter for high
    confidence must not select it. No attribute is empty, or has control characters.
    """
    found, delivery = request.document.effective, request.document.delivery(request.delivery_id)
    route = (delivery.route if delivery else "") or request.plan.route or request.plan.way
    named: dict[str, Any] = {"document_id": request.document.id, "route": route}
    if found is not None and found.type:
        named |= {"type": found.type, "confidence": f"{found.confidence:.4f}"}
    return {name: _printable(str(value))[:256] or "_" for name, value in named.items()}


def _printable(text: str) -> str:
    """The text without control characters."""
    return text if text.isprintable() else "".join(c for c in text if c.isprintable())


def ascii_safe(value: str, limit: int = 256) -> str:
    """The value in characters that headers, tags and message attributes all allow; recognisable, never empty.

    S3 tags allow letters, digits, spaces and ``+ - = . _ : / @``, at most 256 characters; the others allow more.
    """
    plain = value if value.isascii() else _without_accents(value)
    kept = _NOT_ALLOWED.sub("_", plain).strip()
    return kept[:limit] or "_"


def _without_accents(value: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", value) if not unicodedata.combining(c))
