"""Parcels for tests of destinations: real bytes, a real document, the manifest that the flow makes."""

import hashlib
from collections.abc import AsyncIterator
from typing import Any

from receiver.core.delivery_request import Content, DeliveryRequest, Pointer, PointerState
from receiver.core.document import Classification, Delivery, Document
from receiver.core.manifest import manifest
from receiver.core.plan import Plan, Target, Way
from tests.builders import NOW, a_document

CHUNK = 64 * 1024


def a_content(data: bytes, **fields: Any) -> Content:
    """These bytes, in chunks, with their checksum."""

    async def stream() -> AsyncIterator[bytes]:
        for start in range(0, len(data), CHUNK):
            yield data[start : start + CHUNK]

    given = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest(), "media_type": "application/pdf"}
    return Content(**{**given, "stream": stream, **fields})


def a_delivery_request(
    url: str,
    data: bytes = b"%PDF-1.7 a letter",
    *,
    template: str = "",
    options: dict[str, str] | None = None,
    content: Content | None = None,
    reasoning: str = "it has an invoice number and a total",
    **fields: Any,
) -> DeliveryRequest:
    """A delivery of a document with these bytes to ``url``; ``fields`` are the document's."""
    content = content or a_content(data)
    to = Target(url=template or url, options=options or {})
    delivery_id = fields.pop("delivery_id", "dlv_" + hashlib.sha256(url.encode()).hexdigest()[:20])
    plan = Plan(way=Way.MATCHED, route="invoices", reason="type 'invoice'", to=(to,), table="t1", decided_at=NOW)
    document: Document = a_document(
        **{
            "sha256": content.sha256,
            "size": content.size,
            "classification": Classification(type="invoice", confidence=0.93, reasoning=reasoning),
            "plan": plan,
            "deliveries": (Delivery(id=delivery_id, to=to, route=plan.route),),
            **fields,
        }
    )
    return DeliveryRequest(
        delivery_id=delivery_id,
        document=document,
        plan=plan,
        url=url,
        content=content,
        manifest=manifest(document, delivery_id=delivery_id),
        options=to.options,
        pointer=Pointer(url=f"s3://mail/{document.id}", state=PointerState.STORED),
    )
