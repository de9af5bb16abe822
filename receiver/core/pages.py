"""Page accounting: turns the segments of a split job into pieces that contain each page of the packet exactly once.

What does not add up is reported, never guessed: a page in no piece or in two, one that the packet does not have, a
piece beyond a bound. Pages are counted from 1.
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
MOST_PAGES = 1_000_000
"""That a person can name in one list."""
BY_HAND = "by hand"
"""The confidence of a piece that a person cut."""
_RANK = {"low": 1, "medium": 2, "high": 3, BY_HAND: 4}


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """Pages that belong together, according to a split job or to a cut."""

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
    """Maximum pages of a packet: a longer one waits in review before it costs anything."""
    blank_pages: Literal["attach", "drop"] = "attach"
    merge_neighbours: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """How a packet was cut: when, by whom, and into what. A packet keeps every cut; the last one is valid."""

    at: float
    by: str
    """The split job, or the person."""
    task: str
    """The task that carries it out."""
    pieces: tuple[Segment, ...]
    omitted: tuple[int, ...] = ()
    """Pages that are in no piece because ``uncategorized: omit`` asks for that."""
    files_left: tuple[str, ...] = ()
    """Names of embedded files that belong to no page, and so to no piece: only the packet's own file has them."""
    under_way: bool = False
    """Whether its task is not done: pieces may be missing, or be left from an earlier cut, and nobody was told yet.

    Also of a cut from before the packet was resubmitted: the task of the next one is not done.
    """


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

    ``blank`` are the pages known to be blank (see ``candidates``). With ``omit`` the pages that no segment
    contains were left out on purpose, and are listed as omitted. A packet without any other pages is still a fault.
    """
    known = tuple(replace(item, pages=tuple(sorted(set(item.pages)))) for item in segments if item.pages)
    missing = _missing(known, page_count)
    unheld = tuple(page for page in missing if page not in blank)
    if page_count and blank and set(blank).issuperset(range(1, page_count + 1)):
        return Account(faults=("every page is blank",))
    if faults := tuple(_faults(known, () if omit else unheld, page_count)):
        return Account(faults=faults)
    loose = tuple(page for page in missing if page in blank)
    settle = _dropped if guards.blank_pages == "drop" else _attached
    pieces = settle(sorted(known, key=lambda item: item.pages), loose, frozenset(blank))
    if guards.merge_neighbours:
        pieces = _merged(pieces)
    if unheld and all(item.category == BLANK for item in pieces):
        return Account(faults=(f"the packet would be empty: no piece holds {_pages(unheld)}",))
    if broken := tuple(_broken(pieces, guards)):
        return Account(faults=broken)
    return Account(pieces=tuple(pieces), omitted=unheld if omit else ())


def candidates(segments: Sequence[Segment], page_count: int, guards: Guards) -> tuple[int, ...]:
    """The pages that must be checked for being blank, because each check takes time.

    To drop blank pages: all pages; to attach them: those in no segment, or without a category.
    """
    if guards.blank_pages == "drop":
        return tuple(range(1, page_count + 1))
    doubtful = {page for item in segments if item.category == UNCATEGORIZED for page in item.pages}
    return tuple(sorted({*_missing(segments, page_count), *doubtful} & set(range(1, page_count + 1))))


def sure_enough(confidence: str, least: str) -> bool:
    """Whether a confidence is ``least`` or higher. ``low`` accepts all; an unknown word counts as low."""
    return _RANK.get(confidence, 1) >= _RANK[least]


def spans(pages: Iterable[int]) -> str:
    """The pages in words: ``1-4, 7``."""
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in _runs(sorted(set(pages))))


def read_spans(text: str) -> tuple[int, ...]:
    """The pages that ``1-4,7`` names, in order. Raises ValueError for anything else."""
    pages: set[int] = set()
    named = 0
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise ValueError(f"{text!r} is not a page list; write 5-13, or 1-4,7")
        start, end = int(first), int(last or first)
        if not 1 <= start <= end <= MOST_PAGES:
            raise ValueError(f"{part.strip()!r} is not a page range: pages count up from 1")
        named += end - start + 1
        if named > MOST_PAGES:
            raise ValueError(f"a page list names at most {MOST_PAGES} pages")
        pages.update(range(start, end + 1))
    return tuple(sorted(pages))


def _runs(pages: Sequence[int]) -> Iterator[tuple[int, int]]:
    """First and last page of each run of pages that follow one another."""
    if not pages:
        return
    first = pages[0]
    for item, other in pairwise(pages):
        if other != item + 1:
            yield first, item
            first = other
    yield first, pages[-1]


def _missing(segments: Iterable[Segment], page_count: int) -> tuple[int, ...]:
    held = {page for item in segments for page in item.pages}
    return tuple(page for page in range(1, page_count + 1) if page not in held)


def _faults(segments: Sequence[Segment], unheld: Sequence[int], page_count: int) -> Iterator[str]:
    counted = Counter(page for item in segments for page in item.pages)
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
    """Attaches blank pages to the piece before them; those at the start to the first piece."""
    rows = [*pieces, *(Segment(category=BLANK, pages=(page,), confidence="high") for page in loose)]
    rows.sort(key=lambda item: item.pages)
    written = [item for item in rows if not blank.issuperset(item.pages)]
    if not written:
        pages = tuple(sorted(page for item in rows for page in item.pages))
        return [Segment(category=BLANK, pages=pages, confidence="high")] if rows else []
    settled: list[Segment] = []
    early: tuple[int, ...] = ()
    for item in rows:
        if not blank.issuperset(item.pages):
            settled.append(replace(item, pages=tuple(sorted((*early, *item.pages)))))
            early = ()
        elif settled:
            settled[-1] = replace(settled[-1], pages=tuple(sorted((*settled[-1].pages, *item.pages))))
        else:
            early = (*early, *item.pages)
    return settled


def _dropped(pieces: Sequence[Segment], loose: Sequence[int], blank: frozenset[int]) -> list[Segment]:
    """Puts all blank pages into one separate piece."""
    left = (replace(item, pages=tuple(page for page in item.pages if page not in blank)) for item in pieces)
    kept = [item for item in left if item.pages]
    dropped = sorted({*loose, *(page for item in pieces for page in item.pages if page in blank)})
    return [*kept, *([Segment(category=BLANK, pages=tuple(dropped), confidence="high")] if dropped else [])]


def _merged(pieces: Sequence[Segment]) -> list[Segment]:
    """Merges adjacent segments of the same category; the lower confidence counts."""
    merged: list[Segment] = []
    for item in pieces:
        last = merged[-1] if merged and merged[-1].pages[-1] + 1 == item.pages[0] else None
        if last and last.category == item.category not in (UNCATEGORIZED, BLANK):
            confidence = min(last.confidence, item.confidence, key=lambda word: _RANK.get(word, 1))
            merged[-1] = replace(last, pages=(*last.pages, *item.pages), confidence=confidence)
        else:
            merged.append(item)
    return merged


def _broken(pieces: Sequence[Segment], guards: Guards) -> Iterator[str]:
    letters = [item for item in pieces if item.category != BLANK]
    for item in letters:
        size, where = len(item.pages), f"the {item.category} on {_pages(item.pages)}"
        if guards.min_pages is not None and size < guards.min_pages:
            yield f"{where} is shorter than guards.min_pages {guards.min_pages}"
        if guards.max_pages is not None and size > guards.max_pages:
            yield f"{where} is longer than guards.max_pages {guards.max_pages}"
    if guards.max_pieces is not None and len(letters) > guards.max_pieces:
        yield f"{len(letters)} pieces are more than guards.max_pieces {guards.max_pieces}"
