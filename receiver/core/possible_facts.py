"""What a document of each way in can have: facts that exclude each other, so that a row that asks for both is found.

Sure facts hold of every document, whoever took it in. Usual ones hold of what Mailroom's own ways in bring, as long as
nobody replaces its bytes: an application with a way in of its own may give a file from a folder a subject.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from receiver.core.media import ONE_PAGE, PDF

SOURCES = ("folder", "upload", "s3", "email", "piece", "adopted", "llamacloud")
"""The ways in; there is no other (``Origin.kind``)."""
Facts = Mapping[str, Any]
"""Attribute -> the value that such a document has. What is not named may be anything."""
_NONE: Facts = {"sender": "", "subject": "", "recipient": (), "parent_category": "", "metadata": ()}
"""The values of what is not there."""
_NEVER_HAS = {
    **dict.fromkeys(SOURCES, ("parent_category",)),
    "piece": (),
    "adopted": ("parent_category", "sender", "subject", "recipient", "metadata"),
    "llamacloud": ("parent_category", "subject", "recipient"),
}
_MAIL_ONLY = dict.fromkeys(("folder", "upload", "s3"), ("subject", "recipient", "metadata"))
"""What their documents usually do not have; those of a mail have it, and the pieces of a packet that came in one."""
_PIECE: Facts = {"media_type": PDF, "duplicate": False}
"""What a piece usually is: cut from a PDF, and compared with nothing. A person may replace it by something else."""
_PAGED: tuple[Facts, ...] = (
    {"media_type": PDF},
    *({"media_type": item, "pages": 1} for item in sorted(ONE_PAGE)),
    {"pages": None},
)
"""Pages are counted of PDFs, and known of images that are always one. Of a PDF that cannot be opened they are not."""
WHY = {
    "duplicate": "a piece is not compared with earlier documents",
    "pages": "only PDFs have a page count, and PNG, JPEG, GIF, BMP and WebP, which have one page",
    "media_type": "pieces are PDFs",
    "sender": "the sender of adopted jobs is unknown",
    "subject": "only e-mail has a subject",
    "recipient": "only e-mail has recipients",
    "metadata": "only e-mail has metadata",
    "parent_category": "only a piece of a packet has a category there",
}
"""Attribute -> what makes it exclude another one; the first that is asked says it."""


def kinds_told_apart(asked: Collection[str], *, by_pages: bool, sure: bool) -> Sequence[Facts]:
    """The kinds of documents that these attributes tell apart, ``by_pages`` also by what pages there are."""
    return _kinds(tuple(asked), by_pages, sure)


@lru_cache(maxsize=1024)
def _kinds(asked: tuple[str, ...], by_pages: bool, sure: bool) -> Sequence[Facts]:
    """Cached because most rows of a large table ask for the same attributes."""
    found: list[Facts] = []
    for source in SOURCES:
        for facts in _of(source, by_pages=by_pages, sure=sure):
            kind = dict(_named(facts, asked))
            if not any(other.items() <= kind.items() for other in found):
                found = [*(other for other in found if not kind.items() <= other.items()), kind]
    return found


def _of(source: str, *, by_pages: bool, sure: bool) -> Iterator[Facts]:
    absent = (*_NEVER_HAS[source], *(() if sure else _MAIL_ONLY.get(source, ())))
    fixed = {"source": source, **{of: _NONE[of] for of in absent}}
    if source == "piece":
        yield fixed if sure else {**fixed, **_PIECE}
    else:
        yield from ({**fixed, **more} for more in (_PAGED if by_pages else ({},)))


def _named(facts: Facts, asked: Collection[str]) -> Iterator[tuple[str, Any]]:
    """The facts about what is asked; ``metadata`` is one about every key."""
    for of in asked:
        name = "metadata" if of.startswith("metadata.") else of
        if name in facts:
            yield of, facts[name]
