"""The message that points to a document: one CloudEvents 1.0 event, in JSON, and short attributes to filter by.

The message is short; the manifest, to which it points, has the verdict of each row of the table. Its schemas are
docs/schemas/event-1.json and message-1.json; docs/consumers.md says what a consumer can rely on.
Sources: CloudEvents specification 1.0.2, its JSON format, and its extension "sequence".
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from handlers.destinations.manifest import manifest_attributes
from receiver.core.delivery_request import DeliveryRequest
from receiver.core.message_type import Meaning

CONTENT_TYPE = "application/cloudevents+json"
SOURCE = "/mailroom"
SCHEMA = "urn:mailroom:message:1"
"""Version of ``data``. A change that an old consumer could misread increases it."""
MOST = 4000
"""Maximum bytes of a message. Only a path that is longer than any S3 key can exceed it."""
TEXT_KEPT = 500
"""Characters of a long text that remain if the message would be longer."""
_NO_CHARACTERS = {0xFFFE: "\ufffd", 0xFFFF: "\ufffd"}


def event_type(request: DeliveryRequest) -> str:
    """``mailroom.document.`` and the type: routed, corrected, held, unmatched, failed, superseded or available."""
    return f"mailroom.document.{request.meaning}"


def event_attributes(request: DeliveryRequest) -> dict[str, str]:
    """The attributes for filters. ``type`` and ``confidence`` exist only if a rule matched."""
    event = {"event": event_type(request), "document_id": request.document.id}
    if request.meaning is Meaning.SUPERSEDED:
        return event
    return event | {"way": request.plan.way, "review": str(request.plan.review).lower()} | manifest_attributes(request)


def cloudevent(request: DeliveryRequest) -> bytes:
    """The event, in at most MOST bytes: long texts are cut first, then lists are dropped, then all but the pointer.

    ``data.shortened`` says so; the manifest has everything.
    """
    body = b""
    for data in _shorter_and_shorter(request):
        body = _dumped(request, data)
        if len(body) <= MOST:
            break
    return body


def _shorter_and_shorter(request: DeliveryRequest) -> Iterator[dict[str, Any]]:
    if request.meaning is Meaning.SUPERSEDED:
        yield _own(request)
        return
    own = {"route": manifest_attributes(request)["route"], **_own(request)}
    whole = {**_without_rows(request.manifest), **own}
    yield whole
    cut = {**_cut_texts(whole), **own, "shortened": True}
    yield cut
    yield {**_without_lists(cut), **own}
    yield {**own, "shortened": True}


def _own(request: DeliveryRequest) -> dict[str, Any]:
    """The fields that the manifest does not have."""
    return {
        "delivery_id": request.delivery_id,
        "document_id": request.document.id,
        "sequence": request.sequence,
        "replaces": request.replaces,
        "pointer": request.pointer.url,
        "pointer_state": request.pointer.state,
        "manifest": request.pointer.manifest,
        "sha256": request.content.sha256,
    }


def event_time(request: DeliveryRequest) -> datetime:
    """When the state that the event reports began."""
    return datetime.fromtimestamp(request.at or request.plan.decided_at or request.document.taken_in_at, UTC)


def _dumped(request: DeliveryRequest, data: dict[str, Any]) -> bytes:
    event = {
        "specversion": "1.0",
        "type": event_type(request),
        "source": SOURCE,
        "id": request.delivery_id,
        "subject": request.document.id,
        "time": event_time(request).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "dataschema": SCHEMA,
        "sequence": str(request.sequence),
        "sequencetype": "Integer",
        **_extensions(request),
        "data": data,
    }
    # SQS takes the characters of XML 1.0 only: JSON escapes the control characters among the others, not these.
    text = json.dumps(event, ensure_ascii=False, separators=(",", ":")).translate(_NO_CHARACTERS)
    return text.encode(errors="replace")


def _extensions(request: DeliveryRequest) -> dict[str, Any]:
    """The attributes again, for consumers that filter events and cannot see queue attributes."""
    if request.meaning is Meaning.SUPERSEDED:
        return {}
    found = {name: value for name, value in manifest_attributes(request).items() if name in ("type", "confidence")}
    named = {"documenttype": found["type"], "confidence": found["confidence"]} if found else {}
    return {"way": request.plan.way, "review": request.plan.review, **named}


def _without_rows(manifest: Any) -> dict[str, Any]:
    """The manifest without the verdict of each row of the table: there may be thousands."""
    decision = manifest.get("decision")
    if not decision:
        return dict(manifest)
    return {**manifest, "decision": {name: value for name, value in decision.items() if name != "rows"}}


def _cut_texts(value: Any) -> Any:
    """The value with every long text cut."""
    if isinstance(value, str):
        return value if len(value) <= TEXT_KEPT else value[:TEXT_KEPT] + "…"
    if isinstance(value, dict):
        return {name: _cut_texts(item) for name, item in value.items()}
    return [_cut_texts(item) for item in value] if isinstance(value, list | tuple) else value


def _without_lists(value: Any) -> Any:
    """The value without its lists and the document's metadata."""
    if isinstance(value, dict):
        return {
            name: _without_lists(item)
            for name, item in value.items()
            if not isinstance(item, list | tuple) and name != "metadata"
        }
    return value
