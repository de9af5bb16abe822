"""Converts open alerts of old releases, which had no incidents, into incidents. A part of the sweep.

Each old record is about one group of alerts and one channel. The group becomes an incident whose only occurrence is the
example. The channel is recorded as notified, so that it also gets the notice that the incident is over.
"""

from dataclasses import replace

from receiver.alerting.alert import due
from receiver.core.alert import SEVERITIES, Alert, AlertState, Severity, state_parts
from receiver.core.change import Insert, Query, Replace, Write
from receiver.core.channel_name import channel_name
from receiver.core.document import Document
from receiver.core.errors import Conflict
from receiver.core.flag import Flag
from receiver.core.ids import task_id
from receiver.core.incident import Incident, occurrence, opened_incident
from receiver.core.notification import Notification, notification_id
from receiver.pipeline.context import Context
from receiver.pipeline.flags import put_flag
from receiver.pipeline.records import every_record

DONE = "alerts:converted"
PAGE = 100


async def convert(context: Context) -> int:
    """Returns how many records were converted. A process of an older release may write more; the next pass finds
    them."""
    flag = await context.store.get(Flag, DONE)
    since = float(flag.value) if flag else None
    count, newest = 0, since
    async for state in every_record(AlertState, Query(since=since, limit=PAGE), context.store):
        newest = max(newest or 0.0, state.last_at)
        count += await _converted(state, context)
    if newest is not None and newest != since:
        await put_flag(DONE, repr(newest), flag, context)
    return count


async def _converted(state: AlertState, context: Context) -> bool:
    if state.resolved_at is not None or state.notified_at is None:
        return False
    now = context.clock()
    group, address = state_parts(state.id)
    to = channel_name(address)
    alert = await _alert(state, group.partition(":")[2], context)
    writes: list[Write] = [Replace(replace(state, resolved_at=now))]
    if await context.store.get(Incident, alert.fingerprint) is None:
        severity = SEVERITIES.get(alert.kind, Severity.ERROR)
        incident = opened_incident(alert, severity, None, now=now)
        incident = replace(incident, opened_at=state.first_at, last_at=state.last_at, count=max(1, state.count))
        identity = task_id("alert", alert.kind, "converted", alert.cause)
        writes += [
            Insert(incident),
            Insert(occurrence(alert, incident, identity, now=now, keep=context.config.retention.alerts_seconds)),
        ]
    known = Notification(
        id=notification_id(alert.fingerprint, to),
        incident_id=alert.fingerprint,
        channel=to,
        due_at=now,
        told="firing",
        told_at=state.notified_at,
        severity=SEVERITIES.get(alert.kind, Severity.ERROR),
    )
    if await context.store.get(Notification, known.id) is None:
        writes += due(known, is_known=False)
    try:
        await context.store.apply(*writes)
    except Conflict:
        return False  # another worker's pass
    return True


async def _alert(state: AlertState, cause: str, context: Context) -> Alert:
    """The alert that the old record reported, as far as it is known: the example's record has its job and delivery."""
    document = await context.store.get(Document, state.example) if state.example else None
    failed = next((item.id for item in document.deliveries if item.error), "") if document else ""
    stood = {"document.overdue": str(document.deadline), "source.expiring": document.file_id} if document else {}
    return Alert(
        kind=state.kind,
        cause=cause,
        title=state.title,
        detail=document.error if document else "",
        subject=state.example,
        name=document.name if document else "",
        job_id=document.job_id if document else "",
        delivery_id=failed if state.kind.startswith("delivery.") else "",
        as_of=stood.get(state.kind, ""),
        fix=state.fix,
        at=state.first_at,
    )
