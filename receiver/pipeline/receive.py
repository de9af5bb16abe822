"""Receive: verifies an event, stores it with its task, enqueues the task. Only an Accepted event may be acknowledged.

This is the hot path. The receiving Lambda function loads no other step, no configuration file and no destination.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from receiver.core.change import CheckOwner, Insert, InsertIfAbsent, Write
from receiver.core.errors import Conflict, NotAuthentic, TooManyEvents, Transient
from receiver.core.event import Event, Inbound, parse_event
from receiver.core.task import Task, new_task
from receiver.core.verify_webhook import WebhookSecrets, verify
from receiver.pipeline.event_limit import EventLimit
from receiver.ports import Clock, Meter, Store, TaskQueue

BIG = 256 * 1024
"""Size in bytes from which on a body is verified and read in a thread, so that it does not delay others."""


@dataclass(slots=True, kw_only=True)
class ReceiverDependencies:
    """What receiving needs, and nothing more. ``lock``, the verifier, is replaced on rotation (receiver/renewal.py)."""

    store: Store
    queue: TaskQueue
    secrets: WebhookSecrets
    clock: Clock
    meter: Meter
    late_after: float | None = None
    keep_seconds: float
    """Seconds for which an event's id is stored, so that a repetition is recognized."""
    limit: EventLimit = field(default_factory=EventLimit)
    record: Callable[[Event, bool, float], None] | None = None
    """Takes each event that was stored, whether it is new, and the seconds it took; where traces are on."""


class Accepted(NamedTuple):
    event: Event
    fresh: bool
    """False when this event id was already stored."""


async def receive(inbounds: Sequence[Inbound], receiver: ReceiverDependencies) -> list[Accepted | Exception]:
    """For each request: the event, durably stored together with the task that handles it, or why it was not stored.

    The reason is NotAuthentic, Malformed, TooManyEvents, StoreBusy (the sender must retry), or a bug of ours. Requests
    do not affect each other. They are stored together because that costs little more than storing one.
    """
    now = receiver.clock()
    if sum(item.size for item in inbounds) > BIG:
        judged = await asyncio.to_thread(_judge_each, inbounds, receiver, now)
    else:
        judged = _judge_each(inbounds, receiver, now)
    kept = iter(await _keep([item for item in judged if isinstance(item, Event)], receiver, now))
    return [next(kept) if isinstance(item, Event) else item for item in judged]


def _judge_each(inbounds: Sequence[Inbound], receiver: ReceiverDependencies, now: float) -> list[Event | Exception]:
    judged: list[Event | Exception] = []
    for inbound in inbounds:
        try:
            judged.append(_judge(inbound, receiver, now))
        except Exception as error:  # noqa: BLE001 - it is this sender's answer; the others have theirs
            judged.append(error)
    return judged


def _judge(inbound: Inbound, receiver: ReceiverDependencies, now: float) -> Event:
    arrived = now if inbound.arrived_at is None else inbound.arrived_at
    verified = inbound.verified or verify(inbound, receiver.secrets, now=arrived)
    return parse_event(
        verified.body,
        received_at=arrived,
        verified_by=verified.by,
        document_id=verified.document_id,
        late_after=receiver.late_after,
        expires_at=now + receiver.keep_seconds,
    )


def handling_of(event: Event, *, now: float) -> Task:
    """The task that handles this event.

    The task's id is derived from the event's content, job and proof, not from the event id. For an event that names no
    job, the job's part of the id is empty.
    """
    about = (event.job_id,) if event.job_id else ("", event.event_id)
    proven = (event.document_id,) if event.document_id else ()
    subject = event.document_id or event.job_id
    details = {
        "event_id": event.event_id,
        "type": event.type,
        "job_id": event.job_id,
        "other_id": event.other_id,
        "document_id": event.document_id,
    }
    # "react" is stored, and the beginning of an id: such words stay (docs/decisions.md)
    return new_task("react", *about, event.type, *proven, subject=subject, now=now, details=details)


async def _keep(events: Sequence[Event], receiver: ReceiverDependencies, now: float) -> list[Accepted | Exception]:
    refusals = [receiver.limit.take(event) for event in events]
    if not any(refusals):
        return await _keep_all(events, receiver, now)
    allowed = [event for event, refusal in zip(events, refusals, strict=True) if refusal is None]
    kept = iter(await _keep_all(allowed, receiver, now))
    known = iter(
        await asyncio.gather(*[_known(item, no, receiver) for item, no in zip(events, refusals, strict=True) if no])
    )
    return [next(kept if refusal is None else known) for refusal in refusals]


async def _known(event: Event, refusal: TooManyEvents, receiver: ReceiverDependencies) -> Accepted | Exception:
    """The outcome of an event beyond the limit. A repetition of a stored event is still acknowledged."""
    try:
        return refusal if await receiver.store.get(Event, event.id) is None else Accepted(event, fresh=False)
    except Transient as busy:
        return busy


async def _keep_all(events: Sequence[Event], receiver: ReceiverDependencies, now: float) -> list[Accepted | Exception]:
    tasks = [handling_of(event, now=now) for event in events]
    outcomes = await receiver.store.apply_each(*map(_change, events, tasks)) if events else []
    for event, outcome in zip(events, outcomes, strict=True):
        if outcome is not None:
            receiver.limit.take_back(event)
    if new := [task.id for task, outcome in zip(tasks, outcomes, strict=True) if outcome is None]:
        await _enqueue(new, receiver)
    return [_outcome(event, outcome) for event, outcome in zip(events, outcomes, strict=True)]


def _change(event: Event, task: Task) -> list[Write]:
    """The writes for this event, on the condition that every job it names is unknown or its token's document's."""
    named = [item for item in (event.job_id, event.other_id) if item] if event.document_id else []
    return [*(CheckOwner(item, event.document_id) for item in named), Insert(event), InsertIfAbsent(task)]


def _outcome(event: Event, outcome: Exception | None) -> Accepted | Exception:
    if isinstance(outcome, Conflict):
        return NotAuthentic("token_of_another_job") if outcome.kind == "job" else Accepted(event, fresh=False)
    return outcome or Accepted(event, fresh=True)


async def _enqueue(task_ids: Sequence[str], receiver: ReceiverDependencies) -> None:
    try:
        await receiver.queue.enqueue(*task_ids)
    except Transient:
        receiver.meter.count("mailroom_enqueue_failures")  # the events are stored; the sweep enqueues again
