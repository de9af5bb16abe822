"""Gauges for the metrics: how many documents, tasks and incidents the store has now, and which channels fail."""

from collections import Counter
from collections.abc import Collection, Mapping
from typing import NamedTuple

from receiver.core.balance import Tally
from receiver.core.change import Query
from receiver.core.document import Document
from receiver.core.flag import Flag
from receiver.core.incident import Incident
from receiver.core.task import Task, TaskState
from receiver.operations.heartbeat import HEARTBEAT, failing_channels
from receiver.pipeline.context import Context

COUNT_LIMIT = 1000
"""Overdue documents, parked tasks and incidents are counted up to this number."""


class Gauges(NamedTuple):
    """All gauges at one time."""

    tally: Tally
    overdue: int
    parked: int
    incidents: Mapping[str, int]
    """Severity -> active incidents."""
    failing: Collection[str]
    """The alert channels that do not accept notices."""
    heartbeat: float | None
    """The time of the last heartbeat."""


async def read_gauges(context: Context) -> Gauges:
    """The current gauges. Raises StoreBusy."""
    store = context.store
    overdue = await store.find(Document, Query(by="overdue", until=context.clock(), limit=COUNT_LIMIT))
    parked = await store.find(Task, Query(by="state", key=TaskState.PARKED, limit=COUNT_LIMIT))
    standing = await store.find(Incident, Query(by="standing", limit=COUNT_LIMIT))
    heartbeat = await store.get(Flag, HEARTBEAT)
    return Gauges(
        tally=await store.tally(),
        overdue=len(overdue.records),
        parked=len(parked.records),
        incidents=Counter(str(item.severity) for item in standing.records),
        failing=[item.id for item in await failing_channels(context)],
        heartbeat=heartbeat.at if heartbeat else None,
    )
