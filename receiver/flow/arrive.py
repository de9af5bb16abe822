"""Arrive: one file came in by whatever way. A letter is one document; an e-mail is one for each of its attachments.

Each attachment stands for itself: one that is refused holds no other back.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import anyio

from receiver.core.errors import DocumentRefused
from receiver.core.mail import Enclosure, Mail, read_mail
from receiver.core.media import PDF, is_mail, media_type
from receiver.core.naming import mail_batch
from receiver.flow.intake import Arrival, TakenIn, peeked, take_in
from receiver.flow.tools import Tools
from receiver.ports import Kept

MAIL_BYTES = 64 * 1024 * 1024
"""An e-mail is taken apart in memory; SES delivers at most 40 MB. Source: SES developer guide, quotas."""


@dataclass(frozen=True, slots=True)
class Refused:
    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Arrived:
    """What became of one file."""

    taken: tuple[TakenIn, ...] = ()
    refused: tuple[Refused, ...] = ()


async def arrive(arrival: Arrival, tools: Tools) -> Arrived:
    """The documents that came in this file. What is refused is told, not raised; trouble of ours is raised."""
    head, source = await peeked(arrival.source)
    arrival = replace(arrival, source=source)
    try:
        if is_mail(head) and not isinstance(source, Kept):
            mail = await asyncio.to_thread(read_mail, await _read(source))
            return await _arrive_by_mail(arrival, mail, tools)
        return Arrived(taken=(await take_in(arrival, tools),))
    except DocumentRefused as error:
        return Arrived(refused=(Refused(arrival.name, str(error)),))


async def _arrive_by_mail(arrival: Arrival, mail: Mail, tools: Tools) -> Arrived:
    taken: list[TakenIn] = []
    refused: list[Refused] = []
    for number, enclosure in enumerate(mail.enclosures, start=1):
        try:
            taken.append(await take_in(_enclosed(arrival, mail, number, enclosure), tools))
        except DocumentRefused as error:
            refused.append(Refused(f"{arrival.name}: {enclosure.name}", str(error)))
    return Arrived(taken=tuple(taken), refused=tuple(refused))


def _enclosed(arrival: Arrival, mail: Mail, number: int, enclosure: Enclosure) -> Arrival:
    """The attachment as an arrival of its own. Where the mail came in matters nothing: a mail is its Message-ID."""
    kind = media_type(enclosure.content, enclosure.name)
    return Arrival(
        name=enclosure.name,
        kind="email",
        source=_once(enclosure.content),
        locator=f"{mail.id} {number} {enclosure.name}",
        sender=mail.sender or arrival.sender,
        packet=arrival.packet and kind == PDF,
        batch_id=mail_batch(mail.id),
        metadata={**arrival.metadata, **mail.metadata},
    )


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def _read(source: AsyncIterator[bytes] | Path) -> bytes:
    """The whole mail. Raises DocumentRefused past MAIL_BYTES."""
    content = b""
    async for chunk in _chunks(source) if isinstance(source, Path) else source:
        content += chunk
        if len(content) > MAIL_BYTES:
            raise DocumentRefused(f"the e-mail is over {MAIL_BYTES} bytes", fix="save its attachments by hand")
    return content


async def _chunks(path: Path) -> AsyncIterator[bytes]:
    async with await anyio.open_file(path, "rb") as file:
        while chunk := await file.read(1024 * 1024):
            yield chunk
