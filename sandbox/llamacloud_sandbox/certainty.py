"""How sure a ranking of rules is of its first: ample evidence, and the next one far behind."""

import math

from llamacloud_sandbox.score import Scores, akin

AMPLE = 5.0  # points at which two thirds of full certainty are reached
AKIN = 0.6  # how much a wider or narrower kind counts as a rival: much of its evidence is the same
RIVAL = 0.7  # how much the points count of a kind that no rule asks for
RIVAL_OF_UNKNOWN = 0.35  # less if the best rule means a kind that the lexicon lacks: the two may be the same
LEAST_POINTS = 1.5
LEAST_CERTAINTY = 0.2


def certainty(found: Scores) -> float:
    """From 0 to 0.99. A kind of document that no rule asks for counts against all rules."""
    if not found.ranked or not found.ranked[0].points:
        return 0.0
    first, *others = found.ranked
    best = first.points
    second = max(((AKIN if akin(first.kind, score.kind) else 1.0) * score.points for score in others), default=0.0)
    rival = (RIVAL if first.kind else RIVAL_OF_UNKNOWN) * found.unclaimed
    ample = 1 - math.exp(-max(0.0, best - found.by_chance) / AMPLE)
    lead = best**2 / (best**2 + second**2 + rival**2)
    return round(min(ample * lead, 0.99), 2)


def fits(found: Scores) -> bool:
    """Whether the first of the ranking is good enough to be the answer."""
    return (
        bool(found.ranked)
        and found.ranked[0].points >= LEAST_POINTS + found.by_chance
        and certainty(found) >= LEAST_CERTAINTY
    )
