"""How much speaks for a new document between two pages: points like log-odds, above zero for a cut.

Every sign is weighed on its own and the sum decides, so that one misleading sign (a letterhead on every page, a page
number that restarts in an appendix) is outvoted by the others.
"""

import math
from collections import Counter

from llamacloud_sandbox.face import (
    Face,
    begins_midway,
    begins_with_heading,
    ends_midway,
    frame,
    goes_on_listing,
    letterhead,
)

USUALLY_GOES_ON = -1.0
FIRM = 4.0


def seam(before: Face, after: Face, *, blank_between: bool = False) -> float:
    """The points for a cut between two pages that have text; within ±`FIRM`."""
    signs = (
        USUALLY_GOES_ON,
        _page_numbers(before, after),
        _own_numbers(before, after),
        _beginning(before, after),
        _ending(before, after),
        _numbered_paragraphs(before, after),
        _looks(before, after),
        1.2 if blank_between else 0.0,
    )
    return max(-FIRM, min(FIRM, sum(signs)))


def _page_numbers(before: Face, after: Face) -> float:
    if after.place:
        return _explicit_number(before, after.place)
    if before.place:
        number, count = before.place
        return (1.5 if number == count else -2.0) if count else 0.0
    if any(number - 1 in before.bare_numbers for number in after.bare_numbers):
        return -2.5
    if 1 in after.bare_numbers:
        return 2.5
    return 0.8 if before.bare_numbers and after.bare_numbers else 0.0


def _explicit_number(before: Face, place: tuple[int, int]) -> float:
    number, count = place
    if number == 1:
        return 4.0
    if before.place == (number - 1, count):
        return -4.0
    return 1.0 if before.place else -1.0


def _own_numbers(before: Face, after: Face) -> float:
    """An invoice number that stays says: the same document; one that changes: the next one."""
    labels = before.own_numbers.keys() & after.own_numbers.keys()
    if any(before.own_numbers[label] == after.own_numbers[label] for label in labels):
        return -2.5
    points = 4.0 if labels else 0.0
    if before.date and after.date and before.date != after.date:
        points += 1.5
    return points


def _beginning(before: Face, after: Face) -> float:
    points = 0.0
    if after.title and after.title != before.title:
        points += 2.5
    if after.opens:
        points += 2.0
    if begins_midway(after):
        points -= 2.5
    elif begins_with_heading(after):
        points += 0.8
    if letterhead(after) and letterhead(after) != letterhead(before):
        points += 0.8
    return points - (0.8 if points <= 0 and goes_on_listing(before, after) else 0.0)


def _ending(before: Face, after: Face) -> float:
    if after.sources and before.sources:
        return -3.0
    if after.sources:
        return -1.5
    points = 1.5 if before.sources or before.closes else 0.0
    return points - (1.5 if ends_midway(before) else 0.0)


def _numbered_paragraphs(before: Face, after: Face) -> float:
    """Paragraph 9 after paragraph 8 goes on with the same document."""
    return -2.5 if before.items and after.items and after.items[0] == before.items[-1] + 1 else 0.0


def _looks(before: Face, after: Face) -> float:
    """A repeated letterhead and words in common speak against a cut; another language, sender or subject for it."""
    points = -1.5 if frame(before) & frame(after) else 0.0
    if before.language and after.language and before.language != after.language:
        points += 2.5
    if before.senders and after.senders and not before.senders & after.senders:
        points += 1.2
    few = 0.5 if min(before.words.total(), after.words.total()) < 40 else 1.0
    return points + few * max(-1.2, min(1.0, 4.0 * (0.25 - similarity(before.words, after.words))))


def similarity(one: Counter[str], other: Counter[str]) -> float:
    """How alike two pages' words are: the cosine of their damped counts, 0 to 1."""
    if not one or not other:
        return 0.25
    product = sum(_damped(one[word]) * _damped(other[word]) for word in one.keys() & other.keys())
    return product / (_length(one) * _length(other))


def _damped(count: int) -> float:
    return 1 + math.log(count)


def _length(words: Counter[str]) -> float:
    return math.sqrt(sum(_damped(count) ** 2 for count in words.values()))
