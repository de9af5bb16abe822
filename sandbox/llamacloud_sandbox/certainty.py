"""How sure a ranking of rules is of its first: ample evidence, and the next one far behind."""

import math

from llamacloud_sandbox.score import Scores, akin

AMPLE = 5.0  # points at which two thirds of full certainty are reached
AKIN = 0.6  # how much a wider or narrower kind counts as a rival: much of its evidence is the same
RIVAL = 0.7  # how much the points count of a kind that no rule asks for
RIVAL_OF_UNKNOWN = 0.35  # less if the best rule means a kind that the lexicon lacks: the two may be the same
LEAST_POINTS = 1.5
NOTHING_FOUND = 0.7  # that no rule fits, when nothing was found for any kind of document
SURELY_ELSE = 0.95  # when there is ample evidence for a kind that no rule asks for
NEAR_MISS = 0.35  # less, when a rule has almost enough evidence
UNCLEAR_RULES = 0.4  # less, when no rule is understood
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


def none_fits(found: Scores) -> float:
    """How sure it is that no rule fits, from 0.3 to 0.95: finding no words is no proof that there are none.

    Certain is only what surely is something else, under rules that are all understood. Source of the weights: the
    verdicts on the documents in tests/support, with and without the rule of each (docs/judge.md shows how they do).
    """
    else_sure = 1 - math.exp(-found.unclaimed / AMPLE)
    best = found.ranked[0].points if found.ranked else 0.0
    near = min(best / (LEAST_POINTS + found.by_chance), 1.0)
    sure = NOTHING_FOUND + (SURELY_ELSE - NOTHING_FOUND) * else_sure - NEAR_MISS * near * (1 - else_sure)
    return round(max(sure * (1 - UNCLEAR_RULES * found.unclear), 0.3), 2)


def fits(found: Scores) -> bool:
    """Whether the first of the ranking is good enough to be the answer."""
    return (
        bool(found.ranked)
        and found.ranked[0].points >= LEAST_POINTS + found.by_chance
        and certainty(found) >= LEAST_CERTAINTY
    )
