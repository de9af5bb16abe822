"""Follow-up: the tasks that follow from a change of a document, and are written in the same change.

A delivery that can be made now gets a task. When a document settles, its container (packet or mail) gets one, too,
because the container's state follows from its documents.
"""

from collections.abc import Sequence

from receiver.core.change import Insert, InsertIfAbsent, Write, written_records
from receiver.core.document import Delivery, DeliveryState, Document, DocumentState
from receiver.core.ids import claim_id
from receiver.core.message_type import Meaning
from receiver.core.task import Task, delivery_parts, new_task


def delivery_tasks(document: Document, *, now: float) -> list[InsertIfAbsent]:
    """The tasks for what can be delivered now, and to mark copies; those that are there already stay as they are."""
    return [delivery_task(item, document, now=now) for item in due_deliveries(document)] + mark_tasks(document, now=now)


def mark_tasks(document: Document, *, now: float) -> list[InsertIfAbsent]:
    """The tasks for what is said beside its copies, once it is stored where its plan wants it: a mark names the place.

    None while it is not: whoever reads the mark would look for a document that is not there yet.
    """
    if document.waits_for_bytes:
        return []
    return [mark_task(item, document, now=now) for item in document.deliveries if mark_outdated(item, document)]


def mark_of(item: Delivery, document: Document) -> str:
    """What is to be said beside this copy, as a fingerprint of the places that count; "" where it counts itself."""
    return claim_id("superseded", *document.locations) if item.superseded else ""


def mark_outdated(item: Delivery, document: Document) -> bool:
    """Whether what is said beside a copy is not true: that it is superseded, or is not, or which place counts."""
    return not item.is_message and item.receipt is not None and mark_of(item, document) != item.mark


def mark_task(item: Delivery, document: Document, *, now: float) -> InsertIfAbsent:
    """The task to say beside this copy whether it counts; one for each change of the document."""
    details = {"delivery_id": item.id, "to": item.to.url} | ({"endpoint": item.to.endpoint} if item.to.endpoint else {})
    return InsertIfAbsent(
        new_task("supersede", item.id, document.version, subject=document.id, now=now, details=details)
    )


def due_deliveries(document: Document) -> list[Delivery]:
    """The deliveries that can be made: the document itself, corrections, and, once it is stored, messages that point to
    it."""
    stored = all(item.done for item in document.holders)
    follows = [] if stored else [item for item in document.messages if item.meaning is not Meaning.AVAILABLE]
    return [item for item in document.deliveries if item.state is DeliveryState.PENDING and item not in follows]


def delivery_task(delivery: Delivery, document: Document, *, now: float) -> InsertIfAbsent:
    """The task for this delivery; each restart of the delivery has another one."""
    at = {"endpoint": delivery.to.endpoint} if delivery.to.endpoint else {}
    details = {"delivery_id": delivery.id, "to": delivery.to.url, **at}
    return InsertIfAbsent(
        new_task("deliver", *delivery_parts(delivery.id, delivery.run), subject=document.id, now=now, details=details)
    )


def container_tasks(writes: Sequence[Write], *, now: float, reopened: bool = False) -> list[InsertIfAbsent]:
    """The tasks that check the containers of documents that settle by these writes.

    ``reopened``: a document that is open was settled before, as when a person routes a piece again.
    """
    return [
        InsertIfAbsent(container_task(item.parent_id, item.id, item.version, now=now))
        for item in written_records(writes, Document)
        if item.parent_id and (reopened or item.state is not DocumentState.OPEN)
    ]


def container_task(container_id: str, *because: str | int, now: float) -> Task:
    """The task that checks a container; ``because`` (a document and its change) makes it unique."""
    return new_task("packet", container_id, *because, subject=container_id, now=now, details={"piece": str(because[0])})


def new_deliveries(writes: Sequence[Write]) -> list[Task]:
    """The delivery tasks among these writes, each once: the worker that writes them may begin them itself."""
    new = (write.record for write in writes if isinstance(write, InsertIfAbsent))
    found = {task.id: task for task in new if isinstance(task, Task) and task.kind == "deliver"}
    return list(found.values())


def claimed_in(writes: Sequence[Write], begun: Sequence[Task]) -> list[Write]:
    """The writes with these tasks as they are when claimed. A task that is there already is a conflict, then."""
    ids = {task.id for task in begun}
    others = (
        write
        for write in writes
        if not (isinstance(write, InsertIfAbsent) and isinstance(write.record, Task) and write.record.id in ids)
    )
    return [*others, *map(Insert, begun)]
