"""Wakes channels for the notices they missed while ``alerts`` in mailroom.yaml excluded them. A part of the sweep.

Which channels are checked for an incident is decided when the incident changes. So a channel that is new, or was taken
out and put back, has no notice of incidents that opened meanwhile, or of the end of one that it was notified of.
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
"""For so long after a change other processes may still use the previous rules; then all is checked once more."""
PAGE = 200


async def catch_up(context: Context) -> None:
    """Checks every incident for every channel after the rules have changed, and once more later.

    The flag is written last, so that an interrupted pass is repeated.
    """
    rules = short_hash("alerts", "\n".join(map(repr, context.config.alerts)))
    flag = await context.store.get(Flag, _RULES)
    known = flag.value if flag is not None else ""
    if known == _settled(rules) or (flag and known == rules and 0 <= context.clock() - flag.at < SETTLED_SECONDS):
        return
    async for incident in every_record(Incident, Query(limit=PAGE), context.store):
        for to in context.channels:
            await _check_again(incident, to, context)
    await put_flag(_RULES, _settled(rules) if known == rules else rules, flag, context)


def _settled(rules: str) -> str:
    return f"{rules} settled"


async def _check_again(incident: Incident, to: str, context: Context) -> None:
    known = await context.store.get(Notification, notification_id(incident.id, to))
    if known is None:
        wanted = any(is_wanted(rule, incident) for rule in context.config.alerts if rule.to == to)
        if incident.status is not Status.FIRING or not wanted:
            return
    elif not _may_have_news(known, incident):
        return
    fresh = known or Notification(id=notification_id(incident.id, to), incident_id=incident.id, channel=to)
    writes = due(woken(fresh, context.clock()), known is not None)
    with contextlib.suppress(Conflict):  # another task checks it right now
        await context.store.apply(*writes)
        await context.enqueue_written(writes)


def _may_have_news(known: Notification, incident: Incident) -> bool:
    if incident.status is Status.FIRING:
        return known.due_at is None or not known.notified_of(incident.number)
    return known.may_be_notified or known.held_since is not None
