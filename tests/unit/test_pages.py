"""Each page of a packet in exactly one piece, or named: whatever a split job says."""

from collections import Counter
from itertools import pairwise
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.core.pages import (
    BLANK,
    BY_HAND,
    UNCATEGORIZED,
    Account,
    Guards,
    Segment,
    account,
    candidates,
    read_spans,
    spans,
    sure_enough,
)

CATEGORIES = st.sampled_from(["invoice", "letter", UNCATEGORIZED])
WORDS = st.sampled_from(["high", "medium", "low", ""])
GUARDS = st.builds(Guards, blank_pages=st.sampled_from(["attach", "drop"]), merge_neighbours=st.booleans())


ALL_BLANK = Account(faults=("every page is blank",))


def segment(category: str, *pages: int, confidence: str = "high") -> Segment:
    return Segment(category=category, pages=pages, confidence=confidence)


@st.composite
def whole_cuts(draw: st.DrawFn) -> tuple[list[Segment], int]:
    """Segments that hold each page of a packet once, in any order."""
    count = draw(st.integers(1, 30))
    seams = sorted({0, count, *draw(st.lists(st.integers(1, count), max_size=6))})
    found = [
        Segment(category=draw(CATEGORIES), pages=tuple(range(item + 1, other + 1)), confidence=draw(WORDS))
        for item, other in pairwise(seams)
    ]
    return draw(st.permutations(found)), count


@st.composite
def any_segments(draw: st.DrawFn) -> tuple[list[Segment], int]:
    """Whatever an API may answer: holes, overlaps, pages that are not there, pages in any order."""
    count = draw(st.integers(1, 12))
    pages = st.lists(st.integers(-1, 15), max_size=6).map(tuple)
    return draw(st.lists(st.builds(Segment, category=CATEGORIES, pages=pages, confidence=WORDS), max_size=5)), count


@given(whole_cuts(), GUARDS, st.sets(st.integers(1, 30)))
def test_each_page_is_in_exactly_one_piece(given_: tuple[list[Segment], int], guards: Guards, blank: set[int]) -> None:
    segments, count = given_
    known = blank & set(candidates(segments, count, guards))
    result = account(segments, count, guards, blank=known)
    if known >= set(range(1, count + 1)):
        assert result == ALL_BLANK
        return
    held = [page for item in result.pieces for page in item.pages]
    assert result.faults == ()
    assert sorted(held) == list(range(1, count + 1))
    assert all(item.pages == tuple(sorted(item.pages)) for item in result.pieces)


@given(any_segments(), GUARDS, st.booleans(), st.sets(st.integers(1, 12)))
def test_a_page_that_does_not_add_up_is_named(
    given_: tuple[list[Segment], int], guards: Guards, omit: bool, blank: set[int]
) -> None:
    segments, count = given_
    known = blank & set(candidates(segments, count, guards))
    result = account(segments, count, guards, omit=omit, blank=known)
    if known >= set(range(1, count + 1)):
        assert result == ALL_BLANK
        return
    times = Counter(page for item in segments for page in set(item.pages))
    wrong = {page for page, often in times.items() if often > 1 or not 1 <= page <= count}
    missing = set(range(1, count + 1)) - set(times) - known
    if wrong or (missing and not omit):
        assert result.pieces == ()
        named = {page for fault in result.faults for page in numbers_in(fault)}
        assert named >= (wrong if omit else wrong | missing)
        return
    dropped = known if guards.blank_pages == "drop" else set()
    if missing and not (set(times) & set(range(1, count + 1))) - dropped:
        assert (result.pieces, result.omitted) == ((), ())
        assert {page for fault in result.faults for page in numbers_in(fault)} == missing
        return
    held = [page for item in result.pieces for page in item.pages]
    assert sorted([*held, *result.omitted]) == list(range(1, count + 1))
    assert set(result.omitted) == (missing if omit else set())


def numbers_in(fault: str) -> set[int]:
    """The pages that a fault names."""
    text = fault.rpartition("page")[2].removeprefix("s").strip()
    found: set[int] = set()
    for part in text.split(", "):
        first, dash, last = (part[1:] if part.startswith("-") else part).partition("-")
        sign = -1 if part.startswith("-") else 1
        found.update(range(sign * int(first), int(last if dash else sign * int(first)) + 1))
    return found


def test_faults_read_like_sentences() -> None:
    result = account([segment("invoice", 1, 2), segment("letter", 2, 3), segment("letter", 9)], 6, Guards())
    assert result == Account(
        faults=(
            "no piece holds pages 4-6",
            "more than one piece holds page 2",
            "the packet has 6 pages, but a piece holds page 9",
        )
    )


def test_blank_pages_go_with_the_piece_before() -> None:
    found = [segment("invoice", 1), segment(UNCATEGORIZED, 2), segment("letter", 3), segment(UNCATEGORIZED, 4)]
    result = account(found, 4, Guards(), blank={2})
    assert [(item.category, item.pages) for item in result.pieces] == [
        ("invoice", (1, 2)), ("letter", (3,)), (UNCATEGORIZED, (4,)),
    ]  # fmt: skip


def test_blank_pages_at_the_start_go_with_the_first_piece() -> None:
    result = account([segment(UNCATEGORIZED, 1, 2), segment("letter", 3)], 3, Guards(), blank={1, 2})
    assert [item.pages for item in result.pieces] == [(1, 2, 3)]


def test_a_blank_page_that_no_segment_holds_is_not_missing() -> None:
    result = account([segment("invoice", 1), segment("letter", 3)], 3, Guards(), blank={2})
    assert [item.pages for item in result.pieces] == [(1, 2), (3,)]


def test_dropped_blank_pages_are_a_piece_of_their_own() -> None:
    found = [segment("invoice", 1, 2, 3), segment(UNCATEGORIZED, 4), segment("letter", 5)]
    result = account(found, 5, Guards(blank_pages="drop"), blank={2, 4})
    assert [(item.category, item.pages) for item in result.pieces] == [
        ("invoice", (1, 3)), ("letter", (5,)), (BLANK, (2, 4)),
    ]  # fmt: skip


@pytest.mark.parametrize("blank_pages", ["attach", "drop"])
def test_a_packet_of_blank_pages_is_for_a_person_to_look_at(blank_pages: Literal["attach", "drop"]) -> None:
    guards = Guards(blank_pages=blank_pages)
    for found in ([], [segment(UNCATEGORIZED, 1, 2)], [segment("invoice", 1)]):
        assert account(found, 2, guards, blank={1, 2}) == ALL_BLANK
    assert account([segment(BLANK, 1, 2)], 2, guards).faults == ()  # that is what a person may say


def test_neighbours_of_one_category_are_merged_when_asked_with_the_lower_confidence() -> None:
    found = [segment("invoice", 1), segment("invoice", 2, confidence="low"), segment("letter", 3)]
    assert len(account(found, 3, Guards()).pieces) == 3
    merged = account(found, 3, Guards(merge_neighbours=True)).pieces
    assert [(item.pages, item.confidence) for item in merged] == [((1, 2), "low"), ((3,), "high")]


def test_letters_of_no_category_are_not_merged() -> None:
    found = [segment(UNCATEGORIZED, 1), segment(UNCATEGORIZED, 2)]
    assert len(account(found, 2, Guards(merge_neighbours=True)).pieces) == 2


@pytest.mark.parametrize(
    ("guards", "named"),
    [
        (Guards(min_pages=2), "the letter on page 3 is shorter than guards.min_pages 2"),
        (Guards(max_pages=1), "the invoice on pages 1-2 is longer than guards.max_pages 1"),
        (Guards(max_pieces=1), "2 pieces are more than guards.max_pieces 1"),
    ],
)
def test_a_broken_bound_names_the_piece(guards: Guards, named: str) -> None:
    assert account([segment("invoice", 1, 2), segment("letter", 3)], 3, guards).faults == (named,)


def test_only_pages_whose_blankness_matters_are_looked_at() -> None:
    found = [segment("invoice", 1), segment(UNCATEGORIZED, 2), segment("letter", 4)]
    assert candidates(found, 4, Guards()) == (2, 3)
    assert candidates(found, 4, Guards(blank_pages="drop")) == (1, 2, 3, 4)


@pytest.mark.parametrize(
    ("word", "least", "enough"),
    [
        ("high", "medium", True), ("medium", "medium", True), ("low", "medium", False), ("medium", "high", False),
        ("", "medium", False), ("certain", "medium", False), ("", "low", True), (BY_HAND, "high", True),
    ],
)  # fmt: skip
def test_confidence_is_weighed_in_words(word: str, least: str, enough: bool) -> None:
    assert sure_enough(word, least) is enough


@given(st.sets(st.integers(1, 60), min_size=1))
def test_pages_are_written_and_read_back(pages: set[int]) -> None:
    assert read_spans(spans(pages)) == tuple(sorted(pages))


@pytest.mark.parametrize("text", ["", "a", "3-1", "0", "1-", "-3", "1-2-3", "1.5", "1-99999999"])
def test_what_names_no_pages_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="page"):
        read_spans(text)
