"""Content: reads a document's bytes from any place that has them.

The bytes are where ingestion stored them, until their retention period ends (operations/expired_content.py), and at
each place that they were delivered to, if this process can read it.
"""

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from dataclasses import replace
from typing import cast

from receiver.core.delivery_request import Content
from receiver.core.document import Document
from receiver.core.errors import (
    AccessDenied,
    CloudRefused,
    FileGone,
    MailroomError,
    NotAllowed,
    NotViewable,
    Unroutable,
)
from receiver.pipeline.context import BRING_BACK, Context, why_forgotten


async def contents(document: Document, context: Context) -> AsyncIterator[Content]:
    """The stored bytes, then those at the places of delivery. Only reading shows whether they are there."""
    with contextlib.suppress(FileGone):
        yield await context.content(document)
    for item in document.copies:
        source = context.source_of(item.receipt.location) if item.receipt else None
        if source is not None and item.receipt is not None:
            with contextlib.suppress(FileGone):
                yield await source.content(replace(document, content=item.receipt.location))


async def content_of(document: Document, context: Context) -> Content:
    """The stored bytes; of a document whose bytes were removed, the first copy that can be read.

    Raises FileGone, or the error of the last copy that cannot be read now.
    """
    if document.forgotten_at is None:
        return await context.content(document)
    failure: MailroomError = FileGone(_gone(document), fix=BRING_BACK)
    async for content in contents(document, context):
        try:
            await _read_first(content)
            return content
        except MailroomError as error:
            failure = error
    raise failure


async def _read_first(content: Content) -> None:
    async with contextlib.aclosing(cast("AsyncGenerator[bytes]", content.stream())) as chunks:
        async for _ in chunks:
            break


async def why_undeliverable(document: Document, context: Context) -> str:
    """Why a document whose bytes were removed cannot be delivered anywhere; "" when it can, from a copy."""
    if document.forgotten_at is None:
        return ""
    try:
        await content_of(document, context)
    except MailroomError as error:
        failure = _gone(document)
        return f"{failure if isinstance(error, FileGone) else f'{failure}, or: {error}'}; {BRING_BACK}"
    return ""


async def refuse_unreadable(document: Document, context: Context) -> None:
    """Raises NotAllowed for a document whose bytes were removed, and of which no copy can be read."""
    if await why_undeliverable(document, context):
        raise NotAllowed(_gone(document), fix=BRING_BACK)


@contextlib.contextmanager
def not_viewable_unless_read() -> Iterator[None]:
    """Turns an error of reading into NotViewable, for a person who asked for the bytes."""
    try:
        yield
    except (AccessDenied, Unroutable, CloudRefused) as error:
        raise NotViewable(f"its bytes cannot be read: {error}", fix=error.fix) from error


def content_without_bytes(document: Document) -> Content:
    """The stored facts about bytes that were removed: a message needs no more."""

    def nothing() -> AsyncIterator[bytes]:
        raise FileGone(_gone(document), fix=BRING_BACK)

    return Content(size=document.size, sha256=document.sha256, media_type=document.media_type, stream=nothing)


def _gone(document: Document) -> str:
    if document.forgotten_at is None:
        return f"the bytes of document {document.id} ({document.name}) are not available"
    return f"{why_forgotten(document)}, and no copy can be read where it was delivered"
