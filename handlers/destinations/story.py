"""What destinations tell of a document: the manifest file beside it, and short facts for filters."""

import json
import unicodedata
from typing import Any

from receiver.core.manifest import SUFFIX as SUFFIX
from receiver.core.manifest import stored_manifest
from receiver.core.parcel import Parcel

DELIVERY = "delivery-id"
"""The metadata by which every object that Mailroom delivers to S3 is known, manifests among them."""


def manifest_file(parcel: Parcel, *, sha256: str) -> bytes:
    """The manifest that lies beside the document: the same bytes for the same delivery, however often it is made."""
    said = stored_manifest(
        parcel.manifest,
        delivery_id=parcel.delivery_id,
        document_id=parcel.document.id,
        location=parcel.url,
        sha256=sha256,
    )
    return (json.dumps(said, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode(errors="replace")


def same_story(there: bytes, parcel: Parcel) -> bool:
    """Whether a manifest that is there already tells of this document.

    Its own earlier delivery may have said it in other words (decided again since); the first one stays.
    """
    try:
        said = json.loads(there)
    except (ValueError, RecursionError):
        return False
    return isinstance(said, dict) and said.get("document_id") == parcel.document.id


def facts(parcel: Parcel) -> dict[str, str]:
    """What filters and people look for: document_id, route and, where a rule matched, type and confidence.

    A document that no rule fits has neither: the classifier is certain that nothing fits, and a filter for certain
    documents must not take it. None is empty or has control characters.
    """
    found, delivery = parcel.document.classification, parcel.document.delivery(parcel.delivery_id)
    route = (delivery.route if delivery else "") or parcel.plan.route or parcel.plan.way
    named: dict[str, Any] = {"document_id": parcel.document.id, "route": route}
    if found is not None and found.type:
        named |= {"type": found.type, "confidence": f"{found.confidence:.4f}"}
    return {name: "".join(c for c in str(value) if c.isprintable())[:256] or "_" for name, value in named.items()}


def ascii_safe(value: str, limit: int = 256) -> str:
    """The value in letters that headers, tags and message attributes all take; recognisable, never empty.

    S3 tags allow letters, digits, spaces and ``+ - = . _ : / @``, 256 characters at most; the others allow more.
    """
    plain = (c for c in unicodedata.normalize("NFKD", value) if not unicodedata.combining(c))
    kept = "".join(c if c.isascii() and (c.isalnum() or c in " +-=._:/@") else "_" for c in plain).strip()
    return kept[:limit] or "_"
