"""Meanings: what a delivery says of its document. The last word of a message's type: ``mailroom.document.routed``."""

from enum import StrEnum

from receiver.core.plan import Plan, Way


class Meaning(StrEnum):
    ROUTED = "routed"
    """It has its place: a row took it, or a person chose one, and nobody needs to look."""
    CORRECTED = "corrected"
    """The same, of a document that had another place before, or was something else."""
    HELD = "held"
    """It is kept apart: below the confidence, or on a row that wants a person to look."""
    UNMATCHED = "unmatched"
    """The classifier found no rule that fits."""
    FAILED = "failed"
    """The job failed, or LlamaCloud cannot take the document."""
    SUPERSEDED = "superseded"
    """What this destination was told before holds no longer, and the document is no affair of its any more."""
    AVAILABLE = "available"
    """The document lies now where an earlier message could not say it lies."""


PLACED = frozenset({Meaning.ROUTED, Meaning.CORRECTED})


def meaning_of(plan: Plan, *, placed: bool) -> Meaning:
    """What a delivery of this plan says; ``placed`` tells that the document had a place before."""
    if plan.way is Way.FAILED:
        return Meaning.FAILED
    if plan.way is Way.NO_MATCH:
        return Meaning.UNMATCHED
    if plan.way is Way.LOW_CONFIDENCE or plan.review:
        return Meaning.HELD
    return Meaning.CORRECTED if placed else Meaning.ROUTED
