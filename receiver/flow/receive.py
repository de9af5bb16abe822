"""Receive: verify, keep, ring. What returns from here may be acknowledged; what raises was not kept.

This is the hot path, and all that the receiving Lambda loads: it knows no configuration file and no destination.
"""

import asyncio
from dataclasses import dataclass
from typing import NamedTuple

from receiver.core.change import Belongs, Ensure, Insert, Write
from receiver.core.errors import Conflict, NotAuthentic, Transient
from receiver.core.event import Event, Inbound, parse
from receiver.core.task import Task
from receiver.core.verify import Lock, verify
from receiver.ports import Clock, Doorbell, Meter, Store

BIG = 256 * 1024
"""Bytes from which on a body is verified and read in a thread, so that it holds nobody else up."""


@dataclass(slots=True, kw_only=True)
class Door:
    """What receiving needs, and nothing more. ``lock`` is exchanged when secrets rotate (receiver/renewal.py)."""

    store: Store
    bell: Doorbell
    lock: Lock
    clock: Clock
    meter: Meter
    late_after: float | None = None
    keep_seconds: float = 90 * 86400.0
    """How long an event is remembered, and with it its id."""


class Accepted(NamedTuple):
    event: Event
    fresh: bool
    """False when this event id had been kept before."""


async def receive(inbound: Inbound, door: Door) -> Accepted:
    """The event, durably kept together with the task to react to it.

    Raises NotAuthentic, Malformed (nothing kept), StoreBusy (nothing kept: the sender must try again).
    """
    now = door.clock()
    if len(inbound.body) > BIG:
        event = await asyncio.to_thread(_judge, inbound, door, now)
    else:
        event = _judge(inbound, door, now)
    task = reaction_to(event, now=now)
    fresh = await _keep(event, task, door)
    if fresh:
        await _ring(task, door)
    return Accepted(event, fresh)


def _judge(inbound: Inbound, door: Door, now: float) -> Event:
    verified = verify(inbound, door.lock, now=now)
    return parse(
        verified.body,
        received_at=now,
        verified_by=verified.by,
        document_id=verified.document_id,
        late_after=door.late_after,
        expires_at=now + door.keep_seconds,
    )


def reaction_to(event: Event, *, now: float) -> Task:
    """The task to react to this event. Its identity is the job and the happening, not the event id."""
    return Task(
        id=f"react:{event.job_id or event.id}:{event.type}",
        kind="react",
        subject=event.job_id,
        due_at=now,
        created_at=now,
        details={
            "event_id": event.id,
            "type": event.type,
            "other_id": event.other_id,
            "document_id": event.document_id,
        },
    )


async def _keep(event: Event, task: Task, door: Door) -> bool:
    writes: list[Write] = [Insert(event), Ensure(task)]
    if event.document_id and event.job_id:
        writes.insert(0, Belongs(event.job_id, event.document_id))
    try:
        await door.store.apply(*writes)
    except Conflict as conflict:
        if conflict.kind == "job":
            raise NotAuthentic("token_of_another_job") from None
        return False
    return True


async def _ring(task: Task, door: Door) -> None:
    try:
        await door.bell.ring(task.id)
    except Transient:
        door.meter.count("mailroom_mute_rings")  # the event is kept; the sweep rings again
