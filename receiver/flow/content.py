"""Content: a document's bytes from wherever they can be had.

They are where they were kept at intake, until their time is over (flow/forget.py); and in each place that they were
delivered to, if somebody here can read it.
"""

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import replace
from typing import cast

from receiver.core.document import Document
from receiver.core.errors import FileGone, MailroomError, NotAllowed
from receiver.core.parcel import Content
from receiver.flow.tools import BRING_BACK, Tools, why_forgotten


async def contents(document: Document, tools: Tools) -> AsyncIterator[Content]:
    """The bytes as they are kept, then as they lie where they were delivered. Whether they are there, reading tells."""
    with contextlib.suppress(FileGone):
        yield await tools.content(document)
    for one in document.copies:
        source = tools.source_of(one.receipt.location) if one.receipt else None
        if source is not None and one.receipt is not None:
            with contextlib.suppress(FileGone):
                yield await source.content(replace(document, content=one.receipt.location))


async def content_of(document: Document, tools: Tools) -> Content:
    """The bytes as they are kept; of a document whose bytes were forgotten, the first copy that can be read.

    Raises FileGone, or why the last of the copies cannot be read now.
    """
    if document.forgotten_at is None:
        return await tools.content(document)
    said: MailroomError = FileGone(_gone(document), fix=BRING_BACK)
    async for content in contents(document, tools):
        try:
            await _read_first(content)
            return content
        except MailroomError as error:
            said = error
    raise said


async def _read_first(content: Content) -> None:
    async with contextlib.aclosing(cast("AsyncGenerator[bytes]", content.stream())) as chunks:
        async for _ in chunks:
            break


async def unreadable(document: Document, tools: Tools) -> str:
    """Why a document whose bytes were forgotten cannot be delivered anywhere; "" when it can, from a copy of it."""
    if document.forgotten_at is None:
        return ""
    try:
        await content_of(document, tools)
    except MailroomError as error:
        said = _gone(document)
        return f"{said if isinstance(error, FileGone) else f'{said}, or: {error}'}; {BRING_BACK}"
    return ""


async def refuse_unreadable(document: Document, tools: Tools) -> None:
    """Raises NotAllowed for a document whose bytes were forgotten, and of which no copy can be read."""
    if await unreadable(document, tools):
        raise NotAllowed(_gone(document), fix=BRING_BACK)


def bare(document: Document) -> Content:
    """What is known of the bytes, where nobody has them: a message needs no more."""

    def nothing() -> AsyncIterator[bytes]:
        raise FileGone(_gone(document), fix=BRING_BACK)

    return Content(size=document.size, sha256=document.sha256, media_type=document.media_type, stream=nothing)


def _gone(document: Document) -> str:
    if document.forgotten_at is None:
        return f"the bytes of document {document.id} ({document.name}) are nowhere to be had"
    return f"{why_forgotten(document)}, and no copy can be read where it was delivered"
