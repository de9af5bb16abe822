"""How often LlamaCloud was right, by type and confidence, and the threshold that this suggests for each type.

What persons decided in review shows how good its results below a threshold are. Above it nobody looks: a document that
nobody corrected is counted as that, and not as right.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NamedTuple

from receiver.core.decision import Choice, to_undo
from receiver.core.document import Document, DocumentState
from receiver.core.plan import Way
from receiver.core.route import RouteTable
from receiver.core.statements import decided_by_person, said_by_llamacloud

TARGET = 0.95
"""The share of documents routed without a person that must be right."""
LEAST = 20
"""Checked documents between a lower threshold and the present one. With fewer, chance decides."""


class Outcome(StrEnum):
    """What became of what LlamaCloud said of a document."""

    RIGHT = "right"
    """A person gave the same type, or agreed that none fits."""
    WRONG = "wrong"
    """A person gave another type."""
    UNCORRECTED = "uncorrected"
    """The table routed it, and nobody has said otherwise."""
    WAITING = "waiting"
    """It waits for a person."""


class Judged(NamedTuple):
    """One document: what LlamaCloud said, and what became of it."""

    type: str | None
    confidence: float
    outcome: Outcome
    became: str = ""
    """The type that a person gave in its place."""


def outcome_of(document: Document) -> Judged | None:
    """None for what shows nothing: no result, a packet, a route that a person chose without a type."""
    said = said_by_llamacloud(document)
    if said is None or document.cuts:
        return None
    if document.corrected_type:
        right = document.corrected_type == said.type
        became = "" if right else document.corrected_type
        return Judged(said.type, said.confidence, Outcome.RIGHT if right else Outcome.WRONG, became)
    # A decision about an earlier result of LlamaCloud's says nothing of this one.
    last = to_undo(document.decisions) if decided_by_person(document) else None
    if last is not None:
        if last.choice is not Choice.ROUTE or last.value != Way.NO_MATCH:
            return None
        return Judged(said.type, said.confidence, Outcome.WRONG if said.type else Outcome.RIGHT)
    by_state = {DocumentState.ROUTED: Outcome.UNCORRECTED, DocumentState.REVIEW: Outcome.WAITING}
    outcome = by_state.get(document.state)
    return Judged(said.type, said.confidence, outcome) if outcome else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """How many documents of each outcome."""

    right: int = 0
    wrong: int = 0
    uncorrected: int = 0
    waiting: int = 0

    @property
    def checked(self) -> int:
        """How many a person has judged."""
        return self.right + self.wrong

    @classmethod
    def of(cls, items: Iterable[Judged]) -> "Outcomes":
        """The counts of these."""
        return cls(**Counter(item.outcome.value for item in items))


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeCalibration:
    """What is known of one type as LlamaCloud said it; None: that no rule matches."""

    type: str | None
    threshold: float | None
    """The ``min_confidence`` of the table; None where no row is for this type."""
    above: Outcomes
    """With at least this confidence."""
    below: Outcomes
    became: dict[str, int] = field(default_factory=dict)
    """What persons gave in its place, and how often."""
    suggested: float | None = None
    """Another threshold; None where the present one should stay, or too little is known."""
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationReport:
    """What is known of each type."""

    types: list[TypeCalibration]
    target: float
    documents: int
    """How many were read."""
    complete: bool
    """False when there were more than are read."""


def calibrations(items: Sequence[Judged], table: RouteTable, *, target: float = TARGET) -> list[TypeCalibration]:
    """One for each type that LlamaCloud said, the most frequent first."""
    by_type: dict[str | None, list[Judged]] = {}
    for item in items:
        by_type.setdefault(item.type, []).append(item)
    found = [_calibration(name, of_type, table, target) for name, of_type in by_type.items()]
    return sorted(found, key=lambda item: (-len(by_type[item.type]), item.type or ""))


def _calibration(name: str | None, items: Sequence[Judged], table: RouteTable, target: float) -> TypeCalibration:
    threshold = threshold_of(table, name) if name else None
    least = threshold or 0.0
    known = TypeCalibration(
        type=name,
        threshold=threshold,
        above=Outcomes.of(item for item in items if item.confidence >= least),
        below=Outcomes.of(item for item in items if not item.confidence >= least),
        became=dict(Counter(item.became for item in items if item.became).most_common()),
    )
    if threshold is None:
        return known
    suggested, because = _suggested(items, threshold, known, target)
    return replace(known, suggested=suggested, because=because)


def threshold_of(table: RouteTable, name: str) -> float | None:
    """The lowest ``min_confidence`` of the rows that end at this type; None where there is none."""
    return min((route.min_confidence for route, _ in table.rows(name) if not route.goes_on), default=None)


def with_threshold(table: RouteTable, name: str, least: float) -> RouteTable:
    """The table, with this ``min_confidence`` in every row that ends at this type."""
    ends = {route.name for route, _ in table.rows(name) if not route.goes_on}
    rows = (replace(route, min_confidence=least) if route.name in ends else route for route in table.routes)
    return replace(table, routes=tuple(rows))


def _suggested(
    items: Sequence[Judged], threshold: float, known: TypeCalibration, target: float
) -> tuple[float | None, str]:
    """Another threshold and the reason for it, or the reason to keep this one."""
    above = known.above
    routed = above.checked + above.uncorrected
    if routed and above.wrong / routed > 1 - target:
        return _raised(items, threshold, above, target)
    return _lowered(items, threshold, known.below, target)


def _raised(items: Sequence[Judged], threshold: float, above: Outcomes, target: float) -> tuple[float | None, str]:
    routed = above.checked + above.uncorrected
    wrong = f"{above.wrong} of {routed} from {threshold:.2f} on were wrong"
    for least in _steps(items, threshold, 1.0):
        kept = Outcomes.of(item for item in items if item.confidence >= least)
        there = kept.checked + kept.uncorrected
        if least > threshold and there and kept.wrong / there <= 1 - target:
            return least, f"{wrong}, and {kept.wrong} of {there} from {least:.2f} on"
    return None, f"{wrong}, and no higher threshold helps: look at its rule"


def _lowered(items: Sequence[Judged], threshold: float, below: Outcomes, target: float) -> tuple[float | None, str]:
    if below.checked < LEAST:
        return None, f"{below.checked} below {threshold:.2f} were checked by a person; {LEAST} are needed to lower it"
    for least in _steps(items, 0.0, threshold):
        between = Outcomes.of(item for item in items if least <= item.confidence < threshold)
        if between.checked >= LEAST and between.right / between.checked >= target:
            return least, (
                f"{between.right} of {between.checked} that were checked between {least:.2f} and {threshold:.2f} "
                "were right"
            )
    return None, f"{below.right} of {below.checked} that were checked below {threshold:.2f} were right"


def _steps(items: Iterable[Judged], low: float, high: float) -> list[float]:
    """The confidences of these, rounded down to hundredths, within these bounds, the lowest first."""
    known = {math.floor(item.confidence * 100) / 100 for item in items if 0.0 <= item.confidence <= 1.0}
    return sorted(step for step in known if low <= step < high or step == high == 1.0)
