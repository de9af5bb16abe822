"""Where a message points: always to something that its reader can open, or it says in a word why not."""

from receiver.core.document import Delivery, Document
from receiver.core.meaning import Meaning
from receiver.core.parcel import Pointer, PointerState
from receiver.flow.tools import Tools


def pointer_for(document: Document, delivery: Delivery, tools: Tools) -> Pointer:
    """The pointer of this message, as things stand now."""
    if delivery.meaning is Meaning.SUPERSEDED:
        return Pointer()
    receipt = document.stored
    if receipt is None and not document.holders:  # the plan stores it nowhere: an earlier one may have
        receipt = next((one.receipt for one in document.copies), None)
    if receipt is not None:
        return Pointer(url=receipt.location, state=PointerState.STORED, manifest=receipt.manifest)
    linked = _linked(document, tools)
    if document.holders:
        return Pointer(url=linked.url, state=PointerState.PENDING, manifest=linked.manifest)
    if document.forgotten_at is None and document.content.startswith("s3://"):
        return Pointer(url=document.content, state=PointerState.STORED, manifest=linked.manifest)
    return linked


def _linked(document: Document, tools: Tools) -> Pointer:
    """A link to our own copy, where there is one and links are served."""
    if tools.links is None or document.forgotten_at is not None:
        return Pointer()
    url, manifest = tools.links.made(document.id, now=tools.clock())
    return Pointer(url=url, state=PointerState.LINKED, manifest=manifest)
