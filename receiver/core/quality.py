"""Detects that the classifier got worse, by comparing shares of today with those of the days before.

A new supplier's layout, a changed rule or a change at LlamaCloud first shows as more documents that match nothing, or
with low confidence. Each of them just waits in review; only their share shows it.
"""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from receiver.core.document import Document
from receiver.core.plan import Way

LEAST = 20
"""Minimum number of documents in both periods."""
SIGMAS = 3.0
"""By how many standard deviations the shares must differ. By chance that happens once in 700 checks."""
NOTABLE = 0.1
"""Minimum difference: with many documents a small one is certain, but not worth an alert."""


@dataclass(frozen=True, slots=True)
class Share:
    """A share: how many of how many."""

    doubtful: int = 0
    all: int = 0

    @property
    def part(self) -> float:
        return self.doubtful / self.all if self.all else 0.0


@dataclass(frozen=True, slots=True)
class Worse:
    """A share that went up."""

    what: str
    """``no_match``, or ``low_confidence:TYPE``."""
    now: Share
    before: Share


def shares(documents: Iterable[Document]) -> dict[str, Share]:
    """Of all decided documents the share that matched nothing, and of each type the share that was uncertain."""
    doubtful: Counter[str] = Counter()
    every: Counter[str] = Counter()
    for document in documents:
        if document.plan is None or document.classification is None or document.cuts:
            continue
        way, type_ = document.plan.way, document.classification.type
        every["no_match"] += 1
        doubtful["no_match"] += way is Way.NO_MATCH
        if type_ is not None:
            every[f"low_confidence:{type_}"] += 1
            doubtful[f"low_confidence:{type_}"] += way is Way.LOW_CONFIDENCE
    return {what: Share(doubtful[what], count) for what, count in every.items()}


def worse(now: dict[str, Share], before: dict[str, Share]) -> list[Worse]:
    """The shares that went up by more than chance explains, in order of their names."""
    return [
        Worse(what, share, before[what])
        for what, share in sorted(now.items())
        if what in before and _went_up(share, before[what])
    ]


def _went_up(now: Share, before: Share) -> bool:
    """The test of two proportions, with a floor under the sizes and under the difference."""
    if min(now.all, before.all) < LEAST or now.part - before.part < NOTABLE:
        return False
    pooled = (now.doubtful + before.doubtful) / (now.all + before.all)
    deviation = math.sqrt(pooled * (1 - pooled) * (1 / now.all + 1 / before.all))
    return now.part - before.part > SIGMAS * deviation
