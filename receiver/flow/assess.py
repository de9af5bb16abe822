"""Assess: which incidents are over. A part of the sweep.

An incident about documents is over when each of them was mended, dismissed or superseded; a condition, when looks have
found it gone for a while. Of anything else nobody can know: it is quiet when nothing came for some time.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from functools import partial

from receiver.core.change import Ensure, Query, Update, Write
from receiver.core.document import Document
from receiver.core.errors import Conflict
from receiver.core.incident import Incident, Nature, Occurrence, Status, closed, stands
from receiver.core.task import Task, TaskState
from receiver.flow.alert import ring, task_for, told
from receiver.flow.every import every
from receiver.flow.tools import Tools
from receiver.flow.watch import Looked, expires_soon, expiring

GONE_SECONDS = 120.0
"""For how long looks must find a condition gone: one that comes and goes is one incident."""
BUDGET = 5000
"""Occurrences that one pass looks at; the next one goes on."""
PAGE = 200
AT_ONCE = 40
"""Occurrences ended by one change; DynamoDB takes 100 writes."""
CONFLICTS = 10


async def assess(tools: Tools, looked: Looked) -> int:
    """Closes what is over; how many incidents."""
    over, left = 0, BUDGET
    async for incident in standing(tools):
        match incident.nature:
            case Nature.FAILURE:
                seen, closes = await _mended(incident, left, tools)
                left -= seen
            case Nature.CONDITION:
                closes = await _gone(incident, looked, tools)
            case Nature.EVENT:
                closes = await _quiet(incident, tools)
        over += closes
        if left <= 0:
            break
    return over


def standing(tools: Tools) -> AsyncIterator[Incident]:
    """Every incident that goes on, oldest first."""
    return every(Incident, Query(by="standing", limit=PAGE), tools.store)


# --- failures


async def _mended(incident: Incident, at_most: int, tools: Tools) -> tuple[int, bool]:
    """Ends the occurrences that stand no more: how many were looked at, and whether the incident is over by that."""
    cursor, seen = incident.looked_to or None, 0
    while seen < at_most:
        query = Query(by="unmended", key=incident.part, limit=min(PAGE, at_most - seen), cursor=cursor)
        page = await tools.store.find(Occurrence, query)
        seen += len(page.records)
        ended = [one for one in page.records if not await still_stands(one, tools)]
        for some in (ended[at : at + AT_ONCE] for at in range(0, len(ended), AT_ONCE)):
            if await _end(incident.id, some, tools):
                return seen, True
        if (cursor := page.cursor) is None:
            break
    if (cursor or "") != incident.looked_to:
        await _change(incident.id, partial(_look_on, cursor or ""), tools)
    return seen, False


async def _look_on(cursor: str, incident: Incident) -> list[Write]:
    return [Update(replace(incident, looked_to=cursor))]


async def _end(incident_id: str, ended: Sequence[Occurrence], tools: Tools) -> bool:
    """Writes that these are over; whether with them the whole incident is."""
    now = tools.clock()
    over = False

    async def change(incident: Incident) -> list[Write]:
        nonlocal over
        ends = [replace(one, ended_at=now, expires_at=now + tools.config.retention.alerts_seconds) for one in ended]
        left = incident.unmended - len(ends)
        over = left <= 0 and incident.status is Status.FIRING
        after = replace(incident, unmended=left)
        if not over:
            return [*map(Update, ends), Update(after)]
        after = closed(after, Status.RESOLVED, now=now, keep=tools.config.retention.alerts_seconds)
        return [*map(Update, ends), Update(after), *await told(after, tools, at=now)]

    return await _change(incident_id, change, tools) and over


async def still_stands(one: Occurrence, tools: Tools) -> bool:
    """Whether nothing has mended it; on the way it is seen whether a file is about to expire."""
    document = await tools.store.get(Document, one.document_id) if one.document_id else None
    if document is None:
        task = await tools.store.get(Task, one.task_id) if one.task_id else None
        return task is not None and task.state is not TaskState.DONE
    if one.kind == "document.overdue" and expires_soon(document, tools.clock()):
        alarm = expiring(document, tools.clock())
        await tools.store.apply(Ensure(task := task_for(alarm.alert, *alarm.origin)))
        await tools.ring(task.id)
    return stands(one, document)


# --- conditions and events


async def _gone(incident: Incident, looked: Looked, tools: Tools) -> bool:
    """Whether this look, and those before it, found the condition gone for long enough."""
    found, now = looked.found(incident), tools.clock()
    if found is None:
        return False
    since = incident.gone_since
    if found:
        if since is not None:
            await _change(incident.id, partial(_still_on, now), tools)
        return False
    if since is None or since > now:
        await _change(incident.id, partial(_first_gone, now), tools)
        return False
    if now - since < GONE_SECONDS:
        return False
    return await _close(incident, Status.RESOLVED, tools)


async def _still_on(now: float, incident: Incident) -> list[Write]:
    return [Update(replace(incident, gone_since=None, last_at=now))]


async def _first_gone(now: float, incident: Incident) -> list[Write]:
    return [Update(replace(incident, gone_since=now))]


async def _quiet(incident: Incident, tools: Tools) -> bool:
    silent = tools.clock() - incident.last_at
    return silent >= tools.config.alerting.quiet_seconds and await _close(incident, Status.QUIET, tools)


async def _close(incident: Incident, status: Status, tools: Tools) -> bool:
    """Closes it unless it happened again meanwhile."""
    now = tools.clock()

    async def change(fresh: Incident) -> list[Write]:
        if fresh.last_at != incident.last_at or fresh.status is not Status.FIRING:
            return []
        after = closed(fresh, status, now=now, keep=tools.config.retention.alerts_seconds)
        return [Update(after), *await told(after, tools, at=now)]

    return await _change(incident.id, change, tools)


async def _change(incident_id: str, change, tools: Tools) -> bool:  # type: ignore[no-untyped-def]
    """Applies what ``change`` makes of the incident as it is now; False when that is nothing, or it does not rest."""
    for _ in range(CONFLICTS):
        fresh = await tools.store.get(Incident, incident_id)
        writes: list[Write] = await change(fresh) if fresh else []
        if not writes:
            return False
        try:
            await tools.store.apply(*writes)
        except Conflict:
            continue
        await ring(writes, tools)
        return True
    return False  # the next pass looks again
