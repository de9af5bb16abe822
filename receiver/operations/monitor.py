"""Monitor: raises alerts about conditions in which nothing failed.

It checks for documents past their deadline, sources about to expire, totals that do not balance, and a classifier that
got worse. It is a part of the sweep; each check is bounded.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from receiver.alerting.alert import task_for
from receiver.core.alert import Alert
from receiver.core.balance import Tally
from receiver.core.change import InsertIfAbsent, Query
from receiver.core.document import Document
from receiver.core.flag import Flag
from receiver.core.ids import short_hash
from receiver.core.incident import Incident
from receiver.core.quality import Worse, shares, worse
from receiver.operations import stalled_queue
from receiver.operations.heartbeat import failing_channels
from receiver.operations.webhook_share import WINDOW, missing_webhooks, still_missing
from receiver.pipeline.context import Context
from receiver.pipeline.flags import put_flag
from receiver.pipeline.pause import RESULTS, SUBMISSION, read_pause
from receiver.pipeline.records import every_page

GRACE = 300.0
"""Seconds past its deadline in which a document raises no alarm, because the sweep may recover a lost event."""
EXPIRING = 6 * 3600.0
"""Seconds before a source expires at LlamaCloud; parse sources are kept for 48 h (reference 1.1)."""
PAGE = 200
"""Overdue documents on one page of a check."""
OVERLAP = 300.0
"""Seconds that are checked twice: an index may lag, and two machines' clocks may differ."""
AT_ONCE = 50
"""Tasks in one change; DynamoDB takes 100 writes."""
QUALITY_EVERY, QUALITY_WINDOW, QUALITY_BEFORE, QUALITY_SAMPLE = 3600.0, 86400.0, 8 * 86400.0, 500
_QUALITY = "watch:quality"
_OVERDUE = "watch:overdue"
_GONE = "watch:gone:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """Something that is wrong now; ``origin`` distinguishes one case of it from the next."""

    alert: Alert
    origin: tuple[str | float, ...]


@dataclass(frozen=True, slots=True)
class MonitorResult:
    """What a pass checked, and what it found: kind -> fingerprints, or None when all of the kind go on."""

    conditions: Mapping[str, frozenset[str] | None]

    def found(self, incident: Incident) -> bool | None:
        """Whether the incident's condition was found; None when it was not checked."""
        if incident.kind not in self.conditions:
            return None
        found = self.conditions[incident.kind]
        return found is None or incident.id in found


async def monitor(tally: Tally, context: Context) -> MonitorResult:
    """Raises an alert for each new case of what is wrong now; ``tally`` is the store's."""
    await _documents(context)
    totals = _unbalanced(tally, context.clock())
    lost = await missing_webhooks(context)
    unheard = [Alarm(alert=lost, origin=(f"{lost.at // WINDOW:.0f}",))] if lost else []
    await _raise([*totals, *unheard], context)
    paused = any([(await read_pause(what, context)).until for what in (SUBMISSION, RESULTS)])
    conditions = {
        "webhooks.missing": None if lost or await still_missing(context) else frozenset[str](),
        "balance.off": frozenset(item.alert.fingerprint for item in totals),
        "quality.changed": await _quality(context),
        "submission.paused": None if paused else frozenset[str](),
        "channel.failing": await _failing(context),
        "secret.refused": await _not_found_gone(short_hash("secret.refused", "renewal"), context),
        "table.refused": await _not_found_gone(short_hash("table.refused", "reload"), context),
        "shadow.refused": await _not_found_gone(short_hash("shadow.refused", "reload"), context),
        "queue.silent": await _unless_later(
            stalled_queue.RECEIVED, short_hash(stalled_queue.KIND, stalled_queue.CAUSE), context
        ),
        "clock.skewed": frozenset[str](),  # the machine whose clock it is clears it (clock_skew.still)
    }
    return MonitorResult(conditions)


async def _raise(alarms: Sequence[Alarm], context: Context) -> None:
    tasks = [task_for(item.alert, *item.origin) for item in alarms]
    for some in (tasks[at : at + AT_ONCE] for at in range(0, len(tasks), AT_ONCE)):
        await context.store.apply(*map(InsertIfAbsent, some))
        await context.enqueue(*(task.id for task in some))


async def _documents(context: Context) -> None:
    """Raises an alarm for each document that has become overdue since the last check, however many there are."""
    now = context.clock()
    until = now - GRACE
    flag = await context.store.get(Flag, _OVERDUE)
    since = min(float(flag.value), until) - OVERLAP if flag else None
    query = Query(by="overdue", since=since, until=until, limit=PAGE)
    async for page in every_page(Document, query, context.store):
        soon = [expiring(item, now) for item in page.records if expires_soon(item, now)]
        await _raise([*(_overdue(item, now) for item in page.records), *soon], context)
        await _remember(until if page.cursor is None else page.records[-1].overdue_at, context)


async def _remember(looked_to: float, context: Context) -> None:
    """Stores where a pass that was cut short continues."""
    flag = await context.store.get(Flag, _OVERDUE)
    await put_flag(_OVERDUE, repr(looked_to), flag, context)


def _overdue(document: Document, now: float) -> Alarm:
    alert = Alert(
        kind="document.overdue",
        cause=document.step,
        title=f"{document.name} is past its deadline",
        detail=document.error or f"it is still at step {document.step}",
        subject=document.id,
        name=document.name,
        job_id=document.job_id,
        as_of=str(document.deadline),
        fix=f"mailroom documents {document.id}; to list all overdue documents: mailroom balance",
        at=now,
    )
    return Alarm(alert=alert, origin=(document.id, str(document.deadline)))


def expires_soon(document: Document, now: float) -> bool:
    """Whether the document's file will expire soon, or has expired."""
    return document.file_expires_at is not None and document.file_expires_at - now < EXPIRING


def expiring(document: Document, now: float) -> Alarm:
    """The alarm that a document's file will expire soon."""
    assert document.file_expires_at is not None
    hours = max(0.0, document.file_expires_at - now) / 3600
    alert = Alert(
        kind="source.expiring",
        cause=document.step,
        title=f"{document.name} expires at LlamaCloud in {hours:.0f} h",
        detail=f"the document is open, at step {document.step}, and its file {document.file_id} will expire",
        subject=document.id,
        name=document.name,
        job_id=document.job_id,
        as_of=document.file_id,
        fix=f"to see what it waits for: mailroom documents {document.id}; to upload it again: mailroom replay "
        f"{document.id}",
        at=now,
    )
    return Alarm(alert=alert, origin=(document.id, document.file_id))


async def _failing(context: Context) -> frozenset[str]:
    """The fingerprints of the channels that do not accept notices."""
    return frozenset(short_hash("channel.failing", item.id) for item in await failing_channels(context))


async def found_gone(incident: Incident, context: Context) -> None:
    """Notes that a condition is gone that only the process that raised it can see. The next pass closes it."""
    flag = await context.store.get(Flag, _GONE + incident.id)
    await put_flag(_GONE + incident.id, "", flag, context)


async def _not_found_gone(key: str, context: Context) -> frozenset[str]:
    """The incident's fingerprint, unless its condition was found gone after its last occurrence."""
    return await _unless_later(_GONE + key, key, context)


async def _unless_later(flag_id: str, key: str, context: Context) -> frozenset[str]:
    """The incident's fingerprint, unless the flag was set after its last occurrence."""
    incident = await context.store.get(Incident, key)
    if incident is None or incident.standing_since is None:
        return frozenset()
    flag = await context.store.get(Flag, flag_id)
    return frozenset() if flag is not None and flag.at > incident.last_at else frozenset({key})


def _unbalanced(tally: Tally, now: float) -> list[Alarm]:
    if tally.balanced:
        return []
    alert = Alert(
        kind="balance.off",
        cause="books",
        title="the totals do not balance",
        detail=f"received {tally.received}, but routed {tally.routed} + review {tally.review} + failed {tally.failed} "
        f"+ open {tally.open} + removed {tally.forgotten}",
        fix="mailroom balance; compare with mailroom documents, and keep the store unchanged for the investigation",
        at=now,
    )
    return [Alarm(alert=alert, origin=(f"{now // 3600:.0f}",))]


async def _quality(context: Context) -> frozenset[str]:
    """The fingerprints of the rules whose results got worse; checked once an hour, by one worker."""
    now = context.clock()
    flag = await context.store.get(Flag, _QUALITY)
    if flag is not None and 0 <= now - flag.at < QUALITY_EVERY:
        return frozenset(msgspec.json.decode(flag.value, type=list[str]))
    recent = await _decided(context, now - QUALITY_WINDOW, now)
    before = await _decided(context, now - QUALITY_BEFORE, now - QUALITY_WINDOW)
    alerts = [_changed(item, now) for item in worse(shares(recent), shares(before))]
    tasks = [task_for(alert, f"{now // QUALITY_WINDOW:.0f}") for alert in alerts]
    value = msgspec.json.encode([alert.fingerprint for alert in alerts]).decode()
    if await put_flag(_QUALITY, value, flag, context, *map(InsertIfAbsent, tasks)):
        await context.enqueue(*(task.id for task in tasks))
    return frozenset(alert.fingerprint for alert in alerts)


async def _decided(context: Context, since: float, until: float) -> Sequence[Document]:
    """The newest documents of this time, a sample that stays small however much mail there is."""
    query = Query(since=since, until=until, newest_first=True, limit=QUALITY_SAMPLE)
    return (await context.store.find(Document, query)).records


def _changed(found: Worse, now: float) -> Alert:
    type_ = found.what.partition(":")[2]
    which = f"documents of type {type_} are uncertain" if type_ else "documents match no rule"
    return Alert(
        kind="quality.changed",
        cause=found.what,
        title=f"{found.now.part:.0%} of the {which}; in the previous days {found.before.part:.0%}",
        detail=f"{found.now.doubtful} of {found.now.all} in 24 hours; "
        f"{found.before.doubtful} of {found.before.all} before",
        fix="to list them: mailroom review; improve the rule's description, then: mailroom routes backtest",
        at=now,
    )
