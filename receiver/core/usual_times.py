"""How long jobs of each kind and size take, as far as this process has seen: when to ask about one that says nothing.

LlamaCloud's own times count, not ours: a result that we found late must not make us ask later still.
"""

import math
from collections import defaultdict, deque
from dataclasses import dataclass, field

from receiver.core.job import JobKind, JobReport

FLOOR = 5.0
"""Seconds after which a job is asked about at the earliest, and as long as too few of its like have been seen."""
FEW, KEPT = 20, 200
"""Jobs from which on they say what is usual, and the latest of them that count."""
SHARE = 0.95
"""The part of recent jobs that took no longer than what is usual."""
MARGIN, SLACK = 1.1, 1.0
"""What the usual time is multiplied by, and the seconds that are added: an event takes a moment, too."""


@dataclass(slots=True)
class UsualTimes:
    """Seconds from creation to end of the latest jobs."""

    _seen: dict[tuple[JobKind, int], deque[float]] = field(
        default_factory=lambda: defaultdict(lambda: deque(maxlen=KEPT))
    )

    def note(self, report: JobReport, pages: int | None) -> None:
        """Takes a job that has ended into account, where LlamaCloud says when it began and ended."""
        if report.created_at is not None and report.ended_at is not None:
            self._seen[report.kind, _size(pages)].append(max(0.0, report.ended_at - report.created_at))

    def first_look(self, kind: JobKind, pages: int | None, *, longest: float) -> float:
        """Seconds after its creation at which a job is asked about if no event came; ``longest`` at the latest."""
        seen = sorted(self._seen.get((kind, _size(pages)), ()))
        if len(seen) < FEW:
            return min(FLOOR, longest)
        usual = seen[math.ceil(SHARE * len(seen)) - 1]
        return min(max(FLOOR, MARGIN * usual + SLACK), longest)


def _size(pages: int | None) -> int:
    """The same for all that have about as many pages."""
    return (pages or 0).bit_length()
