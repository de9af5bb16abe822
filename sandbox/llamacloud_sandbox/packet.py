"""The likeliest way to cut a row of pages: category by category, seam by seam (a Viterbi search)."""

import math
from collections.abc import Sequence

from llamacloud_sandbox.score import Scores

PLAIN = 2.0  # points at which a category begins to beat "none of them"
SHARPNESS = 1.5


def likelihoods(found: Scores, categories: Sequence[str]) -> list[float]:
    """The log-likelihood of each category for one page, and last of none of them."""
    points = {score.rule.type: score.points for score in found.ranked}
    none = max(PLAIN, 0.7 * found.unclaimed)
    weights = [(1 + points.get(name, 0.0)) ** SHARPNESS for name in categories] + [(1 + none) ** SHARPNESS]
    total = math.log(sum(weights))
    return [math.log(weight) - total for weight in weights]


def cuts(pages: Sequence[Sequence[float]], seams: Sequence[float]) -> list[bool]:
    """For each page whether a document begins there, given the pages' likelihoods and the seams between them."""
    if not pages:
        return []
    best = list(pages[0])
    steps: list[list[int]] = []  # per page and category: where it came from; the same number means "goes on"
    for likely, points in zip(pages[1:], seams, strict=True):
        goes_on, begins = -_softplus(points), -_softplus(-points)
        source = max(range(len(best)), key=best.__getitem__)
        step = [here if best[here] + goes_on >= best[source] + begins else -1 - source for here in range(len(best))]
        best = [
            likely[here] + (best[here] + goes_on if step[here] >= 0 else best[source] + begins)
            for here in range(len(best))
        ]
        steps.append(step)
    return _traced(best, steps)


def _traced(best: Sequence[float], steps: Sequence[Sequence[int]]) -> list[bool]:
    here = max(range(len(best)), key=best.__getitem__)
    starts = []
    for step in reversed(steps):
        starts.append(step[here] < 0)
        here = step[here] if step[here] >= 0 else -1 - step[here]
    return [True, *reversed(starts)]


def _softplus(x: float) -> float:
    return math.log1p(math.exp(x))
