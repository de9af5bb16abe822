"""The balance: every document that was received is routed, in review, failed, open or removed."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tally:
    """How many documents were received, how many are in each state, and how many were removed since.

    The store counts them in the transaction of each write. A withdrawn piece does not count as received, because its
    pages are in other pieces. It is counted separately.
    """

    taken_in: int = 0
    routed: int = 0
    review: int = 0
    failed: int = 0
    open: int = 0
    withdrawn: int = 0
    forgotten: int = 0
    """Documents whose records were removed when they expired (``retention.documents_days``)."""

    @property
    def ever(self) -> int:
        """All documents that were ever received, withdrawn pieces included; it never decreases."""
        return self.taken_in + self.withdrawn

    @classmethod
    def of(cls, counted: Mapping[str, int]) -> "Tally":
        """The tally from a store's counters: every document that ever came, and how many are in each state."""
        ever, withdrawn = counted.get("taken_in", 0), counted.get("withdrawn", 0)
        return cls(**{**counted, "taken_in": ever - withdrawn})

    @property
    def balanced(self) -> bool:
        """Whether received = routed + review + failed + open + removed."""
        return self.taken_in == self.routed + self.review + self.failed + self.open + self.forgotten
