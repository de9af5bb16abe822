"""Deliver: one document to one destination, once in effect, with its receipt written on the document.

Destinations that hold the bytes go first. Those that only point to the document (a queue, an endpoint) follow as soon
as each of the first has been tried: with a pointer that works when all went well, and without waiting for a broken one.
"""

from collections.abc import Sequence
from dataclasses import replace

from receiver.core.alert import Alert
from receiver.core.change import Ensure, Update, Write
from receiver.core.document import Delivery, DeliveryState, Document, Receipt
from receiver.core.errors import DeliveryConflict, Unroutable
from receiver.core.manifest import manifest
from receiver.core.naming import fields, id_parts, place, render, task_id
from receiver.core.parcel import Parcel
from receiver.core.plan import Target
from receiver.core.task import Task
from receiver.flow.pause import LOOK_AGAIN, paused_until
from receiver.flow.pieces import pieces_of
from receiver.flow.tools import Outcome, StepOf, Tools
from receiver.ports import Destination

Mark = tuple[str | int, ...]
"""What tells a deliberate repetition of a delivery from the first: ``("replay", 3)``."""


async def deliver(task: Task, tools: Tools) -> Outcome:
    """One attempt at one delivery."""
    document = await tools.store.get(Document, task.subject)
    delivery = document.delivery(task.details["delivery_id"]) if document else None
    if document is None or document.plan is None or delivery is None or delivery.state is DeliveryState.DELIVERED:
        return Outcome(note="nothing to deliver")
    if (until := await paused_until(place(delivery.to.url), tools)) is not None:
        note = f"{place(delivery.to.url)} is paused"
        return Outcome(note=note, again_at=min(until, tools.clock() + LOOK_AGAIN) + tools.spread())
    destination = destination_of(delivery.to, tools)
    parcel = await _parcel(document, delivery, tools)
    receipt = await destination.deliver(parcel)
    tools.meter.count("mailroom_deliveries", destination=scheme(delivery.to.url), outcome="delivered")

    async def change() -> Sequence[Write]:
        return await _delivered(task, receipt, tools)

    return Outcome(note=receipt.location, change=change)


def scheme(url: str) -> str:
    """s3, sqs, folder, https, …"""
    return url.partition(":")[0]


def destination_of(target: Target, tools: Tools) -> Destination:
    """The destination that serves this target. Raises Unroutable."""
    destination = tools.destinations.get(scheme(target.url))
    if destination is None:
        raise Unroutable(f"no destination serves {target.url}; known are {', '.join(sorted(tools.destinations))}")
    return destination


def address(document: Document, target: Target) -> str:
    """The target's URL with its fields filled in."""
    return render(target.url, fields(document))


def pending_task(document: Document, delivery: Delivery, *, now: float, mark: Mark = ()) -> Task:
    """The task to make this delivery; ``mark`` tells a deliberate repetition from the first."""
    return Task(
        id=task_id("deliver", delivery.id, *mark),
        kind="deliver",
        subject=document.id,
        due_at=now,
        created_at=now,
        details={"delivery_id": delivery.id, "to": delivery.to.url},
    )


def delivery_tasks(document: Document, tools: Tools, *, mark: Mark = ()) -> tuple[Ensure, ...]:
    """The first tasks of a fresh plan: its byte-holding deliveries, or the pointing ones when there are no others."""
    now = tools.clock()
    pending = [one for one in document.deliveries if one.state is DeliveryState.PENDING]
    first = [one for one in pending if holds_bytes(one, tools)] or pending
    return tuple(Ensure(pending_task(document, one, now=now, mark=mark)) for one in first)


def holds_bytes(delivery: Delivery, tools: Tools) -> bool:
    destination = tools.destinations.get(scheme(delivery.to.url))
    return destination is not None and destination.holds_bytes


def _pointing_tasks(document: Document, tools: Tools, after: Task) -> list[Write]:
    """The tasks of the other, pointing deliveries; asked for again, they are there already and nothing happens."""
    now, mark = tools.clock(), _mark(after)
    others = (one for one in document.deliveries if one.id != after.details["delivery_id"])
    pointing = [one for one in others if one.state is DeliveryState.PENDING and not holds_bytes(one, tools)]
    return [Ensure(pending_task(document, one, now=now, mark=mark)) for one in pointing]


async def _parcel(document: Document, delivery: Delivery, tools: Tools) -> Parcel:
    assert document.plan is not None
    holding = [one for one in document.deliveries if holds_bytes(one, tools)]
    pointer = next((one.receipt.location for one in holding if one.receipt), "")
    return Parcel(
        delivery_id=delivery.id,
        document=document,
        plan=document.plan,
        url=address(document, delivery.to),
        content=await tools.content(document),
        manifest=manifest(document, delivery_id=delivery.id, pieces=await pieces_of(document, tools)),
        options=delivery.to.options,
        pointer=pointer or document.content,
    )


def _mark(task: Task) -> Mark:
    return id_parts(task.id)[2:]  # after the kind and the delivery's id


async def _delivered(task: Task, receipt: Receipt, tools: Tools) -> Sequence[Write]:
    document = await tools.store.get(Document, task.subject)
    delivery = document.delivery(task.details["delivery_id"]) if document else None
    if document is None or delivery is None:
        return ()
    now = tools.clock()
    done = replace(delivery, state=DeliveryState.DELIVERED, receipt=receipt, delivered_at=now, error="")
    after = document.with_delivery(done).note(now, "delivered", receipt.location)
    waits = any(one.state is DeliveryState.PENDING and holds_bytes(one, tools) for one in after.deliveries)
    return [Update(after), *([] if waits else _pointing_tasks(after, tools, task))]


async def attempt_failed(task: Task, error: Exception, tools: Tools) -> Sequence[Write]:
    """After a failed attempt that will be repeated: the pointing deliveries need not wait for this one."""
    document = await tools.store.get(Document, task.subject)
    return _pointing_tasks(document, tools, task) if document else ()


async def give_up(task: Task, error: Exception, tools: Tools) -> Sequence[Write]:
    """A delivery that will not be made by itself: the document waits in review, and the others go on."""
    document = await tools.store.get(Document, task.subject)
    delivery = document.delivery(task.details["delivery_id"]) if document else None
    if document is None or delivery is None:
        return ()
    state = DeliveryState.CONFLICT if isinstance(error, DeliveryConflict) else DeliveryState.FAILED
    tools.meter.count("mailroom_deliveries", destination=scheme(delivery.to.url), outcome=state)
    after = document.with_delivery(replace(delivery, state=state, error=str(error)))
    after = replace(after, error=str(error)).note(tools.clock(), f"delivery {state}", f"{delivery.to.url}: {error}")
    return [Update(after), *_pointing_tasks(after, tools, task)]


def failure_alert(task: Task, error: Exception, fix: str, cause: str, now: float) -> Alert:
    """The alert of an exhausted delivery."""
    to = task.details.get("to", "a destination")
    return Alert(
        kind="delivery.conflict" if isinstance(error, DeliveryConflict) else "delivery.failed",
        cause=f"{cause}:{_where(to)}",
        title=f"delivery to {_where(to)} failed",
        detail=str(error),
        subject=task.subject,
        delivery_id=task.details["delivery_id"],
        fix=fix or f"mailroom replay {task.subject}",
        at=now,
    )


def _where(to: str) -> str:
    """What deliveries have in common that fail together: the bucket, queue or host; of a folder, all that is fixed."""
    return to.partition("{")[0] if to.startswith("folder:") else place(to)


STEP = StepOf(run=deliver, give_up=give_up, attempt_failed=attempt_failed, alert=failure_alert)
