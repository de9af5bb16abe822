"""Closes incidents that are over. A part of the sweep.

An incident about documents is over when each of them was fixed, dismissed or superseded; a condition, when checks have
found it gone for a while. The end of anything else cannot be known: such an incident is quiet when nothing came for
some time.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from functools import partial

from receiver.alerting.alert import notify_tasks, task_for
from receiver.core.change import InsertIfAbsent, Query, Replace, Write
from receiver.core.document import Document
from receiver.core.errors import Conflict
from receiver.core.incident import Incident, Nature, Occurrence, Status, closed_incident, stands
from receiver.core.task import Task, TaskState
from receiver.operations.monitor import MonitorResult, expires_soon, expiring
from receiver.pipeline.context import Context
from receiver.pipeline.records import every_record

GONE_SECONDS = 120.0
"""How long checks must find a condition gone: one that comes and goes is one incident."""
BUDGET = 5000
"""Occurrences that one pass checks; the next one continues."""
PAGE = 200
AT_ONCE = 40
"""Occurrences ended by one change; DynamoDB takes 100 writes."""
CONFLICTS = 10


async def assess(context: Context, looked: MonitorResult) -> int:
    """Closes the incidents that are over. Returns how many."""
    over, left = 0, BUDGET
    async for incident in standing(context):
        match incident.nature:
            case Nature.FAILURE:
                seen, closes = await _mended(incident, left, context)
                left -= seen
            case Nature.CONDITION:
                closes = await _gone(incident, looked, context)
            case Nature.EVENT:
                closes = await _quiet(incident, context)
        over += closes
        if left <= 0:
            break
    return over


def standing(context: Context) -> AsyncIterator[Incident]:
    """All active incidents, oldest first."""
    return every_record(Incident, Query(by="standing", limit=PAGE), context.store)


# --- failures


async def _mended(incident: Incident, at_most: int, context: Context) -> tuple[int, bool]:
    """Ends the occurrences that are fixed. Returns how many were checked, and whether that closed the incident."""
    cursor, seen = incident.looked_to or None, 0
    while seen < at_most:
        query = Query(by="unmended", key=incident.part, limit=min(PAGE, at_most - seen), cursor=cursor)
        page = await context.store.find(Occurrence, query)
        seen += len(page.records)
        ended = [item for item in page.records if not await still_stands(item, context)]
        for some in (ended[at : at + AT_ONCE] for at in range(0, len(ended), AT_ONCE)):
            if await _end(incident.id, some, context):
                return seen, True
        if (cursor := page.cursor) is None:
            break
    if (cursor or "") != incident.looked_to:
        await _change(incident.id, partial(_look_on, cursor or ""), context)
    return seen, False


async def _look_on(cursor: str, incident: Incident) -> list[Write]:
    return [Replace(replace(incident, looked_to=cursor))]


async def _end(incident_id: str, ended: Sequence[Occurrence], context: Context) -> bool:
    """Writes that these occurrences are over. Returns whether the whole incident is over."""
    now = context.clock()
    over = False

    async def change(incident: Incident) -> list[Write]:
        nonlocal over
        ends = [replace(item, ended_at=now, expires_at=now + context.config.retention.alerts_seconds) for item in ended]
        left = incident.unmended - len(ends)
        over = left <= 0 and incident.status is Status.FIRING
        after = replace(incident, unmended=left)
        if not over:
            return [*map(Replace, ends), Replace(after)]
        after = closed_incident(after, Status.RESOLVED, now=now, keep=context.config.retention.alerts_seconds)
        return [*map(Replace, ends), Replace(after), *await notify_tasks(after, context, at=now)]

    return await _change(incident_id, change, context) and over


async def still_stands(item: Occurrence, context: Context) -> bool:
    """Whether nothing has fixed the occurrence. Also checks whether its document's file is about to expire."""
    document = await context.store.get(Document, item.document_id) if item.document_id else None
    if document is None:
        task = await context.store.get(Task, item.task_id) if item.task_id else None
        return task is not None and task.state is not TaskState.DONE
    if item.kind == "document.overdue" and expires_soon(document, context.clock()):
        alarm = expiring(document, context.clock())
        await context.store.apply(InsertIfAbsent(task := task_for(alarm.alert, *alarm.origin)))
        await context.enqueue(task.id)
    return stands(item, document)


# --- conditions and events


async def _gone(incident: Incident, looked: MonitorResult, context: Context) -> bool:
    """Whether this check, and those before it, found the condition gone for long enough."""
    found, now = looked.found(incident), context.clock()
    if found is None:
        return False
    since = incident.gone_since
    if found:
        if since is not None:
            await _change(incident.id, partial(_still_on, now), context)
        return False
    if since is None or since > now:
        await _change(incident.id, partial(_first_gone, now), context)
        return False
    if now - since < GONE_SECONDS:
        return False
    return await _close(incident, Status.RESOLVED, context)


async def _still_on(now: float, incident: Incident) -> list[Write]:
    return [Replace(replace(incident, gone_since=None, last_at=now))]


async def _first_gone(now: float, incident: Incident) -> list[Write]:
    return [Replace(replace(incident, gone_since=now))]


async def _quiet(incident: Incident, context: Context) -> bool:
    silent = context.clock() - incident.last_at
    return silent >= context.config.alerting.quiet_seconds and await _close(incident, Status.QUIET, context)


async def _close(incident: Incident, status: Status, context: Context) -> bool:
    """Closes the incident unless it occurred again in between."""
    now = context.clock()

    async def change(fresh: Incident) -> list[Write]:
        if fresh.last_at != incident.last_at or fresh.status is not Status.FIRING:
            return []
        after = closed_incident(fresh, status, now=now, keep=context.config.retention.alerts_seconds)
        return [Replace(after), *await notify_tasks(after, context, at=now)]

    return await _change(incident.id, change, context)


async def _change(incident_id: str, change, context: Context) -> bool:  # type: ignore[no-untyped-def]
    """Writes what ``change`` returns for the current incident. False if it returns nothing, or conflicts continue."""
    for _ in range(CONFLICTS):
        fresh = await context.store.get(Incident, incident_id)
        writes: list[Write] = await change(fresh) if fresh else []
        if not writes:
            return False
        try:
            await context.store.apply(*writes)
        except Conflict:
            continue
        await context.enqueue_written(writes)
        return True
    return False  # the next pass checks again
