"""What the hours' counts need of a store: they come from its listings and flags alone. A part of the contract."""

from dataclasses import replace
from pathlib import Path

import pytest

from receiver.core.change import Insert, Replace
from receiver.core.document import Classification, DocumentState
from receiver.core.series import HOUR
from receiver.operations import hour_counts
from receiver.operations.hour_counts import SETTLE, count_hours
from receiver.operations.read_series import read_series
from receiver.ports import Store
from tests.builders import NOW, a_document
from tests.in_memory_app import InMemoryApp


class CountedContract:
    """Its subclass provides the fixture ``store``."""

    async def test_hours_are_counted_when_they_end_and_again_when_their_documents_settle(
        self, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(hour_counts, "KEPT_DAYS", 2)  # a read of each day is slow here and there
        now, start = NOW, NOW // HOUR * HOUR
        context = replace(InMemoryApp(tmp_path).context, store=store, clock=lambda: now)
        sure = Classification(type="invoice", confidence=0.93)
        routed = a_document(taken_in_at=start + 1, state=DocumentState.ROUTED, classification=sure)
        waits = a_document(taken_in_at=start + HOUR - 0.001, state=DocumentState.REVIEW)
        await store.apply(Insert(routed), Insert(waits), Insert(a_document(taken_in_at=start + HOUR)))
        await count_hours(context)
        now = start + HOUR + SETTLE
        await count_hours(context)
        *_, before, last = await read_series("24h", context)
        assert before.counts == {"routed/invoice": 1, "sure/9/invoice": 1, "review/none": 1}
        assert (last.at, last.counts) == (start + HOUR, {"open/none": 1})
        assert before.queue == last.queue == {"open": 2, "review": 1, "parked": 0, "overdue": 0} | {"open": 1}
        await store.apply(Replace(replace(waits, state=DocumentState.FAILED)))
        now = start + 2 * HOUR + SETTLE
        await count_hours(context)
        now += HOUR
        await count_hours(context)
        assert {item.at: item.counts for item in await read_series("24h", context) if item.counts} == {
            start: {"routed/invoice": 1, "sure/9/invoice": 1, "failed/none": 1},
            start + HOUR: {"open/none": 1},
        }
