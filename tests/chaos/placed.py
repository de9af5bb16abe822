"""How long documents took: from the acknowledgement until the store says that they came to an end.

Measured on the run's own monotonic clock, because the times in the store are those of clocks that may be wrong.
"""

import asyncio
import contextlib
import time
from collections.abc import Mapping
from statistics import median

from receiver.core.change import Query
from receiver.core.document import Document, DocumentState
from receiver.core.errors import StoreBusy
from receiver.pipeline.records import find_records
from receiver.ports import Clock, Store
from tests.chaos.evidence import ALL

LOOK_SECONDS = 1.0
"""Between two looks: a document may be said to have taken so much longer than it did."""


class Placed:
    """What is known of each document that was acknowledged; one that is opened again counts until its first end."""

    def __init__(self, store: Store, acknowledged_at: Mapping[str, float], *, clock: Clock = time.monotonic) -> None:
        """``acknowledged_at`` has document ids, and moments on ``clock``."""
        self._store = store
        self._acknowledged_at = acknowledged_at
        self._clock = clock
        self._seconds: dict[str, float] = {}

    async def watch(self) -> None:
        """Looks for ever."""
        while True:
            with contextlib.suppress(StoreBusy):
                await self.look()
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Looks once at those that were open so far. Raises StoreBusy."""
        waiting = self._acknowledged_at.keys() - self._seconds.keys()  # before the listing: none may come in between
        still_open = Query(by="state", key=DocumentState.OPEN)
        open_ids = {item.id for item in await find_records(self._store, Document, still_open, limit=ALL)}
        for document_id in waiting - open_ids:
            document = await self._store.get(Document, document_id)
            if document is not None and document.state is not DocumentState.OPEN:
                self._seconds[document_id] = self._clock() - self._acknowledged_at[document_id]

    def told(self) -> str:
        """The bound in words."""
        missing = len(self._acknowledged_at) - len(self._seconds)
        if not self._seconds:
            return f"no document was placed, of {missing}"
        whom = f"{missing} documents were not placed, all others" if missing else "every document was placed"
        longest, half = max(self._seconds.values()), median(self._seconds.values())
        return f"{whom} within {longest:.0f} s of its acknowledgement, half of them within {half:.0f} s"
