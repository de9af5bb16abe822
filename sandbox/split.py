"""Cuts a packet into its documents."""

from collections.abc import Callable, Sequence
from itertools import groupby

from sandbox.reading import Page, Reading
from sandbox.segment import UNCATEGORIZED, Segment, Strategy
from sandbox.verdict import Rule, Verdict


def split(
    reading: Reading,
    categories: Sequence[Rule],
    strategy: Strategy,
    classify: Callable[[Reading, Sequence[Rule]], Verdict],
) -> tuple[Segment, ...]:
    """The pages of `reading` as segments, in order."""

    def category(page: Page) -> str:
        return classify(Reading(reading.name, reading.sha256, (page,)), categories).type or UNCATEGORIZED

    runs = [(name, tuple(page.number for page in pages)) for name, pages in groupby(reading.pages, category)]
    return tuple(
        Segment(name, pages, "medium")
        for name, pages in runs
        if name != UNCATEGORIZED or strategy.uncategorized != "omit"
    )
