"""A packet's pages and pieces: the open file, and the documents that were cut from it."""

import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import anyio

from receiver.core.document import Document
from receiver.core.errors import Misconfigured, ReaderDied, Uncuttable
from receiver.core.ids import piece_id
from receiver.core.task import Task
from receiver.pipeline.content import content_of
from receiver.pipeline.context import Context
from receiver.pipeline.scratch import scratch
from receiver.ports import OpenPdf


@contextlib.asynccontextmanager
async def open_packet(packet: Document, context: Context) -> AsyncIterator[OpenPdf]:
    """The packet's PDF, open for cutting. Raises Uncuttable, ReaderDied, FileGone."""
    if context.cutter is None:
        raise Misconfigured("this application cannot cut packets: its Context has no cutter")
    async with on_disk(packet, context) as path, context.cutter.opened(path) as pages:
        yield pages


@contextlib.contextmanager
def dying_once(task: Task) -> Iterator[None]:
    """Allows one crash of the reader, which may have another cause than the file: the task is then retried soon.

    Raises Uncuttable if the last attempt at this task crashed, too: then the file is the cause.
    """
    try:
        yield
    except ReaderDied as error:
        if task.cause != ReaderDied.code:
            raise
        raise Uncuttable(f"reading it failed twice: {error}") from error


@contextlib.asynccontextmanager
async def on_disk(document: Document, context: Context) -> AsyncIterator[Path]:
    """The document's bytes as a file: the spool's own, or else a temporary copy."""
    content = await content_of(document, context)
    if content.path is not None:
        yield content.path
        return
    with scratch() as folder:
        path = folder / "packet.pdf"
        async with await anyio.open_file(path, "wb") as file:
            async for chunk in content.stream():
                await file.write(chunk)
        yield path


def piece_ids(packet: Document) -> list[str]:
    """The ids of the pieces of the packet's current cut."""
    return [piece_id(packet.id, item.pages) for item in packet.pieces]


async def pieces_of(packet: Document, context: Context) -> list[Document]:
    """The existing pieces of the packet, in the order of their pages."""
    found = [await context.store.get(Document, item) for item in piece_ids(packet)]
    return [item for item in found if item is not None]
