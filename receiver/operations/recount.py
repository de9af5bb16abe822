"""Counts documents one by one, to find where the totals differ from the records, and which records are odd."""

from collections import Counter
from dataclasses import dataclass

from receiver.core.balance import Tally
from receiver.core.change import Query
from receiver.core.document import Document, DocumentState
from receiver.pipeline.records import PAGE, every_record
from receiver.ports import Store

NAMED = 100
"""Odd documents that are named; all are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recount:
    """The totals beside what is on record."""

    differences: dict[str, tuple[int, int]]
    """By state: how many the totals say, and how many are on record; only where these differ."""
    odd: list[Document]
    """Documents, NAMED at most, whose state does not follow from their deliveries."""
    odd_count: int
    changed: bool
    """Whether documents changed while they were counted: then a difference proves nothing."""

    @property
    def clean(self) -> bool:
        """Whether nothing differs and nothing is odd."""
        return not self.differences and not self.odd_count


async def recount(store: Store) -> Recount:
    """Reads every document once."""
    before = await store.tally()
    counted, odd, odd_count = Counter[DocumentState](), list[Document](), 0
    async for document in every_record(Document, Query(limit=PAGE), store):
        counted[document.state] += 1
        if document.settle().state is not document.state:
            odd_count += 1
            if len(odd) < NAMED:
                odd.append(document)
    return Recount(
        differences=_differences(before, counted),
        odd=odd,
        odd_count=odd_count,
        changed=await store.tally() != before,
    )


def _differences(totals: Tally, counted: Counter[DocumentState]) -> dict[str, tuple[int, int]]:
    there = sum(number for state, number in counted.items() if state is not DocumentState.WITHDRAWN)
    pairs = {state.value: (getattr(totals, state), counted[state]) for state in DocumentState}
    pairs["received"] = (totals.received, there + totals.forgotten)
    return {name: (says, found) for name, (says, found) in pairs.items() if says != found}
