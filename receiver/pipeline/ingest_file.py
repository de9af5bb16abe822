"""Ingests one file from any source. A letter is one document; a mail is a record and the documents in it.

Each document is independent: a refused one does not hold back the others.
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
    """The outcome of one file."""

    taken: tuple[Ingested, ...] = ()
    """The documents; the record of a mail comes before the documents in it."""
    refused: tuple[RefusedFile, ...] = ()


async def ingest_file(arrival: IncomingFile, context: Context) -> IngestedFile:
    """The documents in this file. A refused file is returned as such; errors on our side are raised."""
    head, source = await peeked(arrival.source)
    arrival = replace(arrival, source=source)
    try:
        if envelope(head, arrival.name):
            return IngestedFile(taken=tuple(await ingest_mails(arrival, context)))
        return IngestedFile(taken=(await ingest(arrival, context),))
    except DocumentRefused as error:
        return IngestedFile(refused=(RefusedFile(arrival.name, str(error)),))
