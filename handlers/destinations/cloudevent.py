"""The message that points to a document: one CloudEvents 1.0 event, in JSON, and short attributes to filter by.

It is short: what each row of the table said stands in the manifest, which the message points to. Its schemas are
docs/schemas/event-1.json and message-1.json; docs/consumers.md says what a consumer can rely on.
Sources: CloudEvents specification 1.0.2, its JSON format, and its extension "sequence".
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from handlers.destinations.story import facts
from receiver.core.meaning import Meaning
from receiver.core.parcel import Parcel

CONTENT_TYPE = "application/cloudevents+json"
SOURCE = "/mailroom"
SCHEMA = "urn:mailroom:message:1"
"""Of ``data``. A message that an old consumer could misread gets another number."""
MOST = 4000
"""Bytes of a message. Only paths that are longer than S3's keys make it longer."""
TEXT_KEPT = 500
"""Characters of a long text that are kept when the message would be longer."""
_NO_CHARACTERS = {0xFFFE: "\ufffd", 0xFFFF: "\ufffd"}


def event_type(parcel: Parcel) -> str:
    """``mailroom.document.`` and what it says: routed, corrected, held, unmatched, failed, superseded or available."""
    return f"mailroom.document.{parcel.meaning}"


def attributes(parcel: Parcel) -> dict[str, str]:
    """What a filter can ask for. ``type`` and ``confidence`` are only there where a rule matched."""
    event = {"event": event_type(parcel), "document_id": parcel.document.id}
    if parcel.meaning is Meaning.SUPERSEDED:
        return event
    return event | {"way": parcel.plan.way, "review": _truth(parcel.plan.review)} | facts(parcel)


def event(parcel: Parcel) -> bytes:
    """The event, in at most MOST bytes: long texts are cut first, then lists go, then all but the pointer.

    ``data.shortened`` says so when it happened: the whole story is in the manifest.
    """
    body = b""
    for data in _shorter_and_shorter(parcel):
        body = _dumped(parcel, data)
        if len(body) <= MOST:
            break
    return body


def _shorter_and_shorter(parcel: Parcel) -> Iterator[dict[str, Any]]:
    if parcel.meaning is Meaning.SUPERSEDED:
        yield _own(parcel)
        return
    own = {"route": facts(parcel)["route"], **_own(parcel)}
    whole = {**_without_rows(parcel.manifest), **own}
    yield whole
    cut = {**_cut_texts(whole), **own, "shortened": True}
    yield cut
    yield {**_without_lists(cut), **own}
    yield {**own, "shortened": True}


def _own(parcel: Parcel) -> dict[str, Any]:
    """What only the message knows."""
    return {
        "delivery_id": parcel.delivery_id,
        "document_id": parcel.document.id,
        "sequence": parcel.sequence,
        "replaces": parcel.replaces,
        "pointer": parcel.pointer.url,
        "pointer_state": parcel.pointer.state,
        "manifest": parcel.pointer.manifest,
        "sha256": parcel.content.sha256,
    }


def _dumped(parcel: Parcel, data: dict[str, Any]) -> bytes:
    at = parcel.at or parcel.plan.decided_at or parcel.document.taken_in_at
    said = {
        "specversion": "1.0",
        "type": event_type(parcel),
        "source": SOURCE,
        "id": parcel.delivery_id,
        "subject": parcel.document.id,
        "time": datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "dataschema": SCHEMA,
        "sequence": str(parcel.sequence),
        "sequencetype": "Integer",
        **_extensions(parcel),
        "data": data,
    }
    # SQS takes the characters of XML 1.0 only: JSON escapes the control characters among the others, not these.
    text = json.dumps(said, ensure_ascii=False, separators=(",", ":")).translate(_NO_CHARACTERS)
    return text.encode(errors="replace")


def _extensions(parcel: Parcel) -> dict[str, Any]:
    """The attributes once more, for those who filter events and see no attributes of a queue."""
    if parcel.meaning is Meaning.SUPERSEDED:
        return {}
    found = {name: value for name, value in facts(parcel).items() if name in ("type", "confidence")}
    named = {"documenttype": found["type"], "confidence": found["confidence"]} if found else {}
    return {"way": parcel.plan.way, "review": parcel.plan.review, **named}


def _truth(value: bool) -> str:
    return "true" if value else "false"


def _without_rows(manifest: Any) -> dict[str, Any]:
    """The manifest without what each row of the table said: there may be thousands."""
    decision = manifest.get("decision")
    if not decision:
        return dict(manifest)
    return {**manifest, "decision": {name: value for name, value in decision.items() if name != "rows"}}


def _cut_texts(value: Any) -> Any:
    """The same with every long text cut."""
    if isinstance(value, str):
        return value if len(value) <= TEXT_KEPT else value[:TEXT_KEPT] + "…"
    if isinstance(value, dict):
        return {name: _cut_texts(one) for name, one in value.items()}
    return [_cut_texts(one) for one in value] if isinstance(value, list | tuple) else value


def _without_lists(value: Any) -> Any:
    """The same without its lists and the document's metadata."""
    if isinstance(value, dict):
        return {
            name: _without_lists(one)
            for name, one in value.items()
            if not isinstance(one, list | tuple) and name != "metadata"
        }
    return value
