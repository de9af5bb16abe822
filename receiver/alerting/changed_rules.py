"""Wakes channels for what they missed while ``alerts`` in mailroom.yaml said otherwise. A part of the sweep.

Which channels are looked at because of an incident is decided when the incident changes. So a channel that is new, or
is back, has heard nothing of what was opened before, and not the end of what it once heard of.
"""

import contextlib

from receiver.alerting.alert import due, is_wanted
from receiver.core.change import Query
from receiver.core.errors import Conflict
from receiver.core.flag import Flag
from receiver.core.ids import short_hash
from receiver.core.incident import Incident, Status
from receiver.core.notification import Notification, notification_id, woken
from receiver.pipeline.context import Context
from receiver.pipeline.flags import put_flag
from receiver.pipeline.records import every_record

_RULES = "alerting:rules"
SETTLED_SECONDS = 600.0
"""So long after a change other processes may still work by the rules before: then all is looked at once more."""
PAGE = 200


async def catch_up(context: Context) -> None:
    """Looks at every incident for every channel when the rules are not those of the last pass, and once again later.

    The flag is written last, so that a pass that is cut short is made again.
    """
    rules = short_hash("alerts", "\n".join(map(repr, context.config.alerts)))
    flag = await context.store.get(Flag, _RULES)
    known = flag.value if flag is not None else ""
    if known == _settled(rules) or (flag and known == rules and 0 <= context.clock() - flag.at < SETTLED_SECONDS):
        return
    async for incident in every_record(Incident, Query(limit=PAGE), context.store):
        for to in context.channels:
            await _look_again(incident, to, context)
    await put_flag(_RULES, _settled(rules) if known == rules else rules, flag, context)


def _settled(rules: str) -> str:
    return f"{rules} settled"


async def _look_again(incident: Incident, to: str, context: Context) -> None:
    known = await context.store.get(Notification, notification_id(incident.id, to))
    if known is None:
        wanted = any(is_wanted(rule, incident) for rule in context.config.alerts if rule.to == to)
        if incident.status is not Status.FIRING or not wanted:
            return
    elif not _may_have_news(known, incident):
        return
    fresh = known or Notification(id=notification_id(incident.id, to), incident_id=incident.id, channel=to)
    writes = due(woken(fresh, context.clock()), known is not None)
    with contextlib.suppress(Conflict):  # then it is looked at just now
        await context.store.apply(*writes)
        await context.enqueue_written(writes)


def _may_have_news(known: Notification, incident: Incident) -> bool:
    if incident.status is Status.FIRING:
        return known.due_at is None or not known.notified_of(incident.number)
    return known.may_be_notified or known.held_since is not None
