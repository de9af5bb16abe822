"""Deliver: sends one document to one destination, with effect once, and writes the receipt on the document.

Destinations that hold the bytes go first. The messages of those that only point to the document (a queue, an endpoint)
follow when all of them have it. If that takes longer than ``message_wait``, the messages go without a pointer and say
so, and a second message says where the document is as soon as it is stored.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from receiver.core.alert import Alert
from receiver.core.change import InsertIfAbsent, Replace, Write
from receiver.core.delivery_request import DeliveryRequest, PointerState
from receiver.core.document import Delivery, DeliveryState, Document, Receipt
from receiver.core.errors import DeliveryConflict, FileGone, Unroutable
from receiver.core.follow_up import delivery_task, due_deliveries, mark_tasks
from receiver.core.ids import place, task_id
from receiver.core.manifest import manifest
from receiver.core.message_type import Meaning
from receiver.core.object_key import stored_url
from receiver.core.plan import Target
from receiver.core.replan import known, with_pointers
from receiver.core.task import Task
from receiver.packets.pieces import pieces_of
from receiver.pipeline.content import content_without_bytes, contents
from receiver.pipeline.context import Context, StepResult, TaskHandler, once_as_read
from receiver.pipeline.pause import check_again_at, paused_until
from receiver.pipeline.pointer import pointer_for
from receiver.ports import Destination


async def deliver(task: Task, context: Context) -> StepResult:
    """One attempt at one delivery."""
    document, delivery = await _asked_for(task, context)
    if document is None or document.plan is None or delivery is None or delivery.done:
        return StepResult(note="nothing to deliver")
    if (until := await paused_until(place(delivery.to.url), context)) is not None:
        note = f"{place(delivery.to.url)} is paused"
        again_at = check_again_at(until, context)
        return StepResult(note=note, again_at=again_at, change=lambda: attempt_failed(task, None, context))
    if _too_early(document, delivery, context):
        return StepResult(note="the document is not stored yet", again_at=_announced_at(document, context))
    request = await _request_for(document, delivery, context)
    receipt = await _sent(request, context)
    owes_pointer = delivery.is_message and request.pointer.state is PointerState.PENDING
    context.meter.count("mailroom_deliveries", destination=delivery.to.scheme, outcome="delivered")

    as_read: AskedFor = (document, delivery)
    read = partial(_asked_for, task, context)
    # Deliveries of a document run concurrently, so another one has probably changed it in the meantime.
    current = read if len(due_deliveries(document)) > 1 else once_as_read(as_read, read)

    async def change() -> Sequence[Write]:
        sent = replace(delivery, receipt=receipt, owes_pointer=owes_pointer)
        return _delivered(*await current(), sent, context)

    return StepResult(note=receipt.location, change=change)


def destination_of(target: Target, context: Context) -> Destination:
    """The destination that serves this target. Raises Unroutable."""
    destination = context.destinations.get(target.scheme)
    if destination is None:
        raise Unroutable(
            f"no destination serves {target.url}; known schemes: {', '.join(sorted(context.destinations))}"
        )
    return destination


async def announce(task: Task, context: Context) -> StepResult:
    """Lets the messages go out without a pointer, because the document is not stored in time."""

    async def change() -> Sequence[Write]:
        document = await context.store.get(Document, task.subject)
        if document is None or str(document.sequence) != task.details["sequence"]:
            return ()
        document = known(document, context.holds)
        waiting = [item for item in document.messages if item.state is DeliveryState.PENDING]
        return [delivery_task(item, document, now=context.clock()) for item in waiting]

    return StepResult(note="messages no longer wait for the document to be stored", change=change)


def _announcement(document: Document, context: Context) -> list[Write]:
    """The task that later sends messages even if the document is not stored; none if no message waits."""
    if not any(item.state is DeliveryState.PENDING for item in document.messages):
        return []
    now, number = context.clock(), str(document.sequence)
    task = Task(
        id=task_id("announce", document.id, number),
        kind="announce",
        subject=document.id,
        due_at=max(now, _announced_at(document, context)),
        created_at=now,
        details={"sequence": number},
    )
    return [InsertIfAbsent(task)]


def _announced_at(document: Document, context: Context) -> float:
    assert document.plan is not None
    return document.plan.decided_at + context.config.message_wait_seconds


def _too_early(document: Document, delivery: Delivery, context: Context) -> bool:
    """Whether this message must wait for the document: its task was replayed, or an earlier release wrote it."""
    return delivery not in due_deliveries(document) and context.clock() < _announced_at(document, context)


AskedFor = tuple[Document | None, Delivery | None]


async def _asked_for(task: Task, context: Context) -> AskedFor:
    document = await context.store.get(Document, task.subject)
    if document is None:
        return None, None
    document = known(document, context.holds)
    return document, document.delivery(task.details["delivery_id"])


async def _request_for(document: Document, delivery: Delivery, context: Context) -> DeliveryRequest:
    assert document.plan is not None
    stored_at = max((item.delivered_at or 0.0 for item in document.holders), default=0.0)
    return DeliveryRequest(
        delivery_id=delivery.id,
        document=document,
        plan=document.plan,
        url=stored_url(delivery),
        content=content_without_bytes(document),
        manifest=manifest(document, delivery_id=delivery.id, pieces=await pieces_of(document, context)),
        options=delivery.to.options,
        again=delivery.receipt is not None,
        options_changed=delivery.options_changed,
        meaning=delivery.meaning or Meaning.ROUTED,
        sequence=delivery.sequence,
        replaces=delivery.replaces,
        pointer=pointer_for(document, delivery, context),
        at=stored_at if delivery.meaning is Meaning.AVAILABLE else document.plan.decided_at,
    )


async def _sent(request: DeliveryRequest, context: Context) -> Receipt:
    """Delivers it, with the bytes from any place that has them; a message needs none."""
    delivery = request.document.delivery(request.delivery_id)
    assert delivery is not None
    destination, gone = destination_of(delivery.to, context), None
    async for content in contents(request.document, context):
        try:
            return await destination.deliver(replace(request, content=content))
        except FileGone as error:
            gone = gone or error
    if gone is not None:
        raise gone
    return await destination.deliver(request)


def _delivered(
    document: Document | None, delivery: Delivery | None, sent: Delivery, context: Context
) -> Sequence[Write]:
    """The document with the receipt, also if its plan changed during the delivery."""
    if document is None or sent.receipt is None:
        return ()
    now = context.clock()
    document = document.note(now, "delivered", sent.receipt.location)
    done = replace(
        delivery or replace(sent, superseded=True),
        state=DeliveryState.DELIVERED, receipt=sent.receipt, delivered_at=now, error="", owes_pointer=sent.owes_pointer,
        options_changed=False,
    )  # fmt: skip
    if delivery is None:  # the plan has changed, and another task sends the message that replaces this one
        if sent.is_message:
            return [Replace(document)]
        kept = replace(document, deliveries=(*document.deliveries, done))
        return [Replace(kept), *mark_tasks(kept, now=now)]
    after = with_pointers(document.with_delivery(done)).settle()
    following = [
        item
        for item in due_deliveries(after)
        if item.is_message and (item.meaning is Meaning.AVAILABLE or not done.is_message)
    ]
    marks = [] if done.is_message else mark_tasks(after, now=now)
    return [Replace(after), *(delivery_task(item, after, now=now) for item in following), *marks]


async def attempt_failed(task: Task, error: Exception | None, context: Context) -> Sequence[Write]:
    """After a failed attempt that will be retried: limits how long the messages wait for this delivery."""
    document, delivery = await _asked_for(task, context)
    waited_for = document is not None and delivery is not None and delivery in document.holders
    return _announcement(document, context) if document and waited_for else ()


async def give_up(task: Task, error: Exception, context: Context) -> Sequence[Write]:
    """A delivery that was given up: the document waits in review, and the other deliveries continue."""
    document, delivery = await _asked_for(task, context)
    if document is None or delivery is None:
        return ()
    state = DeliveryState.CONFLICT if isinstance(error, DeliveryConflict) else DeliveryState.FAILED
    context.meter.count("mailroom_deliveries", destination=delivery.to.scheme, outcome=state)
    after = document.with_delivery(replace(delivery, state=state, error=str(error)))
    after = replace(after, error=str(error)).note(context.clock(), f"delivery {state}", f"{delivery.to.shown}: {error}")
    if delivery not in document.holders:
        return [Replace(after)]
    return [Replace(after), *_announcement(after, context), *mark_tasks(after, now=context.clock())]


def failure_alert(task: Task, error: Exception, fix: str, cause: str, now: float) -> Alert:
    """The alert of a delivery that was given up."""
    to, at = task.details.get("to", "a destination"), task.details.get("endpoint", "")
    where = f"{_shared(to)} at {at}" if at else _shared(to)
    return Alert(
        kind="delivery.conflict" if isinstance(error, DeliveryConflict) else "delivery.failed",
        cause=f"{cause}:{where}",
        title=f"delivery to {where} failed",
        detail=str(error),
        subject=task.subject,
        delivery_id=task.details["delivery_id"],
        fix=fix or f"mailroom replay {task.subject}",
        at=now,
    )


def _shared(to: str) -> str:
    """The part of the URL that deliveries with one cause share: bucket, queue or host; of a folder, its fixed part."""
    return to.partition("{")[0] if to.startswith("folder:") else place(to)


STEP = TaskHandler(run=deliver, give_up=give_up, attempt_failed=attempt_failed, alert=failure_alert)
ANNOUNCE = TaskHandler(run=announce)
