"""Verifies documents: reads every copy that their records name, and compares it with them.

Nothing but the result is written: when a document was verified last, and what was found.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import msgspec

from receiver.core.change import put
from receiver.core.copy_check import CheckedCopy, CopyKind, CopyState, DocumentCheck, bytes_checked, delivery_checked
from receiver.core.delivery_request import StoredCopy
from receiver.core.document import Delivery, Document
from receiver.core.errors import Conflict, FileGone, MailroomError, Transient
from receiver.core.flag import Flag, verified_flag
from receiver.destination_traits import ReadsBack
from receiver.pipeline.context import Context, why_forgotten
from receiver.ports import Store

AT_ONCE = 8
"""Documents that are read at the same time; each in chunks of 1 MiB."""
KEPT = 50
"""Places that are kept of a result, the differences first."""


async def verify_each(
    documents: AsyncIterator[Document], context: Context, found: Callable[[DocumentCheck], None]
) -> None:
    """Verifies them, AT_ONCE at a time; ``found`` is told of each, in the order in which they end.

    Raises what the store raises, after the documents in hand.
    """
    taking, failures = asyncio.Lock(), list[Exception]()

    async def worker() -> None:
        while not failures:
            try:
                async with taking:
                    document = await anext(documents, None)
                if document is None:
                    return
                found(await verify_document(document, context))
            except Exception as error:  # noqa: BLE001 - raised below, when the others are done
                failures.append(error)

    await asyncio.gather(*(worker() for _ in range(AT_ONCE)))
    if failures:
        raise failures[0]


async def verify_document(document: Document, context: Context, *, seconds: float | None = None) -> DocumentCheck:
    """What is stored of this document now; copies that are not read within ``seconds`` are unreadable.

    A document that changes meanwhile is read once more if something was found to differ: its record may be newer.
    """
    check = await _checked(document, context, seconds)
    if check.differs:
        now = await context.store.get(Document, document.id)
        if now is not None and now.version != document.version:
            check = await _checked(now, context, seconds)
    await _keep(check, context.store)
    return check


async def last_check(document_id: str, store: Store) -> DocumentCheck | None:
    """What was found when the document was verified last; None if it never was."""
    flag = await store.get(Flag, verified_flag(document_id))
    return msgspec.json.decode(flag.value, type=DocumentCheck) if flag else None


async def _keep(check: DocumentCheck, store: Store) -> None:
    """Writes the result, unless another process that verifies the document writes its own."""
    value = msgspec.json.encode(replace(check, copies=check.copies[:KEPT])).decode()
    known = await store.get(Flag, verified_flag(check.document_id))
    with suppress(Conflict):
        await store.apply(put(Flag(id=verified_flag(check.document_id), value=value, at=check.at), known))


async def _checked(document: Document, context: Context, seconds: float | None) -> DocumentCheck:
    until = None if seconds is None else asyncio.get_running_loop().time() + seconds
    copies = [await _received(document, context, until)]
    for item in document.deliveries:
        copies += await _delivered(item, document, context, until)
    differences_first = sorted(copies, key=lambda item: not item.differs)
    return DocumentCheck(
        document_id=document.id, name=document.name, at=context.clock(), copies=tuple(differences_first)
    )


async def _received(document: Document, context: Context, until: float | None) -> CheckedCopy:
    """The bytes as they were received."""
    place = partial(CheckedCopy, place=document.content or document.origin.locator, kind=CopyKind.RECEIVED)
    if document.forgotten_at is not None:
        return place(state=CopyState.REMOVED, why=why_forgotten(document))
    if not document.content:
        return place(state=CopyState.REMOVED, why="its bytes were removed")
    if document.at_llamacloud:
        return place(state=CopyState.NOT_READ_BACK, why="LlamaCloud has it, for some days: it is not read back")
    digest, size = hashlib.sha256(), 0
    try:
        async with asyncio.timeout_at(until):
            async for chunk in (await context.content(document)).stream():
                digest.update(chunk)
                size += len(chunk)
    except FileGone as error:
        return place(state=CopyState.MISSING, expected=document.sha256, why=str(error), fix=error.fix)
    except (MailroomError, TimeoutError) as error:
        why, fix = _reason(error, document)
        return place(state=CopyState.UNREADABLE, expected=document.sha256, why=why, fix=fix)
    stored = StoredCopy(sha256=digest.hexdigest(), size=size)
    return bytes_checked(document.content, CopyKind.RECEIVED, document.sha256, stored)


async def _delivered(
    item: Delivery, document: Document, context: Context, until: float | None
) -> Sequence[CheckedCopy]:
    """The copy of a delivery and its manifest; of a message what its record proves."""
    kind = CopyKind.MESSAGE if item.is_message else CopyKind.COPY
    place = partial(CheckedCopy, kind=kind, superseded=item.superseded)
    if item.receipt is None:
        why = f"{item.state}: {item.error}" if item.error else str(item.state)
        return [place(place=item.to.shown, state=CopyState.NOT_DELIVERED, why=why)]
    destination: object = context.destinations.get(item.to.scheme)
    if item.is_message or not isinstance(destination, ReadsBack):
        why = _what_the_record_proves(item)
        return [place(place=item.receipt.location, state=CopyState.NOT_READ_BACK, why=why)]
    try:
        async with asyncio.timeout_at(until):
            stored = await destination.read_back(item.receipt, item.to.options)
    except (MailroomError, TimeoutError) as error:
        why, fix = _reason(error, document)
        return [place(place=item.receipt.location, state=CopyState.UNREADABLE, why=why, fix=fix)]
    unread = _reason(stored.manifest_error, document) if stored.manifest_error else None
    return delivery_checked(item, stored, document, unread=unread)


def _what_the_record_proves(item: Delivery) -> str:
    """In words, why a delivery with a receipt is not read back, and what the receipt is worth."""
    at = f" at {datetime.fromtimestamp(item.delivered_at, UTC):%Y-%m-%d %H:%M:%SZ}" if item.delivered_at else ""
    what = "message" if item.is_message else "document"
    return f"{item.to.scheme}: cannot be read back; its record says that it accepted {what} {item.id}{at}"


def _reason(error: Exception, document: Document) -> tuple[str, str]:
    """Why a place could not be read, and what to do: the fix of a delivery ends with a command that repeats it."""
    again = f"mailroom verify {document.id}"
    if isinstance(error, TimeoutError):
        return "it was not read in time", f"without a limit of time: {again}"
    assert isinstance(error, MailroomError)
    if isinstance(error, Transient):
        return str(error), f"check that it is up, then: {again}"
    return str(error), error.fix.replace("mailroom replay --parked", again)
