"""Watch: what a person should know though nothing failed. Documents past their deadline, sources about to expire, books
that do not balance, a classifier that does worse than it did. A part of the sweep; each look is bounded.
"""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from receiver.core.alert import Alert
from receiver.core.change import Ensure, Query, put
from receiver.core.document import Document
from receiver.core.errors import Conflict
from receiver.core.flag import Flag
from receiver.core.incident import Incident
from receiver.core.naming import fingerprint
from receiver.core.quality import Worse, shares, worse
from receiver.flow import recover
from receiver.flow.alert import task_for
from receiver.flow.heartbeat import failing_channels
from receiver.flow.pause import RESULTS, SUBMISSION, read
from receiver.flow.tools import Tools

GRACE = 300.0
"""Seconds past its deadline for which a document is left to the sweep: a lost event is mended, and no alarm."""
EXPIRING = 6 * 3600.0
"""Seconds before a source expires at LlamaCloud; parse sources are kept for 48 h (reference 1.1)."""
PAGE = 200
"""Overdue documents in one page of a look."""
OVERLAP = 300.0
"""Seconds that are looked at twice: an index may be late, and two machines' clocks apart."""
AT_ONCE = 50
"""Tasks in one change; DynamoDB takes 100 writes."""
QUALITY_EVERY, QUALITY_WINDOW, QUALITY_BEFORE, QUALITY_SAMPLE = 3600.0, 86400.0, 8 * 86400.0, 500
_QUALITY = "watch:quality"
_OVERDUE = "watch:overdue"
_GONE = "watch:gone:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """Something that is wrong now; ``origin`` tells one case of it from the next."""

    alert: Alert
    origin: tuple[str | float, ...]


@dataclass(frozen=True, slots=True)
class Looked:
    """What a pass looked for, and what it found: kind -> fingerprints, or None when all of the kind go on."""

    conditions: Mapping[str, frozenset[str] | None]

    def found(self, incident: Incident) -> bool | None:
        """Whether the incident's condition was found; None when it was not looked for."""
        if incident.kind not in self.conditions:
            return None
        found = self.conditions[incident.kind]
        return found is None or incident.id in found


async def watch(tools: Tools) -> Looked:
    """Raises an alert for each new case of what is wrong now."""
    await _documents(tools)
    books = await _books(tools)
    await _raise(books, tools)
    paused = any([(await read(what, tools)).until for what in (SUBMISSION, RESULTS)])
    conditions = {
        "balance.off": frozenset(one.alert.fingerprint for one in books),
        "quality.changed": await _quality(tools),
        "submission.paused": None if paused else frozenset[str](),
        "channel.failing": await _failing(tools),
        "secret.refused": await _not_found_gone(fingerprint("secret.refused", "renewal"), tools),
        "table.refused": await _not_found_gone(fingerprint("table.refused", "reload"), tools),
        "shadow.refused": await _not_found_gone(fingerprint("shadow.refused", "reload"), tools),
        "queue.silent": await _unless_later(recover.HEARD, fingerprint(recover.KIND, recover.CAUSE), tools),
        "clock.skewed": frozenset[str](),  # the machine whose clock it is contradicts (skew.still)
    }
    return Looked(conditions)


async def _raise(alarms: Sequence[Alarm], tools: Tools) -> None:
    tasks = [task_for(one.alert, *one.origin) for one in alarms]
    for some in (tasks[at : at + AT_ONCE] for at in range(0, len(tasks), AT_ONCE)):
        await tools.store.apply(*map(Ensure, some))
        await tools.ring(*(task.id for task in some))


async def _documents(tools: Tools) -> None:
    """Raises those that have become overdue since the last look, however many."""
    now = tools.clock()
    until = now - GRACE
    flag = await tools.store.get(Flag, _OVERDUE)
    since = min(float(flag.value), until) - OVERLAP if flag else None
    cursor: str | None = None
    while True:
        query = Query(by="overdue", since=since, until=until, limit=PAGE, cursor=cursor)
        page = await tools.store.find(Document, query)
        soon = [expiring(one, now) for one in page.records if expires_soon(one, now)]
        await _raise([*(_overdue(one, now) for one in page.records), *soon], tools)
        cursor = page.cursor
        await _remember(until if cursor is None else page.records[-1].overdue_at, tools)
        if cursor is None:
            return


async def _remember(looked_to: float, tools: Tools) -> None:
    """A pass that is cut short is gone on with from there."""
    flag = await tools.store.get(Flag, _OVERDUE)
    looked = Flag(id=_OVERDUE, value=repr(looked_to), at=tools.clock())
    with contextlib.suppress(Conflict):  # then another worker looked just now
        await tools.store.apply(put(looked, flag))


def _overdue(document: Document, now: float) -> Alarm:
    alert = Alert(
        kind="document.overdue",
        cause=document.step,
        title=f"{document.name} is past its deadline",
        detail=document.error or f"it is still at the step {document.step}",
        subject=document.id,
        name=document.name,
        job_id=document.job_id,
        as_of=str(document.deadline),
        fix=f"mailroom documents {document.id}; mailroom balance lists all that are overdue",
        at=now,
    )
    return Alarm(alert=alert, origin=(document.id, str(document.deadline)))


def expires_soon(document: Document, now: float) -> bool:
    """Whether its file will soon be gone, or is; nobody may have looked in time."""
    return document.file_expires_at is not None and document.file_expires_at - now < EXPIRING


def expiring(document: Document, now: float) -> Alarm:
    """The alarm that a document's file will soon be gone."""
    assert document.file_expires_at is not None
    hours = max(0.0, document.file_expires_at - now) / 3600
    alert = Alert(
        kind="source.expiring",
        cause=document.step,
        title=f"{document.name} expires at LlamaCloud in {hours:.0f} h",
        detail=f"the document is open, at the step {document.step}, and its file {document.file_id} will be gone",
        subject=document.id,
        name=document.name,
        job_id=document.job_id,
        as_of=document.file_id,
        fix=f"mailroom documents {document.id} says what it waits for; mailroom replay {document.id} uploads it anew",
        at=now,
    )
    return Alarm(alert=alert, origin=(document.id, document.file_id))


async def _failing(tools: Tools) -> frozenset[str]:
    """The fingerprints of the channels that do not take notices."""
    return frozenset(fingerprint("channel.failing", one.id) for one in await failing_channels(tools))


async def found_gone(incident: Incident, tools: Tools) -> None:
    """Notes that a condition is gone which only the process that raised it can see; the next pass takes it up."""
    flag = await tools.store.get(Flag, _GONE + incident.id)
    gone = Flag(id=_GONE + incident.id, value="", at=tools.clock())
    with contextlib.suppress(Conflict):  # then another process says so just now
        await tools.store.apply(put(gone, flag))


async def _not_found_gone(key: str, tools: Tools) -> frozenset[str]:
    """The incident's fingerprint, unless it was found gone after its last occurrence."""
    return await _unless_later(_GONE + key, key, tools)


async def _unless_later(flag_id: str, key: str, tools: Tools) -> frozenset[str]:
    """The incident's fingerprint, unless the flag was raised after its last occurrence."""
    incident = await tools.store.get(Incident, key)
    if incident is None or incident.standing_since is None:
        return frozenset()
    flag = await tools.store.get(Flag, flag_id)
    return frozenset() if flag is not None and flag.at > incident.last_at else frozenset({key})


async def _books(tools: Tools) -> list[Alarm]:
    tally = await tools.store.tally()
    if tally.balanced:
        return []
    now = tools.clock()
    alert = Alert(
        kind="balance.off",
        cause="books",
        title="the books do not balance",
        detail=f"taken in {tally.taken_in}, but routed {tally.routed} + review {tally.review} + failed {tally.failed} "
        f"+ open {tally.open} + forgotten {tally.forgotten}",
        fix="mailroom balance; compare with mailroom documents, and keep the store as it is for whoever looks into it",
        at=now,
    )
    return [Alarm(alert=alert, origin=(f"{now // 3600:.0f}",))]


async def _quality(tools: Tools) -> frozenset[str]:
    """The fingerprints of what is worse than it was; looked at once in an hour, by one worker."""
    now = tools.clock()
    flag = await tools.store.get(Flag, _QUALITY)
    if flag is not None and 0 <= now - flag.at < QUALITY_EVERY:
        return frozenset(msgspec.json.decode(flag.value, type=list[str]))
    recent = await _decided(tools, now - QUALITY_WINDOW, now)
    before = await _decided(tools, now - QUALITY_BEFORE, now - QUALITY_WINDOW)
    alerts = [_changed(one, now) for one in worse(shares(recent), shares(before))]
    tasks = [task_for(alert, f"{now // QUALITY_WINDOW:.0f}") for alert in alerts]
    value = msgspec.json.encode([alert.fingerprint for alert in alerts]).decode()
    looked = Flag(id=_QUALITY, value=value, at=now)
    with contextlib.suppress(Conflict):  # then another worker looked just now
        await tools.store.apply(put(looked, flag), *map(Ensure, tasks))
        await tools.ring(*(task.id for task in tasks))
    return frozenset(alert.fingerprint for alert in alerts)


async def _decided(tools: Tools, since: float, until: float) -> Sequence[Document]:
    """The newest documents of this time, a sample that stays small however much mail there is."""
    query = Query(since=since, until=until, newest_first=True, limit=QUALITY_SAMPLE)
    return (await tools.store.find(Document, query)).records


def _changed(found: Worse, now: float) -> Alert:
    type_ = found.what.partition(":")[2]
    which = f"documents of type {type_} are uncertain" if type_ else "documents match no rule"
    return Alert(
        kind="quality.changed",
        cause=found.what,
        title=f"{found.now.part:.0%} of the {which}; in the days before {found.before.part:.0%}",
        detail=f"{found.now.doubtful} of {found.now.all} in 24 hours; "
        f"{found.before.doubtful} of {found.before.all} before",
        fix="mailroom review shows them; mend the rule's description, then: mailroom routes backtest",
        at=now,
    )
