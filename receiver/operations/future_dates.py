"""Makes records due that are impossibly far in the future.

A wrong clock, or one that was set back, leaves tasks, jobs and deadlines too far in the future. Each record says how
long it was meant to wait. One that is further ahead, and has not changed for that long on a monotonic clock, becomes
due now. So a wrong clock costs one more wait, and not an hour or a day. If our own clock is wrong, other workers have
started the task in time.
"""

import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from typing import Any

from receiver.core.change import Query, Record, Replace, changed
from receiver.core.document import Document
from receiver.core.errors import Conflict
from receiver.core.job import Job
from receiver.core.task import Task
from receiver.pipeline.context import Context
from receiver.ports import Clock

TOLERANCE = 5.0
"""Seconds that two clocks may differ without consequence."""
LOOKED_AT = 500
"""Maximum records of each kind that one pass checks; the next one continues."""
REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of record that waits: its index, its due time, and its longest wait."""

    kind: type[Record]
    by: str
    until: str
    longest_wait: Callable[[Any, Context], float]


KINDS = (
    _Kind(Task, "claimable", "due_at", lambda task, _: task.longest_wait),
    _Kind(Job, "overdue", "deadline", lambda job, context: job.longest_wait(context.config.deadline_seconds)),
    _Kind(Document, "overdue", "deadline", lambda _, context: context.config.deadline_seconds),
)


class FutureDates:
    """The records that one process has seen too far ahead."""

    def __init__(self, *, clock: Clock = time.monotonic) -> None:
        """``clock`` measures how long a record stays unchanged."""
        self._clock = clock
        self._places: dict[type[Record], Query] = {}
        self._seen: dict[tuple[type[Record], str, int], float] = {}
        """Kind, id and version -> since when."""

    async def bring_back(self, context: Context) -> float:
        """One pass. Returns by how many seconds the worst record was too far ahead; 0 if there was none."""
        furthest = 0.0
        for item in KINDS:
            async for record in self._waiting(item, context):
                too_far = getattr(record, item.until) - context.clock() - item.longest_wait(record, context)
                if too_far > TOLERANCE and self._has_waited(record, item.longest_wait(record, context)):
                    furthest = max(furthest, too_far if await _due_now(record, item, context) else 0.0)
        return furthest

    async def _waiting(self, item: _Kind, context: Context) -> AsyncIterator[Any]:
        fresh = Query(by=item.by, since=context.clock() + TOLERANCE, limit=LOOKED_AT)
        query = self._places.pop(item.kind, fresh)  # a cursor is only valid for its own range
        page = await context.store.find(item.kind, query)
        if page.cursor is not None:
            self._places[item.kind] = replace(query, cursor=page.cursor)
        for record in page.records:
            yield record

    def _has_waited(self, record: Any, seconds: float) -> bool:
        if len(self._seen) > REMEMBERED:
            self._seen.clear()
        now = self._clock()
        return now - self._seen.setdefault((type(record), record.id, record.version), now) >= seconds


async def _due_now(record: Any, item: _Kind, context: Context) -> bool:
    """Makes it due; False if another worker has handled it."""
    try:
        await context.store.apply(Replace(changed(record, **{item.until: context.clock()})))
    except Conflict:
        return False
    if isinstance(record, Task):
        await context.enqueue(record.id)
    return True
