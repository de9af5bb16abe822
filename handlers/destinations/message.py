"""Attributes of a message on SQS and SNS, and the group and deduplication id on a FIFO."""

from collections.abc import Mapping

from handlers.destinations.cloudevent import event_attributes
from handlers.destinations.manifest import ascii_safe
from receiver.core.delivery_request import DeliveryRequest
from receiver.core.object_key import UNTYPED
from receiver.tracing import traceparent

GROUPS = ("batch", "type")
"""The unit that a FIFO queue or topic keeps in order: documents of one batch (the default), or of one type."""


def message_attributes(request: DeliveryRequest) -> dict[str, dict[str, str]]:
    """The attributes, in the form that both services accept."""
    return {
        name: {"DataType": "Number" if name == "confidence" else "String", "StringValue": value}
        for name, value in (event_attributes(request) | _parent()).items()
    }


def _parent() -> dict[str, str]:
    """The trace that the message belongs to, where traces are on."""
    parent = traceparent()
    return {"traceparent": parent} if parent else {}


def fifo_order(request: DeliveryRequest, given: Mapping[str, str]) -> dict[str, str]:
    """The message group, and the deduplication id."""
    by_type = given.get("group") == "type"
    group = (request.document.type or UNTYPED) if by_type else request.document.batch_id or request.document.id
    return {
        "MessageGroupId": ascii_safe(group, 128).replace(" ", "_"),
        "MessageDeduplicationId": request.delivery_id,
    }
