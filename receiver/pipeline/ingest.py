"""Ingest: stores what arrived as a document, durably, with the task that submits it.

The same content from the same place is the same document: a second time changes nothing.
"""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from io import BufferedReader
from pathlib import Path

from receiver.core.change import Insert, InsertIfAbsent, Replace, succeeding
from receiver.core.document import NAMING, Document, Origin
from receiver.core.errors import Conflict, DocumentRefused, FileGone, Permanent, Transient
from receiver.core.flag import Flag, bytes_flag
from receiver.core.header_block import HEAD_BYTES
from receiver.core.ids import document_id
from receiver.core.media import ONE_PAGE, media_type, refusal
from receiver.core.safe_names import whole
from receiver.core.task import Task, submission_of
from receiver.pipeline.context import Context
from receiver.pipeline.document_outcome import held_document
from receiver.pipeline.installation import installation
from receiver.pipeline.regular_file import chunks_of, open_regular
from receiver.ports import StoredContent

Source = AsyncIterator[bytes] | Path | BufferedReader | StoredContent | bytes
SMALL = 256 * 1024
"""Files up to this many bytes are read at once, and stay in memory until they are stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingFile:
    """A file that a source received."""

    name: str
    kind: str
    """folder, upload, s3, email"""
    source: Source
    """The bytes to store in the spool, or the place where they are stored already and stay.

    A path is allowed only for a file that nobody else can write. Any other file is passed as an open file.
    """
    locator: str = ""
    """What identifies the file within its kind; the name if nothing better is known."""
    sender: str = ""
    by_sender: bool = False
    """Part of the document's identity: the same file from another sender is another document."""
    packet: bool = False
    bulk: bool = False
    """Whether the file is one of many that came at once: other documents go first."""
    batch_id: str = ""
    parent_id: str = ""
    """The record of the mail that it came in."""
    held: str = ""
    """Why a person must check it before anything is done, and paid, for it."""
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ingested:
    document: Document
    fresh: bool
    """False when this document was ingested before."""
    ignored: tuple[str, ...] = ()
    """The values given now (packet, name, metadata) that differ from the existing document, which did not change."""


def ingested_before(document: Document, **differs: bool) -> Ingested:
    """A document that came again. ``differs`` says for each given value whether the document has another one."""
    return Ingested(document, fresh=False, ignored=tuple(name for name, other in differs.items() if other))


async def ingest(arrival: IncomingFile, context: Context) -> Ingested:
    """The document that arrived, stored together with the task that submits it.

    Raises DocumentRefused for what LlamaCloud would refuse (no document, empty, too large): then nothing was stored.
    """
    head, source = await peeked(arrival.source)
    if not arrival.held and (reason := refusal(head, arrival.name, packet=arrival.packet)):
        raise DocumentRefused(f"{arrival.name} {reason}", fix="leave it out, or submit its content as a document")
    if isinstance(source, Path | BufferedReader | bytes) and (known := await _known(arrival, source, context)):
        return ingested_before(known, packet=arrival.packet and not known.packet)
    kept = source if isinstance(source, StoredContent) else await _keep(arrival, source, context)
    document = _document(arrival, kept, await installation(context), context)
    tasks = () if arrival.held else (submission_of(document, now=document.taken_in_at, bulk=arrival.bulk),)
    document, existing = await _kept_once(document, tasks, context)
    if existing is not None:
        known = await with_bytes(existing, kept, context)
        return ingested_before(known, packet=arrival.packet and not known.packet)
    context.meter.count("mailroom_documents", source=arrival.kind)
    await context.enqueue(*(task.id for task in tasks))
    return Ingested(document, fresh=True)


async def _before_senders_counted(document: Document, context: Context) -> Document | None:
    """The same document as an earlier Mailroom stored it: the sender was not part of its id."""
    if not document.origin.by_sender:
        return None
    old = document_id(replace(document.origin, by_sender=False), document.sha256)
    known = await context.store.get(Document, old)
    return known if known is not None and known.origin.sender == document.origin.sender else None


async def _kept_once(document: Document, tasks: Sequence[Task], context: Context) -> tuple[Document, Document | None]:
    """The document as it is stored, and the one that existed before, if any."""
    if (before := await _before_senders_counted(document, context)) is not None:
        return document, before
    while True:
        hinted, notes = await same_bytes(document, context)
        try:
            return hinted, await inserted(hinted, tasks, context, *notes)
        except Conflict as conflict:
            if conflict.kind != "flag":
                raise
            # Another document with these bytes was stored at the same moment: it is the first.


async def same_bytes(document: Document, context: Context) -> tuple[Document, Sequence[Flag]]:
    """The document with a reference to the first one that had these bytes; or a note to store that it is the first."""
    known = await context.store.get(Flag, bytes_flag(document.sha256))
    if known is None:
        return document, [Flag(id=bytes_flag(document.sha256), value=document.id, at=document.taken_in_at)]
    return (document if known.value == document.id else replace(document, duplicate_of=known.value)), ()


async def _keep(
    arrival: IncomingFile, source: AsyncIterator[bytes] | Path | BufferedReader | bytes, context: Context
) -> StoredContent:
    chunks = source if isinstance(source, Path) else chunks_from(source)
    return await context.spool.keep(chunks, limit=context.max_document, owner=partial(document_id, _origin(arrival)))


async def peeked(source: Source) -> tuple[bytes, Source]:
    """The first bytes, and a source that still yields them."""
    if isinstance(source, StoredContent):
        return (source.head if source.size else b""), source
    if isinstance(source, bytes):
        return source[:HEAD_BYTES], source
    if isinstance(source, Path | BufferedReader):
        begun = await asyncio.to_thread(_begun, source)
        return begun[:HEAD_BYTES], begun if len(begun) <= SMALL else source
    first = b""
    async for chunk in source:
        first += chunk
        if len(first) >= HEAD_BYTES:
            break
    return first[:HEAD_BYTES], _chained(first, source)


def _begun(source: Path | BufferedReader) -> bytes:
    """The whole file if it is small, else its beginning."""
    with _opened(source) as file:
        return file.read(SMALL + 1)


def chunks_from(source: AsyncIterator[bytes] | BufferedReader | bytes) -> AsyncIterator[bytes]:
    """The bytes, in chunks."""
    if isinstance(source, bytes):
        return _whole(source)
    return chunks_of(source) if isinstance(source, BufferedReader) else source


async def _whole(content: bytes) -> AsyncIterator[bytes]:
    yield content


@contextlib.contextmanager
def _opened(source: Path | BufferedReader) -> Iterator[BufferedReader]:
    """The file at its start; one that came opened stays so."""
    if isinstance(source, BufferedReader):
        source.seek(0)
        yield source
        return
    with open_regular(source) as file:
        yield file


async def _chained(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in rest:
        yield chunk


async def _known(arrival: IncomingFile, source: Path | BufferedReader | bytes, context: Context) -> Document | None:
    """The existing document of this file, found by its checksum: its bytes need not be copied again.

    None also when its bytes have been removed; they are stored again then.
    """
    if isinstance(source, bytes):
        sha256 = hashlib.sha256(source).hexdigest()
    else:
        sha256 = await asyncio.to_thread(_sha256, source)
    document = await context.store.get(Document, document_id(_origin(arrival), sha256))
    return document if document is not None and await has_bytes(document, context) else None


async def has_bytes(document: Document, context: Context) -> bool:
    try:
        await context.content(document)
    except FileGone:
        return False
    return True


async def with_bytes(document: Document, again: StoredContent, context: Context) -> Document:
    """The existing document. If its bytes are gone, those that came again take their place.

    Raises Conflict if the document changes in between; the file is then ingested once more.
    """
    if again.location == document.content:
        return document  # the current place, even if it is about to be removed
    if await has_bytes(document, context):
        if again.location.startswith("spool:"):
            with contextlib.suppress(Transient, Permanent):  # then it is an orphan, which retention finds
                await context.release(again.location)
        return document
    back = replace(document, content=again.location, forgotten_at=None)
    back = back.note(context.clock(), "stored again", "its content had been removed, and was received again")
    await context.store.apply(Replace(back))
    return succeeding(back)


def _sha256(source: Path | BufferedReader) -> str:
    with _opened(source) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _origin(arrival: IncomingFile) -> Origin:
    locator = whole(arrival.locator or arrival.name)
    by_sender = arrival.by_sender and bool(arrival.sender)
    return Origin(kind=arrival.kind, locator=locator, sender=whole(arrival.sender), by_sender=by_sender)


def _document(arrival: IncomingFile, kept: StoredContent, installed: str, context: Context) -> Document:
    origin, now = _origin(arrival), context.clock()
    identity, kind = document_id(origin, kept.sha256), media_type(kept.head, arrival.name)
    document = Document(
        id=identity,
        name=whole(arrival.name),
        sha256=kept.sha256,
        size=kept.size,
        media_type=kind,
        page_count=1 if kind in ONE_PAGE else None,
        origin=origin,
        content=kept.location,
        taken_in_at=now,
        naming=NAMING,
        packet=arrival.packet,
        batch_id=arrival.batch_id or identity,
        parent_id=arrival.parent_id,
        metadata=arrival.metadata,
        deadline=now + context.config.deadline_seconds,
        installation=installed,
    ).note(now, "received", f"{arrival.kind} {origin.locator}")
    return held_document(document, arrival.held, now) if arrival.held else document


async def inserted(document: Document, tasks: Sequence[Task], context: Context, *more: Flag) -> Document | None:
    """None when the document is new, and stored with these tasks; else the existing one."""
    try:
        await context.store.apply(Insert(document), *map(Insert, more), *map(InsertIfAbsent, tasks))
    except Conflict:
        existing = await context.store.get(Document, document.id)
        if existing is None:
            raise  # it is not stored, so it must not be acknowledged
        return existing
    return None
