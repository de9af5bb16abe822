"""Reads, once, the facts that the table's conditions need and only a document's bytes show.

The pages of a PDF are counted before it is submitted. This module is for documents that an earlier release submitted
uncounted, and for files of jobs that were created elsewhere, which Mailroom has not read.
"""

import contextlib
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import anyio

from receiver.core.change import InsertIfAbsent, Write
from receiver.core.document import Document
from receiver.core.errors import FileGone, Misconfigured, ReaderDied, Uncuttable
from receiver.core.header_block import HEAD_BYTES
from receiver.core.media import ONE_PAGE, PDF, media_type
from receiver.core.route import decide
from receiver.core.vendor_input import SCHEME
from receiver.core.when import asks_about_bytes
from receiver.packets.pieces import on_disk
from receiver.pipeline.context import Context
from receiver.pipeline.ingest import same_bytes
from receiver.pipeline.job_context import JobContext


@dataclass(frozen=True, slots=True)
class GatheredFacts:
    """The facts that were found."""

    document: Document
    """The document that was read, with the facts."""
    writes: Sequence[Write] = ()

    def on(self, fresh: Document) -> Document:
        """The current record with the facts. Facts that the record has already take precedence."""
        found = self.document
        read = replace(
            fresh, sha256=found.sha256, size=found.size, media_type=found.media_type, duplicate_of=found.duplicate_of
        )
        return replace(fresh if fresh.sha256 else read, page_count=fresh.page_count or found.page_count)


def bytes_wanted(job: JobContext, context: Context) -> bool:
    """Whether the bytes of this job's document must be read.

    A document that was submitted by its id at LlamaCloud is read only for a destination that stores bytes, or for a
    condition on what only the bytes show. All others are read.
    """
    document, found = job.document, job.report.classification
    if document.origin.kind != SCHEME or found is None:
        return True
    table = context.config.table
    if any(asks_about_bytes(route.when) for route in table.routes):
        return True
    plan = decide(table, found, document, now=context.clock())
    return any(context.holds(target) for target in plan.to)


async def count_pages(document: Document, context: Context) -> int:
    """The pages of a PDF. Raises Uncuttable, ReaderDied, FileGone."""
    if context.cutter is None:
        raise Misconfigured("this application cannot open PDFs: its Context has no cutter")
    async with on_disk(document, context) as path:
        return await context.cutter.count(path)


async def gather_facts(document: Document, context: Context) -> GatheredFacts:
    """The facts in the bytes of an unread document, if they are available.

    What cannot be read stays unknown, and is no failure.
    """
    with contextlib.suppress(FileGone, OSError):
        async with on_disk(document, context) as path:
            read, writes = (document, ()) if document.sha256 else await _read(document, path, context)
            return GatheredFacts(replace(read, page_count=await pages_if_countable(read, path, context)), writes)
    return GatheredFacts(document)


async def _read(document: Document, path: Path, context: Context) -> tuple[Document, Sequence[Write]]:
    digest, size, head = hashlib.sha256(), 0, b""
    async with await anyio.open_file(path, "rb") as file:
        while chunk := await file.read(HEAD_BYTES):
            head = head or chunk
            digest.update(chunk)
            size += len(chunk)
    kind = media_type(head, document.name)
    read = replace(document, sha256=digest.hexdigest(), size=size, media_type=kind)
    known, notes = await same_bytes(read, context)
    return known, tuple(map(InsertIfAbsent, notes))


async def pages_if_countable(document: Document, path: Path, context: Context) -> int | None:
    """The pages of the document, whose bytes are at this path; None if they cannot be counted."""
    if document.page_count is not None or context.cutter is None or document.media_type != PDF:
        return document.page_count or (1 if document.media_type in ONE_PAGE else None)
    with contextlib.suppress(Uncuttable, ReaderDied):
        return await context.cutter.count(path)
    return None
