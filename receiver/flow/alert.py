"""Alert: weigh it against its group, and notify the channels that want it. Both are tasks, retried like any other.

``alert`` decides, per rule of mailroom.yaml, whether to tell now or only to count; ``notify`` tells one channel.
"""

from collections.abc import Sequence
from dataclasses import asdict, replace

import msgspec

from receiver.core.alert import Alert, AlertRule, AlertState, state_id, weigh
from receiver.core.change import Ensure, Insert, Update, Write
from receiver.core.errors import Unroutable
from receiver.core.naming import id_parts, task_id
from receiver.core.task import Task
from receiver.flow.tools import Outcome, StepOf, Tools

KINDS = ("alert", "notify")
"""The kinds of task that raise no alert when they are parked: nobody could be told by the way that is broken."""


def task_for(alert: Alert, *origin: str | float) -> Task:
    """The task to raise this alert; ``origin`` (a task's id in parts) and the cause make a repeat one and the same."""
    return Task(
        id=task_id("alert", alert.kind, *origin, alert.cause),
        kind="alert",
        subject=alert.subject,
        due_at=alert.at,
        created_at=alert.at,
        details={"alert": msgspec.json.encode(alert).decode()},
    )


async def raise_alert(task: Task, tools: Tools) -> Outcome:
    """Weighs the alert for each channel that wants its kind; of two rules for one channel the last one counts."""
    alert = _read(task)
    rules = list({rule.to: rule for rule in tools.config.alerts if rule.wants(alert.kind)}.values())

    async def change() -> Sequence[Write]:
        writes: list[Write] = []
        for rule in rules:
            writes += await _weighed(alert, rule, task, tools)
        return writes

    return Outcome(note=alert.title if rules else f"no channel wants {alert.kind}", change=change)


async def _weighed(alert: Alert, rule: AlertRule, task: Task, tools: Tools) -> list[Write]:
    grouped = replace(alert, at=tools.clock())
    identity = state_id(alert.group, rule.to)
    known = await tools.store.get(AlertState, identity)
    state, due = weigh(grouped, known, window_seconds=rule.window_seconds)
    held_back = known.suppressed if known else 0
    tools.meter.count("mailroom_alerts", kind=alert.kind, outcome="notified" if due else "suppressed")
    state = replace(state, expires_at=grouped.at + tools.config.retention.alerts_seconds)
    write: Write = Update(state) if known else Insert(replace(state, id=identity))
    return [write, *([Ensure(_notice(alert, rule, state, held_back, task, tools))] if due else [])]


def _notice(alert: Alert, rule: AlertRule, state: AlertState, held_back: int, task: Task, tools: Tools) -> Task:
    now = tools.clock()
    return Task(
        id=task_id("notify", *id_parts(task.id), rule.to),
        kind="notify",
        subject=alert.subject,
        due_at=now,
        created_at=now,
        details={**task.details, "to": rule.to, "count": str(state.count), "suppressed": str(held_back)},
    )


async def notify(task: Task, tools: Tools) -> Outcome:
    """Tells one channel."""
    channel = tools.channels.get(task.details["to"])
    if channel is None:
        raise Unroutable(f"alert channel {task.details['to']} is no longer in mailroom.yaml")
    await channel.notify(_read(task), count=int(task.details["count"]), suppressed=int(task.details["suppressed"]))
    return Outcome(note=task.details["to"])


def _read(task: Task) -> Alert:
    return msgspec.json.decode(task.details["alert"], type=Alert)


def as_json(alert: Alert) -> dict[str, object]:
    """The alert as data, for the command line and HTTP channels."""
    return asdict(alert)


RAISE = StepOf(run=raise_alert)
NOTIFY = StepOf(run=notify)
