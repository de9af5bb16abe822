"""The webhook request exactly as LlamaCloud documents it: body, headers, signature. Pure: it is tested byte by byte.

Source: the vendor's page "general/webhooks" (method, headers, four fields) and the field texts of its SDK 2.19
(`LC-Signature`, output formats). What `data` holds for classify and split is published nowhere; see docs/fidelity.md.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping

USER_AGENT = "llamaindex-webhook-service/1.0"
SIGNATURE_HEADER = "LC-Signature"

# The event types of SDK 2.19 (38 of them). LlamaCloud has added to this list three times in 2026.
_HAPPENINGS = {
    "batch": ("pending", "running", "success", "error", "cancelled"),
    "classify": ("pending", "running", "success", "error", "partial_success", "cancelled"),
    "extract": ("pending", "success", "error", "partial_success", "cancelled"),
    "parse": ("pending", "running", "success", "error", "partial_success", "cancelled"),
    "sheets": ("pending", "success", "error", "partial_success", "cancelled"),
    "split": ("pending", "processing", "success", "error", "cancelled"),
    "verify": ("pending", "running", "success", "error", "cancelled"),
}
EVENT_TYPES = (*(f"{product}.{name}" for product, names in _HAPPENINGS.items() for name in names), "unmapped_event")


def body(event_id: str, event_type: str, timestamp: float, data: Mapping[str, object], output_format: str) -> bytes:
    """The raw body: an object for the format `json`, the same encoded once more as a JSON string for `string`."""
    envelope = {"event_id": event_id, "event_type": event_type, "timestamp": timestamp, "data": data}
    text = json.dumps(envelope)
    return (text if output_format == "json" else json.dumps(text)).encode()


def signature(secret: str, raw: bytes) -> str:
    """The value of `LC-Signature`: HMAC-SHA256 of the raw body, keyed with the secret's literal UTF-8 bytes."""
    return "sha256=" + hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()


def headers(
    event_id: str, event_type: str, raw: bytes, *, extra: Mapping[str, str], secret: str | None
) -> list[tuple[bytes, bytes]]:
    """The headers of one delivery; `extra` (the user's `webhook_headers`) goes verbatim; signed only with a secret."""
    pairs = {
        "Content-Type": "application/json",
        "User-Agent": USER_AGENT,
        "X-Webhook-Event-ID": event_id,
        "X-Webhook-Event-Type": event_type,
    }
    if secret is not None:
        pairs[SIGNATURE_HEADER] = signature(secret, raw)
    ours = {name.lower() for name in pairs}
    theirs = {name: value for name, value in extra.items() if name.lower() not in ours}
    return [(name.encode("latin-1"), value.encode()) for name, value in (*pairs.items(), *theirs.items())]
