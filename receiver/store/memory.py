"""A store in memory: for tests and trials; its content ends with the process.

Nothing here awaits between reading and writing, so on one event loop each call is atomic without a lock. Records go in
and out as copies through the codec, so that what works here works in the stores that write.
"""

import math
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from operator import attrgetter
from typing import Any

from receiver.core.balance import Tally
from receiver.core.bulkhead import Room
from receiver.core.change import (
    INDEXES,
    CheckOwner,
    Delete,
    Insert,
    InsertIfAbsent,
    Page,
    Query,
    Record,
    Replace,
    Write,
    kind_of,
    refuse_repeats,
    succeeding,
)
from receiver.core.document import Document
from receiver.core.errors import Conflict
from receiver.core.job import Job
from receiver.core.search import Search, SearchPage
from receiver.core.task import Task
from receiver.ports import Clock, R, Store
from receiver.store import codec, listing
from receiver.store.sequential import apply_sequentially
from receiver.store.walked_search import walked_search


class MemoryStore:
    """The in-memory Store."""

    def __init__(self, clock: Clock = time.time) -> None:
        self._clock = clock
        self._kept: dict[type[Any], dict[str, Any]] = {kind: {} for kind in INDEXES}
        self._totals: Counter[str] = Counter()

    async def open(self) -> None:
        pass

    async def apply(self, *writes: Write) -> None:
        refuse_repeats(writes)
        accepted: dict[tuple[str, str], Record] = {}
        for record in [self._accepted(write) for write in writes]:
            if record is not None:
                accepted.setdefault((kind_of(record), record.id), codec.copy(record))
        for record in accepted.values():
            self._put(record)
        for write in writes:
            if isinstance(write, Delete):
                self._remove(type(write.record), write.record.id)

    async def apply_each(self, *changes: Sequence[Write]) -> list[Exception | None]:
        return await apply_sequentially(self, changes)

    async def get(self, kind: type[R], record_id: str) -> R | None:
        record = self._get(kind, record_id)
        return record and codec.copy(record)

    async def find(self, kind: type[Record], query: Query) -> Page:
        index = listing.index_of(kind, query)
        after = listing.after(query)
        rows = []
        for record in self._all(kind):
            order = getattr(record, index.order)
            if order is None or (index.key and getattr(record, index.key) != query.key):
                continue
            if _between(order, query) and (after is None or _beyond((order, record.id), after, query)):
                rows.append((record, order, record.id))
        rows.sort(key=lambda row: row[1:], reverse=query.newest_first)
        return listing.page_of(query, [(codec.copy(record), *place) for record, *place in rows[: query.limit + 1]])

    async def search(self, search: Search, *, limit: int = 50, cursor: str | None = None) -> SearchPage:
        return await walked_search(
            self, search, limit=limit, cursor=cursor, look_at=math.inf, count=len(self._kept[Document])
        )

    async def claim(
        self,
        *,
        owner: str,
        now: float,
        lease_seconds: float,
        limit: int = 1,
        ids: Sequence[str] | None = None,
        room: Room | None = None,
    ) -> list[Task]:
        room = room or Room.for_any(limit)
        waiting = [
            task
            for task in self._all(Task)
            if task.claimable_at is not None and task.claimable_at <= now and (ids is None or task.id in ids)
        ]
        admitted = (task for task in sorted(waiting, key=attrgetter("turn")) if room.take(task))
        claimed = []
        for task in islice(admitted, limit):
            mine = task.claim(owner=owner, now=now, lease_seconds=lease_seconds)
            claimed.append(succeeding(mine))
            self._put(codec.copy(claimed[-1]))
        return claimed

    async def tally(self) -> Tally:
        return Tally.of(self._totals)

    async def may_have_removed(self, document_id: str) -> bool:
        return (await self.tally()).forgotten > 0

    async def purge(self, *, now: float, limit: int = 1000) -> int:
        gone = [(kind, key) for kind in INDEXES for key in self._kept[kind] if self._get(kind, key, now) is None]
        for kind, key in gone[:limit]:
            del self._kept[kind][key]
        return len(gone[:limit])

    async def ready(self) -> None:
        pass

    async def close(self) -> None:
        pass

    def _accepted(self, write: Write) -> Record | None:
        """The record that this write stores, if any. Raises Conflict."""
        if isinstance(write, CheckOwner):
            job = self._get(Job, write.job_id)
            if job is not None and job.document_id != write.document_id:
                raise Conflict(kind_of(Job), write.job_id)
            return None
        kept = self._get(type(write.record), write.record.id)
        match write:
            case Insert(record) if kept is None:
                return record
            case InsertIfAbsent(record):
                return record if kept is None else None
            case Replace(record) if kept is not None and kept.version == record.version:
                return succeeding(record)
            case Delete(record) if kept is not None and kept.version == record.version:
                return None
        raise Conflict(kind_of(write.record), write.record.id)

    def _put(self, record: Record) -> None:
        if isinstance(record, Document):
            before = self._get(Document, record.id)
            self._totals.update(["taken_in", record.state] if before is None else [record.state])
            self._totals.subtract([] if before is None else [before.state])
        self._kept[type(record)][record.id] = record

    def _remove(self, kind: type[Record], record_id: str) -> None:
        gone = self._kept[kind].pop(record_id)
        if isinstance(gone, Document):
            self._totals.subtract([gone.state])
            self._totals.update(["forgotten"])

    def _get(self, kind: type[R], record_id: str, now: float | None = None) -> R | None:
        record: R | None = self._kept[kind].get(record_id)
        expires_at: float | None = getattr(record, "expires_at", None)
        return None if expires_at is not None and expires_at <= (self._clock() if now is None else now) else record

    def _all(self, kind: type[R]) -> Iterator[R]:
        now = self._clock()
        found = (self._get(kind, record_id, now) for record_id in list(self._kept[kind]))
        return (record for record in found if record is not None)


def _between(order: float, query: Query) -> bool:
    return (query.since is None or order >= query.since) and (query.until is None or order < query.until)


def _beyond(place: tuple[float, str], after: tuple[float, str], query: Query) -> bool:
    return place < after if query.newest_first else place > after


_: type[Store] = MemoryStore
