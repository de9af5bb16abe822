"""Cuts a packet into its documents.

Pages are weighed for each category, the seams between them for a new document, and the likeliest row of documents is
taken. Each document is then judged as a whole, which gives its category and how sure that is.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from llamacloud_sandbox.certainty import certainty, fits
from llamacloud_sandbox.face import face
from llamacloud_sandbox.packet import cuts, likelihoods
from llamacloud_sandbox.profile import catch_all
from llamacloud_sandbox.reading import Page, Reading
from llamacloud_sandbox.score import scores
from llamacloud_sandbox.seam import FIRM, seam
from llamacloud_sandbox.segment import UNCATEGORIZED, Segment, Strategy
from llamacloud_sandbox.verdict import Rule

SURE, FAIRLY_SURE = 0.7, 0.4
TELLING = 4.0  # points from which on a page is known to be of some kind, if only of another one
UNKNOWN = ""  # the category, for the time being, of pages that show no kind at all


@dataclass(frozen=True)
class _Piece:
    """Pages judged to be one document; `seam` is how firmly it is cut from the piece before."""

    pages: tuple[Page, ...]
    category: str
    sureness: float
    seam: float = FIRM


def split(reading: Reading, categories: Sequence[Rule], strategy: Strategy) -> tuple[Segment, ...]:
    """The pages of `reading` as documents, in order; each page in one, unless `omit` leaves out what fits nowhere."""
    pieces = [piece for run in _runs(reading.pages) for piece in _pieces(run, categories)]
    if strategy.uncategorized == "forbid":
        pieces = _all_categorized(pieces, categories)
    pieces = _long_enough(pieces, strategy.min_pages)
    kept = (piece for piece in pieces if piece.category != UNCATEGORIZED or strategy.uncategorized != "omit")
    return tuple(Segment(piece.category, _numbers(piece), _in_words(piece.sureness)) for piece in kept)


def _runs(pages: Sequence[Page]) -> Iterator[list[Page]]:
    """Pages that follow one another: where pages were left out, a document can't be known to go on."""
    run: list[Page] = []
    for page in pages:
        if run and page.number != run[-1].number + 1:
            yield run
            run = []
        run.append(page)
    if run:
        yield run


def _pieces(run: Sequence[Page], categories: Sequence[Rule]) -> list[_Piece]:
    written = [shown for shown in map(face, run) if not shown.blank]
    if not written:
        return [_Piece(tuple(run), UNCATEGORIZED, sureness=0.0)]  # perhaps a scan that was not recognised
    seams = [
        seam(one, other, blank_between=other.page.number > one.page.number + 1) for one, other in pairwise(written)
    ]
    names = [category.type for category in categories]
    likely = [likelihoods(scores(shown.page.text, categories), names) for shown in written]
    documents: list[_Piece] = []
    for shown, begins, points in zip(written, cuts(likely, seams), [FIRM, *seams], strict=True):
        if begins:
            documents.append(_Piece((shown.page,), "", 0.0, points))
        else:
            documents[-1] = replace(documents[-1], pages=(*documents[-1].pages, shown.page))
    return list(_with_blanks(run, _judged_together(documents, categories)))


def _judged_together(documents: Sequence[_Piece], categories: Sequence[Rule]) -> list[_Piece]:
    """Every document judged as a whole; one of the same category, or that shows none, joins unless its seam is firm."""
    judged: list[_Piece] = []
    for document in documents:
        piece = _judged(document, categories)
        if judged and piece.seam < 0 and piece.category in (judged[-1].category, UNKNOWN):
            pages = (*judged[-1].pages, *piece.pages)
            judged[-1] = _judged(replace(judged[-1], pages=pages), categories)
        else:
            judged.append(piece)
    nowhere = catch_all(categories)
    none = nowhere.type if nowhere else UNCATEGORIZED
    return [replace(piece, category=none) if piece.category in (UNKNOWN, UNCATEGORIZED) else piece for piece in judged]


def _judged(piece: _Piece, categories: Sequence[Rule]) -> _Piece:
    found = scores("\n".join(page.text for page in piece.pages), categories)
    edge = 0.7 + 0.3 / (1 + math.exp(-piece.seam))
    if fits(found):
        return replace(piece, category=found.ranked[0].rule.type, sureness=certainty(found) * edge)
    kind_known = max(found.unclaimed, *(score.points for score in found.ranked), 0.0) >= TELLING
    return replace(piece, category=UNCATEGORIZED if kind_known else UNKNOWN, sureness=(1 - certainty(found)) * edge)


def _with_blanks(run: Sequence[Page], documents: Sequence[_Piece]) -> Iterator[_Piece]:
    """Blank pages within a document belong to it; between two, or at an end, they are a piece that fits nowhere."""
    rest = list(run)
    for document in documents:
        first = rest.index(document.pages[0])
        if first:
            yield _blank(rest[:first])
        end = rest.index(document.pages[-1]) + 1
        yield replace(document, pages=tuple(rest[first:end]))
        rest = rest[end:]
    if rest:
        yield _blank(rest)


def _blank(pages: Sequence[Page]) -> _Piece:
    return _Piece(tuple(pages), UNCATEGORIZED, sureness=FAIRLY_SURE, seam=-FIRM)


def _all_categorized(pieces: Sequence[_Piece], categories: Sequence[Rule]) -> list[_Piece]:
    """Blank pages go to the document before (or after); other pages to the nearest category, however far it is."""
    settled: list[_Piece] = []
    for piece in pieces:
        blank = not any(page.text.strip() for page in piece.pages)
        if piece.category != UNCATEGORIZED:
            settled.append(piece)
        elif blank and settled and _adjoin(settled[-1], piece):
            settled[-1] = _joined(settled[-1], piece)
        else:
            settled.append(replace(piece, category=_nearest(piece, settled, categories), sureness=0.0))
    return settled


def _nearest(piece: _Piece, before: Sequence[_Piece], categories: Sequence[Rule]) -> str:
    found = scores("\n".join(page.text for page in piece.pages), categories)
    if found.ranked and found.ranked[0].points:
        return found.ranked[0].rule.type
    return before[-1].category if before else categories[0].type


def _long_enough(pieces: Sequence[_Piece], least: int) -> list[_Piece]:
    """Pieces of fewer than `least` pages joined to the neighbour from which they are cut least firmly."""
    joined = list(pieces)
    while True:
        short = [
            place
            for place, piece in enumerate(joined)
            if len(piece.pages) < least
            and any(_adjoin(*pair) for pair in pairwise(joined[max(place - 1, 0) : place + 2]))
        ]
        if not short:
            return joined
        at = _weaker_side(joined, short[0])
        joined[at : at + 2] = [_joined(joined[at], joined[at + 1])]


def _weaker_side(pieces: Sequence[_Piece], place: int) -> int:
    """Of the seams before and after a piece, the number of the piece before the one to undo."""
    sides = [at for at in (place - 1, place) if 0 <= at < len(pieces) - 1 and _adjoin(pieces[at], pieces[at + 1])]
    return min(sides, key=lambda at: (pieces[at].category != pieces[at + 1].category, pieces[at + 1].seam))


def _joined(one: _Piece, other: _Piece) -> _Piece:
    by_weight = sorted((one, other), key=lambda piece: (piece.category == UNCATEGORIZED, -len(piece.pages)))
    sureness = by_weight[0].sureness * (1.0 if one.category == other.category else 0.8)
    return _Piece((*one.pages, *other.pages), by_weight[0].category, sureness, one.seam)


def _adjoin(one: _Piece, other: _Piece) -> bool:
    return one.pages[-1].number + 1 == other.pages[0].number


def _numbers(piece: _Piece) -> tuple[int, ...]:
    return tuple(page.number for page in piece.pages)


def _in_words(sureness: float) -> str:
    return "high" if sureness >= SURE else "medium" if sureness >= FAIRLY_SURE else "low"
