"""What a person does with incidents: list their documents, acknowledge them, silence them."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace

from receiver.alerting.alert import notify_tasks
from receiver.core.change import Query, Replace, succeeding
from receiver.core.document import Document
from receiver.core.errors import Conflict, Malformed, NotAllowed, NotFound
from receiver.core.incident import Incident, Occurrence, Status
from receiver.pipeline.context import Context
from receiver.pipeline.records import every_record
from receiver.ports import Store

PAGE = 200
CONFLICTS = 20
LONGEST_SILENCE = 30 * 86400.0


async def incident_named(key: str, store: Store) -> Incident:
    """The incident with this fingerprint. Raises NotFound."""
    incident = await store.get(Incident, key)
    if incident is None:
        raise NotFound(f"there is no incident {key}", fix="to list them: mailroom alerts list")
    return incident


async def unmended(key: str, store: Store) -> AsyncIterator[Occurrence]:
    """The occurrences of this incident that are not fixed yet, oldest first. Raises NotFound."""
    incident = await incident_named(key, store)
    async for item in every_record(Occurrence, Query(by="unmended", key=incident.part, limit=PAGE), store):
        yield item


async def documents_of(key: str, store: Store) -> AsyncIterator[Document]:
    """The documents of this incident that are not fixed yet, each once. Raises NotFound."""
    seen: set[str] = set()
    async for item in unmended(key, store):
        if item.document_id not in seen:
            seen.add(item.document_id)
            if (document := await store.get(Document, item.document_id)) is not None:
                yield document


async def acknowledge(key: str, context: Context, *, who: str) -> Incident:
    """The incident, acknowledged by ``who``, which stops reminders and escalation.

    Raises NotFound; NotAllowed if it is over.
    """

    def taken(incident: Incident) -> Incident:
        if incident.status is not Status.FIRING:
            raise NotAllowed(f"incident {key} is {incident.status}: there is nothing to acknowledge")
        return replace(incident, acknowledged_at=context.clock(), acknowledged_by=who)

    return await _changed(key, taken, context)


async def silence(key: str, seconds: float, why: str, context: Context, *, who: str) -> Incident:
    """The incident, silenced for so many seconds, together with later incidents of its cause; 0 ends a silence.

    Raises NotFound; Malformed for more than 30 days.
    """
    if not 0 <= seconds <= LONGEST_SILENCE:
        raise Malformed(f"a silence lasts {LONGEST_SILENCE / 86400:.0f} days at most")
    until = context.clock() + seconds if seconds else None

    def silent(incident: Incident) -> Incident:
        expires_at = incident.expires_at and max(incident.expires_at, until or 0.0)
        return replace(
            incident, silenced_until=until, silenced_by=who, silenced_why=why[:500], expires_at=expires_at
        )  # fmt: skip

    return await _changed(key, silent, context)


async def _changed(key: str, change: Callable[[Incident], Incident], context: Context) -> Incident:
    """Writes the change, and schedules a check of every channel."""
    for _ in range(CONFLICTS):
        after = change(await incident_named(key, context.store))
        writes = [Replace(after), *await notify_tasks(after, context, at=context.clock())]
        try:
            await context.store.apply(*writes)
        except Conflict:
            continue
        await context.enqueue_written(writes)
        return succeeding(after)
    raise Conflict("incident", key)
