"""The message that points to a document: one CloudEvents 1.0 event, in JSON.

Source: CloudEvents specification 1.0.2 and its JSON format.
"""

import json
from datetime import UTC, datetime
from typing import Any

from handlers.destinations.story import facts
from receiver.core.parcel import Parcel

TYPE = "mailroom.document.routed"
CONTENT_TYPE = "application/cloudevents+json"
SOURCE = "/mailroom"
REASONING_KEPT = 1000
"""Characters of a long text that are kept when the event would not fit."""
_NO_CHARACTERS = {0xFFFE: "\ufffd", 0xFFFF: "\ufffd"}


def event(parcel: Parcel, *, limit: int) -> bytes:
    """The event in at most ``limit`` bytes: long texts are cut first, then the decision's rows and the history go.

    ``data.shortened`` says so when it happened: the whole story lies beside the document.
    """
    whole = {**parcel.manifest, **_own(parcel)}
    for data in (whole, _cut(whole), _bare(_cut(whole)), {**_own(parcel), "shortened": True}):
        body = _dumped(parcel, data)
        if len(body) <= limit:
            return body
    return body


def _own(parcel: Parcel) -> dict[str, Any]:
    return {
        "delivery_id": parcel.delivery_id,
        "document_id": parcel.document.id,
        "route": facts(parcel)["route"],
        "pointer": parcel.pointer,
        "sha256": parcel.content.sha256,
    }


def _dumped(parcel: Parcel, data: dict[str, Any]) -> bytes:
    at = parcel.plan.decided_at or parcel.document.taken_in_at
    said = {
        "specversion": "1.0",
        "type": TYPE,
        "source": SOURCE,
        "id": parcel.delivery_id,
        "subject": parcel.document.id,
        "time": datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "data": data,
    }
    # SQS takes the characters of XML 1.0 only: JSON escapes the control characters among the others, not these.
    text = json.dumps(said, ensure_ascii=False, separators=(",", ":")).translate(_NO_CHARACTERS)
    return text.encode(errors="replace")


def _cut(value: Any) -> Any:
    """The same with every long text cut; ``shortened`` on the outermost."""
    return {**_cut_texts(value), "shortened": True}


def _cut_texts(value: Any) -> Any:
    if isinstance(value, str):
        return value if len(value) <= REASONING_KEPT else value[:REASONING_KEPT] + "…"
    if isinstance(value, dict):
        return {name: _cut_texts(one) for name, one in value.items()}
    return [_cut_texts(one) for one in value] if isinstance(value, list | tuple) else value


def _bare(value: Any) -> Any:
    """The same without its lists: history, rows, metadata of the document."""
    if isinstance(value, dict):
        return {n: _bare(one) for n, one in value.items() if not isinstance(one, list | tuple) and n != "metadata"}
    return value
