"""Ahead: what lies further ahead than it can is due.

A machine whose clock was wrong, or a clock that was set back, leaves tasks, jobs and deadlines in a future that nobody
waits for. Each says for how long it was meant to wait. One that lies further ahead than that, and was seen unchanged
for as long on a clock that nobody sets, is due now. So a wrong clock costs one wait more, and never an hour or a day;
and where it is our own clock that is wrong, others will have seen to it in time.
"""

import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from typing import Any

from receiver.core.change import Query, Record, Update, changed
from receiver.core.document import Document
from receiver.core.errors import Conflict
from receiver.core.job import Job
from receiver.core.task import Task
from receiver.flow.tools import Tools
from receiver.ports import Clock

TOLERANCE = 5.0
"""Seconds that two clocks may be apart without anybody minding."""
LOOKED_AT = 500
"""Records of each kind that one pass looks at; the next one goes on."""
REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of record that waits: by which index and until when, and for how long at most."""

    kind: type[Record]
    by: str
    until: str
    longest_wait: Callable[[Any, Tools], float]


KINDS = (
    _Kind(Task, "claimable", "due_at", lambda task, _: task.longest_wait),
    _Kind(Job, "overdue", "deadline", lambda job, tools: job.longest_wait(tools.config.deadline_seconds)),
    _Kind(Document, "overdue", "deadline", lambda _, tools: tools.config.deadline_seconds),
)


class Ahead:
    """What one process has seen too far ahead."""

    def __init__(self, *, clock: Clock = time.monotonic) -> None:
        """``clock`` measures for how long."""
        self._clock = clock
        self._places: dict[type[Record], Query] = {}
        self._seen: dict[tuple[type[Record], str, int], float] = {}
        """Kind, id and version -> since when."""

    async def bring_back(self, tools: Tools) -> float:
        """One pass; by how much the furthest lay too far ahead of those that are due by this, 0 when there was none."""
        furthest = 0.0
        for one in KINDS:
            async for record in self._waiting(one, tools):
                too_far = getattr(record, one.until) - tools.clock() - one.longest_wait(record, tools)
                if too_far > TOLERANCE and self._has_waited(record, one.longest_wait(record, tools)):
                    furthest = max(furthest, too_far if await _due_now(record, one, tools) else 0.0)
        return furthest

    async def _waiting(self, one: _Kind, tools: Tools) -> AsyncIterator[Any]:
        fresh = Query(by=one.by, since=tools.clock() + TOLERANCE, limit=LOOKED_AT)
        query = self._places.pop(one.kind, fresh)  # a cursor is only good for the range that it was given for
        page = await tools.store.find(one.kind, query)
        if page.cursor is not None:
            self._places[one.kind] = replace(query, cursor=page.cursor)
        for record in page.records:
            yield record

    def _has_waited(self, record: Any, seconds: float) -> bool:
        if len(self._seen) > REMEMBERED:
            self._seen.clear()
        now = self._clock()
        return now - self._seen.setdefault((type(record), record.id, record.version), now) >= seconds


async def _due_now(record: Any, one: _Kind, tools: Tools) -> bool:
    """Whether it is due by us; not when somebody else saw to it."""
    try:
        await tools.store.apply(Update(changed(record, **{one.until: tools.clock()})))
    except Conflict:
        return False
    if isinstance(record, Task):
        await tools.ring(record.id)
    return True
