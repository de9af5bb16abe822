"""Alert: adds an occurrence to its incident, and wakes the channels' notifiers if that is news.

An alert is a task that is written in the same change as its cause. So it cannot be lost, and cannot delay that change.
Its occurrence has the task's id, so that a repeat, after a crash or by a person, counts once.
"""

import asyncio
from dataclasses import replace

import msgspec

from receiver.alerting.rates import ingested_within
from receiver.core.advice import advised
from receiver.core.alert import SEVERITIES, Alert, Severity
from receiver.core.alert_rule import AlertRule
from receiver.core.change import Insert, InsertIfAbsent, Query, Replace, Write
from receiver.core.errors import Conflict, StoreBusy
from receiver.core.incident import (
    NATURES,
    NEW_AT_MOST,
    NEW_SECONDS,
    OTHERS,
    Incident,
    Nature,
    Occurrence,
    Status,
    counted_with_others,
    happened,
    occurrence,
    opened_incident,
)
from receiver.core.notification import Notification, notification_id, woken
from receiver.core.task import Task, new_task
from receiver.pipeline.context import Context, StepResult, TaskHandler
from receiver.pipeline.records import PAGE, every_record

TRIES = 60
"""How often a conflicting change to an incident is retried: a hundred workers may count occurrences of one at once."""
CONTENDED_SECONDS = 0.05


def task_for(alert: Alert, *origin: str | float) -> Task:
    """The task that raises this alert. The same ``origin`` (a task's id in parts) and cause give the same task."""
    return new_task(
        "alert", alert.kind, *origin, alert.cause,
        subject=alert.subject, now=alert.at, details={"alert": msgspec.json.encode(alert).decode()},
    )  # fmt: skip


async def incident_part(alert: Alert, context: Context) -> str:
    """Identifies the present incident of this alert, for the alert's origin: a check that raises an alert once an hour
    raises another one if the condition ended and came back within the hour.
    """
    known = await context.store.get(Incident, alert.fingerprint)
    return str(known.number + (known.status is not Status.FIRING) if known else 1)


async def raise_alert(task: Task, context: Context) -> StepResult:
    """Counts the alert in its incident, and opens the incident if necessary."""
    alert = advised(msgspec.json.decode(task.details["alert"], type=Alert))
    for attempt in range(TRIES):
        if await context.store.get(Occurrence, task.id) is not None:
            return StepResult(note=f"{alert.fingerprint}: counted before")
        counted = await _bounded(alert, context)
        writes = await _counted(counted, task, context)
        try:
            await context.store.apply(*writes)
        except Conflict:
            await asyncio.sleep(CONTENDED_SECONDS * context.spread() * min(attempt, 10))
            continue
        await context.enqueue_written(writes)
        return StepResult(note=f"{counted.fingerprint}: {alert.title}")
    raise StoreBusy(f"incident {alert.fingerprint} is changed by others all the time")


async def _bounded(alert: Alert, context: Context) -> Alert:
    """The alert itself or, if its kind has had too many new causes lately, the one that collects the other causes.

    Several workers may each open one more at the same moment. Conditions are not limited: there are only as many as
    there are checks.
    """
    known = await context.store.get(Incident, alert.fingerprint)
    if known is not None or NATURES.get(alert.kind) is Nature.CONDITION:
        return alert
    lately, count = Query(since=context.clock() - NEW_SECONDS, limit=PAGE), 0
    async for item in every_record(Incident, lately, context.store):
        count += item.kind == alert.kind and item.cause != OTHERS
        if count >= NEW_AT_MOST:
            return counted_with_others(alert)
    return alert


async def _counted(alert: Alert, task: Task, context: Context) -> list[Write]:
    """The occurrence, its incident, and the notifications that follow."""
    now = context.clock()
    known = await context.store.get(Incident, alert.fingerprint)
    usual = SEVERITIES.get(alert.kind, Severity.ERROR)
    if known is not None and known.status is Status.FIRING:
        incident = happened(known, alert, now=now)
    else:
        incident = opened_incident(alert, usual, known, now=now)
    incident = await _weighed(incident, usual, context)
    item = occurrence(alert, incident, task.id, now=now, keep=context.config.retention.alerts_seconds)
    news = known is None or incident.number != known.number or incident.severity is not known.severity
    context.meter.count("mailroom_alerts", kind=alert.kind, outcome="opened" if incident.count == 1 else "counted")
    writes: list[Write] = [Insert(item), Replace(incident) if known else Insert(incident)]
    wait = context.config.alerting.wait_seconds if incident.count == 1 else 0.0
    return writes + (await notify_tasks(incident, context, at=now + wait) if news else [])


async def _weighed(incident: Incident, usual: Severity, context: Context) -> Incident:
    """The incident with the severity of its kind and rate. It never falls while the incident is active."""
    now = context.clock()
    severity = usual
    for rule in context.config.alerting.severities:
        received = await ingested_within(rule.seconds, context) if rule.percent is not None else 0
        if rule.holds(incident.kind, count=incident.within(rule.seconds, now), received=received):
            severity = rule.severity
    return (
        incident
        if incident.count > 1 and severity.rank <= incident.severity.rank
        else replace(incident, severity=severity)
    )


async def notify_tasks(incident: Incident, context: Context, *, at: float) -> list[Write]:
    """The writes that schedule a check, at that time, of each channel that may need a notice about this change."""
    writes: list[Write] = []
    for to in dict.fromkeys(rule.to for rule in context.config.alerts):
        identity = notification_id(incident.id, to)
        known = await context.store.get(Notification, identity)
        if known is None and not any(is_wanted(rule, incident) for rule in context.config.alerts if rule.to == to):
            continue
        fresh = known or Notification(id=identity, incident_id=incident.id, channel=to)
        writes += due(woken(fresh, at), known is not None)
    return writes


def is_wanted(rule: AlertRule, incident: Incident) -> bool:
    """Whether the rule's channel gets notices of such incidents. A failing channel is reported to all others, and not
    to itself.
    """
    if incident.kind == "channel.failing":
        return rule.to != incident.cause
    return rule.wants(incident.kind)


def due(notification: Notification, is_known: bool) -> list[Write]:
    """The writes of the notification and of the task that checks the channel at its ``due_at``."""
    write = Replace(notification) if is_known else Insert(notification)
    if notification.due_at is None:
        return [write]
    version = notification.version + is_known
    return [write, InsertIfAbsent(wake(notification.channel, notification.due_at, notification.incident_id, version))]


def wake(to: str, at: float, *because: str | float, **details: str) -> Task:
    """The task that sends a channel what is due at that time. The same ``because`` and time give the same task."""
    about, task_details = str(because[0]), {"to": to, **details}
    return new_task("notify", to, *because, f"{at:.3f}", subject=about, now=at, details=task_details)


RAISE = TaskHandler(run=raise_alert)
