"""Ingests a mail: stores the documents that the reader found in it, and a record with the outcome of each part.

The documents are stored first and the record last. After a crash in between the mail comes again, because it was not
acknowledged, and its documents get the same ids.
"""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import anyio

from receiver.alerting.alert import task_for
from receiver.core.alert import TITLE_KEPT, Alert
from receiver.core.document import NAMING, Document, Origin, Step
from receiver.core.errors import DocumentRefused, Misconfigured, Unreadable
from receiver.core.fingerprint import cause_of_ours
from receiver.core.follow_up import container_task, delivery_tasks
from receiver.core.header_block import HEAD_BYTES
from receiver.core.ids import mail_batch, mail_id
from receiver.core.mail import EMPTY, Fate, Part, ReadMail, ReadPart
from receiver.core.media import MAIL, PDF, media_type
from receiver.core.safe_names import whole
from receiver.core.task import Task
from receiver.packets.mail_archive import archived_mail, document_ids
from receiver.pipeline.context import Context
from receiver.pipeline.document_outcome import held_document
from receiver.pipeline.ingest import IncomingFile, Ingested, chunks_from, has_bytes, ingest, inserted, with_bytes
from receiver.pipeline.regular_file import open_regular
from receiver.pipeline.scratch import scratch
from receiver.ports import StoredContent

NAME_CHARS, REASON_CHARS = 120, 200
"""Maximum length of a text about a part. A record has up to 400 parts, and a DynamoDB item at most 400 KB."""
COMMANDS = 3
"""Maximum commands in an alert; each routes a part that is held. The mail's record names all of them."""
KEPT = frozenset({Fate.DOCUMENT, Fate.HELD})
NOT_OPENED = "the mail is not opened: "
CAME_BY = "came_by"
"""Metadata that the source wrote. All other metadata of a mail was written by its sender."""


async def ingest_mails(arrival: IncomingFile, context: Context) -> list[Ingested]:
    """The records of the mails in this file, each before its documents.

    A mail that cannot be read, or exceeds a limit, is one record that is held for a person. A file that only looked
    like a mail is a document. Raises DocumentRefused as ``ingest`` does.
    """
    if context.mail_reader is None:
        raise Misconfigured("this application cannot read mail: its Context has no mail_reader")
    bounds = context.config.mail.bounds
    async with _on_disk(arrival, context) as path:
        draft = await _draft(arrival, path, now=context.clock())
        try:
            async with context.mail_reader.opened(path, name=arrival.name, bounds=bounds) as mails:
                found = [await _taken_in(mail, draft, path, arrival, context) for mail in mails]
        except Unreadable as error:
            held = held_document(draft, f"{NOT_OPENED}{error}", context.clock())
            return [await _kept(held, path, context)]
        if not found:
            source = arrival.source if isinstance(arrival.source, StoredContent) else path
            return [await ingest(replace(arrival, source=source), context)]
    return [item for taken in found for item in taken]


@contextlib.asynccontextmanager
async def _on_disk(arrival: IncomingFile, context: Context) -> AsyncIterator[Path]:
    """The mail as a file: the one that arrived, or else a temporary copy."""
    if isinstance(arrival.source, Path):
        yield arrival.source
        return
    with scratch() as folder:
        path = folder / "mail"
        chunks = arrival.source
        if isinstance(chunks, StoredContent):
            chunks = (await context.content(_of(arrival, chunks))).stream()
        await _write(chunks_from(chunks), path, limit=context.max_document)
        yield path


async def _write(chunks: AsyncIterator[bytes], path: Path, *, limit: int) -> None:
    size = 0
    async with await anyio.open_file(path, "wb") as file:
        async for chunk in chunks:
            size += len(chunk)
            if size > limit:
                raise DocumentRefused(f"the mail is over {limit} bytes", fix="save what is in it by hand")
            await file.write(chunk)


async def _draft(arrival: IncomingFile, path: Path, *, now: float) -> Document:
    """The record of a mail before it is read. Its bytes are not stored yet, unless they stay where they are."""
    kept = arrival.source
    if not isinstance(kept, StoredContent):
        head, sha256, size = await asyncio.to_thread(_looked_at, path)
        kept = StoredContent(location="", sha256=sha256, size=size, head=head)
    where = f"{arrival.kind} {whole(arrival.locator or arrival.name)}"
    return replace(_of(arrival, kept), taken_in_at=now).note(now, "received", where)


def _of(arrival: IncomingFile, kept: StoredContent) -> Document:
    return Document(
        id=mail_id(kept.sha256, ""),
        name=whole(arrival.name),
        sha256=kept.sha256,
        size=kept.size,
        media_type=media_type(kept.head, arrival.name),
        origin=Origin(kind="email", locator=kept.sha256, sender=whole(arrival.sender)),
        content=kept.location,
        taken_in_at=0.0,
        naming=NAMING,
        mail=True,
        step=Step.SPLIT,
        batch_id=mail_batch(kept.sha256),
        metadata={**arrival.metadata, CAME_BY: arrival.kind},
    )


def _looked_at(path: Path) -> tuple[bytes, str, int]:
    with open_regular(path) as file:
        head = file.read(HEAD_BYTES)
        file.seek(0)
        return head, hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size


async def _taken_in(
    mail: ReadMail, draft: Document, path: Path, arrival: IncomingFile, context: Context
) -> list[Ingested]:
    mail = replace(mail, id=_identity(mail, arrival))
    record = replace(
        await _by_itself(mail, draft),
        id=mail_id(mail.id, mail.digest),
        origin=Origin(kind="email", locator=mail.id, sender=mail.sender or draft.origin.sender),
        batch_id=mail_batch(mail.id),
        metadata={**draft.metadata, **mail.metadata, CAME_BY: arrival.kind},
    )
    short = _recorded(mail, context)
    if short:
        record = replace(record, metadata={**record.metadata, "body": "\n\n".join(dict.fromkeys(short.values()))})
    documents = await _documents(mail, record, arrival, short, context)
    parts = tuple(_part(item, documents.get(item.file), recorded=item.where in short) for item in mail.parts)
    record = _judged(replace(record, parts=parts), context)
    parts_too = (item for item in documents.values() if isinstance(item, Ingested))
    return [await _kept(record, Path(mail.file or path), context), *parts_too]


def _identity(mail: ReadMail, arrival: IncomingFile) -> str:
    """What identifies the mail when it comes again. A sender that only the source names is part of it, too."""
    return f"{arrival.sender} {mail.id}" if arrival.by_sender and not mail.sender else mail.id


async def _by_itself(mail: ReadMail, draft: Document) -> Document:
    """The draft of this mail, if its file has several mails."""
    if not mail.file:
        return draft
    _, sha256, size = await asyncio.to_thread(_looked_at, Path(mail.file))
    name = f"{mail.subject[:80].strip() or 'mail'}.eml"
    return replace(draft, name=name, sha256=sha256, size=size, media_type=MAIL, content="")


def _recorded(mail: ReadMail, context: Context) -> dict[str, str]:
    """Place -> text, for short texts of the outermost mail that stay on its record beside attachments."""
    attached = any(part.fate is Fate.DOCUMENT and not part.body for part in mail.parts)
    if context.config.mail.body == "document" or not attached:
        return {}
    return {part.where: part.text for part in mail.parts if part.body and part.text and "/" not in part.where}


async def _documents(
    mail: ReadMail, record: Document, arrival: IncomingFile, short: dict[str, str], context: Context
) -> dict[str, Ingested | str]:
    """File -> the document that was made of it, or why none was."""
    found: dict[str, Ingested | str] = {}
    number = 0
    for part in mail.parts:
        if part.fate not in KEPT or part.file in found or part.where in short:
            continue
        number += not part.body
        locator = f"{mail.id} body {part.where}" if part.body else f"{mail.id} {number} {part.name}"
        try:
            found[part.file] = await ingest(_enclosed(part, locator, record, arrival), context)
        except DocumentRefused as error:
            found[part.file] = f"it {str(error).removeprefix(f'{part.name} ')}"
    return found


def _enclosed(part: ReadPart, locator: str, record: Document, arrival: IncomingFile) -> IncomingFile:
    """The part as an incoming file. The mail's source is no part of its identity: a mail is its Message-ID."""
    return IncomingFile(
        name=part.name,
        kind="email",
        source=Path(part.file),
        locator=locator,
        sender=record.origin.sender,
        packet=arrival.packet and part.media_type == PDF and part.fate is Fate.DOCUMENT,
        batch_id=record.batch_id,
        parent_id=record.id,
        held=part.reason if part.fate is Fate.HELD else "",
        metadata={**record.metadata, **part.metadata, CAME_BY: record.metadata[CAME_BY]},
    )


def _part(item: ReadPart, became: Ingested | str | None, *, recorded: bool) -> Part:
    fate, reason, document_id = item.fate, item.reason, ""
    if recorded:
        fate = Fate.RECORDED
    elif isinstance(became, Ingested):
        document_id = became.document.id
    elif became:
        fate, reason = Fate.HELD, became
    return Part(
        where=item.where,
        name=item.name[-NAME_CHARS:],
        media_type=item.media_type,
        size=item.size,
        fate=fate,
        reason=reason[:REASON_CHARS],
        document_id=document_id,
    )


def _judged(record: Document, context: Context) -> Document:
    """The record, held itself if a part of it is held but no document, or if it has no content. A mail without any
    document waits for none.
    """
    now = context.clock()
    lost = [part for part in record.parts if part.fate is Fate.HELD and not part.document_id]
    if lost:
        return held_document(record, f"part {lost[0].where}, {lost[0].name}: {lost[0].reason}", now)
    if all(part.fate is Fate.LEFT_OUT and part.reason == EMPTY for part in record.parts):
        return held_document(record, "the mail is empty apart from its header", now)
    return record if document_ids(record) else archived_mail(record, context)


async def _kept(record: Document, path: Path, context: Context) -> Ingested:
    """The record, stored with its bytes and the tasks that follow, unless it exists."""
    known = await context.store.get(Document, record.id)
    if known is not None and await has_bytes(known, context):
        return Ingested(known, fresh=False)
    kept = StoredContent(location=record.content, sha256=record.sha256, size=record.size)
    if not record.content:
        kept = await context.spool.keep(path, limit=context.max_document, owner=lambda _: record.id)
    record, tasks = replace(record, content=kept.location), _tasks(record, context)
    existing = await inserted(record, tasks, context)
    if existing is not None:
        return Ingested(await with_bytes(existing, kept, context), fresh=False)
    context.meter.count("mailroom_documents", source="mail")
    await context.enqueue(*(task.id for task in tasks))
    return Ingested(record, fresh=True)


def _tasks(record: Document, context: Context) -> list[Task]:
    """The tasks that check the state of its documents, archive it, and alert somebody to held parts."""
    now = context.clock()
    tasks = [container_task(record.id, record.id, 0, now=now)] if document_ids(record) else []
    tasks += [item.record for item in delivery_tasks(record, now=now) if isinstance(item.record, Task)]
    held = [f"{part.name}: {part.reason}" for part in record.parts if part.fate is Fate.HELD]
    reason = record.error or (f"{len(held)} of {len(record.parts)} parts held: {held[0]}" if held else "")
    return [*tasks, task_for(_alert(record, reason, now), record.id)] if reason else tasks


def _alert(record: Document, reason: str, now: float) -> Alert:
    held = [part.document_id for part in record.parts if part.fate is Fate.HELD and part.document_id]
    reasons = [part.reason for part in record.parts if part.fate is Fate.HELD]
    return Alert(
        kind="mail.held",
        cause=cause_of_ours(reasons[0] if reasons else record.error.removeprefix(NOT_OPENED)),
        title=f"a person must look at a mail: {reason[:TITLE_KEPT]}",
        detail=reason,
        subject=record.id,
        name=record.name,
        commands=tuple(f"mailroom review {item} --to ROUTE" for item in held[:COMMANDS] or [record.id]),
        fix=f"to list its parts: mailroom documents {record.id}; to route one: mailroom review DOCUMENT --to ROUTE",
        at=now,
    )
