"""The pointer of a message: a link or location that its reader can open, or the reason why there is none."""

from receiver.core.delivery_request import Pointer, PointerState
from receiver.core.document import Delivery, Document
from receiver.core.message_type import Meaning
from receiver.pipeline.context import Context


def pointer_for(document: Document, delivery: Delivery, context: Context) -> Pointer:
    """The current pointer of this message."""
    if delivery.meaning is Meaning.SUPERSEDED:
        return Pointer()
    receipt = document.stored
    if receipt is None and not document.holders:  # the plan stores it nowhere; an earlier plan may have
        receipt = next((item.receipt for item in document.copies), None)
    if receipt is not None:
        return Pointer(url=receipt.location, state=PointerState.STORED, manifest=receipt.manifest)
    linked = _linked(document, context)
    if document.holders:
        return Pointer(url=linked.url, state=PointerState.PENDING, manifest=linked.manifest)
    if document.forgotten_at is None and document.content.startswith("s3://"):
        return Pointer(url=document.content, state=PointerState.STORED, manifest=linked.manifest)
    return linked


def _linked(document: Document, context: Context) -> Pointer:
    """A link to our own copy, if there is one and links are served."""
    if context.links is None or document.forgotten_at is not None:
        return Pointer()
    url, manifest = context.links.made(document.id, now=context.clock())
    return Pointer(url=url, state=PointerState.LINKED, manifest=manifest)
