"""Page accounting: what a split job says of a packet's pages becomes pieces that hold each page exactly once.

Pure. Whatever does not add up is named, never guessed at: a page that no piece holds, one that two hold, one that the
packet does not have, a piece that breaks a bound. Pages are counted from 1.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

UNCATEGORIZED = "uncategorized"
"""LlamaCloud's word for pages that fit no category (reference 1.4)."""
BLANK = "blank"
"""Our category for the piece that holds a packet's dropped blank pages."""
BY_HAND = "by hand"
"""The confidence of a piece that a person cut."""
_RANK = {"low": 1, "medium": 2, "high": 3, BY_HAND: 4}


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """Pages that belong together: as a split job said it, or as they are cut."""

    category: str
    pages: tuple[int, ...]
    confidence: str
    """high, medium or low; "by hand" for a person's cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guards:
    """Bounds that the pieces of a packet must keep; a packet that breaks one waits in review."""

    min_pages: int | None = None
    max_pages: int | None = None
    max_pieces: int | None = None
    max_packet_pages: int | None = None
    """Of the packet itself: a longer one waits in review before anything is paid for."""
    blank_pages: Literal["attach", "drop"] = "attach"
    merge_neighbours: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """How a packet was cut: when, by whom, and into what. A packet keeps every cut; the last one holds."""

    at: float
    by: str
    """The split job, or the person."""
    task: str
    """The task that carries it out."""
    pieces: tuple[Segment, ...]
    omitted: tuple[int, ...] = ()
    """Pages that are in no piece because ``uncategorized: omit`` asks for that."""
    files_left: tuple[str, ...] = ()
    """Names of embedded files that belong to no page, and so to no piece: they are in the packet's own file alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The pieces, in the order of their pages; or what is wrong, and then no pieces."""

    pieces: tuple[Segment, ...] = ()
    omitted: tuple[int, ...] = ()
    faults: tuple[str, ...] = ()


def account(
    segments: Sequence[Segment],
    page_count: int,
    guards: Guards,
    *,
    omit: bool = False,
    blank: Collection[int] = (),
) -> Account:
    """The pieces of a packet of ``page_count`` pages, or the faults.

    ``blank`` are the pages known to be blank (see ``candidates``). With ``omit`` the pages that no segment holds were
    left out on purpose: they are named as omitted. A packet of which nothing else is left is a fault all the same.
    """
    known = tuple(replace(one, pages=tuple(sorted(set(one.pages)))) for one in segments if one.pages)
    missing = _missing(known, page_count)
    unheld = tuple(page for page in missing if page not in blank)
    if page_count and blank and set(blank).issuperset(range(1, page_count + 1)):
        return Account(faults=("every page is blank",))
    if faults := tuple(_faults(known, () if omit else unheld, page_count)):
        return Account(faults=faults)
    loose = tuple(page for page in missing if page in blank)
    settle = _dropped if guards.blank_pages == "drop" else _attached
    pieces = settle(sorted(known, key=lambda one: one.pages), loose, frozenset(blank))
    if guards.merge_neighbours:
        pieces = _merged(pieces)
    if unheld and all(one.category == BLANK for one in pieces):
        return Account(faults=(f"nothing would be left of the packet: no piece holds {_pages(unheld)}",))
    if broken := tuple(_broken(pieces, guards)):
        return Account(faults=broken)
    return Account(pieces=tuple(pieces), omitted=unheld if omit else ())


def candidates(segments: Sequence[Segment], page_count: int, guards: Guards) -> tuple[int, ...]:
    """The pages of which it matters whether they are blank: looking at a page costs time.

    To drop blank pages all of them; to attach, those that no segment holds or that fit no category.
    """
    if guards.blank_pages == "drop":
        return tuple(range(1, page_count + 1))
    doubtful = {page for one in segments if one.category == UNCATEGORIZED for page in one.pages}
    return tuple(sorted({*_missing(segments, page_count), *doubtful} & set(range(1, page_count + 1))))


def sure_enough(confidence: str, least: str) -> bool:
    """Whether a piece's confidence reaches ``least``; ``low`` lets all pass; an unknown word counts as low."""
    return _RANK.get(confidence, 1) >= _RANK[least]


def spans(pages: Iterable[int]) -> str:
    """The pages in words: ``1-4, 7``."""
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in _runs(sorted(set(pages))))


def read_spans(text: str) -> tuple[int, ...]:
    """The pages that ``1-4,7`` names, in order. Raises ValueError for anything else."""
    pages: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise ValueError(f"{text!r} does not name pages; write 5-13, or 1-4,7")
        start, end = int(first), int(last or first)
        if not 1 <= start <= end <= 1_000_000:
            raise ValueError(f"{part.strip()!r} is no range of pages: they count up, from 1")
        pages.update(range(start, end + 1))
    return tuple(sorted(pages))


def _runs(pages: Sequence[int]) -> Iterator[tuple[int, int]]:
    """First and last page of each run of pages that follow one another."""
    if not pages:
        return
    first = pages[0]
    for one, other in pairwise(pages):
        if other != one + 1:
            yield first, one
            first = other
    yield first, pages[-1]


def _missing(segments: Iterable[Segment], page_count: int) -> tuple[int, ...]:
    held = {page for one in segments for page in one.pages}
    return tuple(page for page in range(1, page_count + 1) if page not in held)


def _faults(segments: Sequence[Segment], unheld: Sequence[int], page_count: int) -> Iterator[str]:
    counted = Counter(page for one in segments for page in one.pages)
    strange = [page for page in counted if not 1 <= page <= page_count]
    double = [page for page, times in counted.items() if times > 1]
    if unheld:
        yield f"no piece holds {_pages(unheld)}"
    if double:
        yield f"more than one piece holds {_pages(double)}"
    if strange:
        yield f"the packet has {page_count} pages, but a piece holds {_pages(strange)}"


def _pages(pages: Collection[int]) -> str:
    return f"page{'s' if len(pages) > 1 else ''} {spans(pages)}"


def _attached(pieces: Sequence[Segment], loose: Sequence[int], blank: frozenset[int]) -> list[Segment]:
    """Blank pages that stand alone go with the piece before them; those at the start with the first piece."""
    rows = [*pieces, *(Segment(category=BLANK, pages=(page,), confidence="high") for page in loose)]
    rows.sort(key=lambda one: one.pages)
    written = [one for one in rows if not blank.issuperset(one.pages)]
    if not written:
        pages = tuple(sorted(page for one in rows for page in one.pages))
        return [Segment(category=BLANK, pages=pages, confidence="high")] if rows else []
    settled: list[Segment] = []
    early: tuple[int, ...] = ()
    for one in rows:
        if not blank.issuperset(one.pages):
            settled.append(replace(one, pages=tuple(sorted((*early, *one.pages)))))
            early = ()
        elif settled:
            settled[-1] = replace(settled[-1], pages=tuple(sorted((*settled[-1].pages, *one.pages))))
        else:
            early = (*early, *one.pages)
    return settled


def _dropped(pieces: Sequence[Segment], loose: Sequence[int], blank: frozenset[int]) -> list[Segment]:
    """Blank pages are a piece of their own, wherever they stood."""
    left = (replace(one, pages=tuple(page for page in one.pages if page not in blank)) for one in pieces)
    kept = [one for one in left if one.pages]
    dropped = sorted({*loose, *(page for one in pieces for page in one.pages if page in blank)})
    return [*kept, *([Segment(category=BLANK, pages=tuple(dropped), confidence="high")] if dropped else [])]


def _merged(pieces: Sequence[Segment]) -> list[Segment]:
    """Neighbours of one category made one; the confidence is the lower one."""
    merged: list[Segment] = []
    for one in pieces:
        last = merged[-1] if merged else None
        if last and last.category == one.category not in (UNCATEGORIZED, BLANK) and _adjoin(last, one):
            confidence = min(last.confidence, one.confidence, key=lambda word: _RANK.get(word, 1))
            merged[-1] = replace(last, pages=(*last.pages, *one.pages), confidence=confidence)
        else:
            merged.append(one)
    return merged


def _adjoin(one: Segment, other: Segment) -> bool:
    return one.pages[-1] + 1 == other.pages[0]


def _broken(pieces: Sequence[Segment], guards: Guards) -> Iterator[str]:
    letters = [one for one in pieces if one.category != BLANK]
    for one in letters:
        size, where = len(one.pages), f"the {one.category} on {_pages(one.pages)}"
        if guards.min_pages is not None and size < guards.min_pages:
            yield f"{where} is shorter than guards.min_pages {guards.min_pages}"
        if guards.max_pages is not None and size > guards.max_pages:
            yield f"{where} is longer than guards.max_pages {guards.max_pages}"
    if guards.max_pieces is not None and len(letters) > guards.max_pieces:
        yield f"{len(letters)} pieces are more than guards.max_pieces {guards.max_pieces}"
