"""Arrive: one file came in by whatever way. A letter is one document; a mail is a record and the documents in it.

Each stands for itself: one that is refused holds no other back.
"""

from dataclasses import dataclass, replace

from receiver.core.errors import DocumentRefused
from receiver.core.media import envelope
from receiver.flow.intake import Arrival, TakenIn, peeked, take_in
from receiver.flow.mail import take_in_mails
from receiver.flow.tools import Tools


@dataclass(frozen=True, slots=True)
class Refused:
    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Arrived:
    """What became of one file."""

    taken: tuple[TakenIn, ...] = ()
    """Documents; of a mail its record comes before what it brought."""
    refused: tuple[Refused, ...] = ()


async def arrive(arrival: Arrival, tools: Tools) -> Arrived:
    """The documents that came in this file. What is refused is told, not raised; trouble of ours is raised."""
    head, source = await peeked(arrival.source)
    arrival = replace(arrival, source=source)
    try:
        if envelope(head, arrival.name):
            return Arrived(taken=tuple(await take_in_mails(arrival, tools)))
        return Arrived(taken=(await take_in(arrival, tools),))
    except DocumentRefused as error:
        return Arrived(refused=(Refused(arrival.name, str(error)),))
