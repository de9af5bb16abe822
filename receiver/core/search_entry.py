"""What a search compares of a document: one text of everything by which people know it, and what they filter by."""

from typing import NamedTuple, Self

from receiver.core.document import Document
from receiver.core.ids import DOCUMENT
from receiver.core.pattern import fold

LINE_LIMIT = 1024
"""Characters of each name or place that are compared: what S3 allows for a key."""
PLACES_LIMIT = 50
_CONTROLS = dict.fromkeys((*range(32), 127), " ")


def searchable(text: str) -> str:
    """The text as a search compares it: folded, on one line, with single spaces."""
    return " ".join(fold(text).translate(_CONTROLS).split())


class SearchPlace(NamedTuple):
    """Where a document stands in the order of results: the newest first, of one moment the greatest id."""

    taken_in_at: float
    document_id: str


class _Lines(NamedTuple):
    """The lines of an entry's text before the places, in their order."""

    id: str
    job: str
    sha256: str
    source: str
    batch: str
    type: str
    name: str
    sender: str
    subject: str


_NUMBERS = {name: number for number, name in enumerate(_Lines._fields)}


class SearchEntry(NamedTuple):
    """One document, as a search sees it."""

    place: SearchPlace
    state: str
    type: str | None
    confidence: float | None
    text: str
    """A line for each of _Lines, then one for each place; all of them ``searchable``."""

    @classmethod
    def of(cls, document: Document) -> Self:
        """The entry of this document."""
        result, origin = document.effective, document.origin
        lines = _Lines(
            id=document.id,
            job=document.job_id,
            sha256=document.sha256,
            source=origin.kind,
            batch=document.batch_id,
            type=document.type or "",
            name=document.name,
            sender=origin.sender or document.metadata.get("from", ""),
            subject=document.metadata.get("subject", ""),
        )
        where = [item.receipt.location if item.receipt else item.place or item.to.url for item in document.deliveries]
        places = list(dict.fromkeys(where))[:PLACES_LIMIT]
        return cls(
            place=SearchPlace(document.taken_in_at, document.id),
            state=document.state,
            type=document.type,
            confidence=result.confidence if result else None,
            text="\n".join(searchable(line[:LINE_LIMIT]) for line in (*lines, *places)),
        )

    def line(self, name: str) -> str:
        """The line of this name (of _Lines)."""
        number = _NUMBERS[name]
        return self.text.split("\n", number + 1)[number]

    def lies_at(self, text: str) -> bool:
        """Whether one of its places has this text."""
        return any(text in place for place in self.text.split("\n")[len(_Lines._fields) :])

    def id_begins(self, text: str) -> bool:
        """Whether its id begins like this, with or without what all ids begin with."""
        own = self.line("id")
        return own.startswith(text) or own.removeprefix(f"{DOCUMENT}_").startswith(text)
