"""The balance: every document that was received is routed, in review, failed, open or removed."""

from collections.abc import Mapping
from dataclasses import dataclass

COUNTERS = ("taken_in", "routed", "review", "failed", "open", "forgotten", "withdrawn")
"""The names of the counters in stores and JSON. ``taken_in`` counts the documents that were received; docs/decisions.md
says why stored words stay."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many documents were received, how many are in each state, and how many were removed since.

    The store counts them in the transaction of each write. A withdrawn piece does not count as received, because its
    pages are in other pieces. It is counted separately.
    """

    received: int = 0
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
        return self.received + self.withdrawn

    @classmethod
    def of(cls, counted: Mapping[str, int]) -> "Tally":
        """The tally from a store's counters."""
        known = {name: counted.get(name, 0) for name in COUNTERS}
        ever = known.pop("taken_in")
        return cls(received=ever - known["withdrawn"], **known)

    @property
    def counters(self) -> dict[str, int]:
        """As JSON shows it; ``taken_in`` without the withdrawn pieces."""
        return {name: self.received if name == "taken_in" else getattr(self, name) for name in COUNTERS}

    @property
    def balanced(self) -> bool:
        """Whether received = routed + review + failed + open + removed."""
        return self.received == self.routed + self.review + self.failed + self.open + self.forgotten
