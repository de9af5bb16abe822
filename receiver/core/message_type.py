"""The type of a message: what it says about its document.

The last word of the full type: ``mailroom.document.routed``.
"""

from enum import StrEnum

from receiver.core.plan import Plan, Way


class Meaning(StrEnum):
    ROUTED = "routed"
    """It is routed: by a row, or by a person, and nobody needs to look."""
    CORRECTED = "corrected"
    """The same, for a document that was routed elsewhere before, or classified otherwise."""
    HELD = "held"
    """It is held: below the confidence, or on a row with ``review``."""
    UNMATCHED = "unmatched"
    """The classifier found no rule that fits."""
    FAILED = "failed"
    """The job failed, or LlamaCloud cannot process the document."""
    SUPERSEDED = "superseded"
    """The previous message to this destination is no longer true, and the document no longer goes there."""
    AVAILABLE = "available"
    """The document is stored now, at a place that an earlier message could not name."""


PLACED = frozenset({Meaning.ROUTED, Meaning.CORRECTED})


def meaning_of(plan: Plan, *, placed: bool) -> Meaning:
    """The type of a delivery of this plan; ``placed`` says whether the document was routed before."""
    if plan.way is Way.FAILED:
        return Meaning.FAILED
    if plan.way is Way.NO_MATCH:
        return Meaning.UNMATCHED
    if plan.way is Way.LOW_CONFIDENCE or plan.review:
        return Meaning.HELD
    return Meaning.CORRECTED if placed else Meaning.ROUTED
