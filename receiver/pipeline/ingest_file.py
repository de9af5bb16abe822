"""Ingests one file, whatever way it came in. A letter is one document; a mail is a record and the documents in it.

Each stands for itself: one that is refused holds no other back.
"""

from dataclasses import dataclass, replace

from receiver.core.errors import DocumentRefused
from receiver.core.media import envelope
from receiver.pipeline.context import Context
from receiver.pipeline.ingest import IncomingFile, Ingested, ingest, peeked
from receiver.pipeline.ingest_mail import ingest_mails


@dataclass(frozen=True, slots=True)
class RefusedFile:
    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class IngestedFile:
    """What became of one file."""

    taken: tuple[Ingested, ...] = ()
    """Documents; of a mail its record comes before what it brought."""
    refused: tuple[RefusedFile, ...] = ()


async def ingest_file(arrival: IncomingFile, context: Context) -> IngestedFile:
    """The documents that came in this file. What is refused is told, not raised; trouble of ours is raised."""
    head, source = await peeked(arrival.source)
    arrival = replace(arrival, source=source)
    try:
        if envelope(head, arrival.name):
            return IngestedFile(taken=tuple(await ingest_mails(arrival, context)))
        return IngestedFile(taken=(await ingest(arrival, context),))
    except DocumentRefused as error:
        return IngestedFile(refused=(RefusedFile(arrival.name, str(error)),))
