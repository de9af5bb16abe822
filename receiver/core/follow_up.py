"""Follow-up: the tasks that follow from what is written of a document. They are written in the same change.

A delivery that can be made now gets a task. So does the container of what settles (its packet, its mail), which has
the state of what came out of it.
"""

from collections.abc import Sequence

from receiver.core.change import Insert, InsertIfAbsent, Write, written_records
from receiver.core.document import Delivery, DeliveryState, Document, DocumentState
from receiver.core.message_type import Meaning
from receiver.core.task import Task, delivery_parts, new_task


def delivery_tasks(document: Document, *, now: float) -> list[InsertIfAbsent]:
    """The tasks for what can be delivered now; those that are there already stay as they are."""
    return [delivery_task(item, document, now=now) for item in due_deliveries(document)]


def due_deliveries(document: Document) -> list[Delivery]:
    """What can be delivered: the document itself, what is no longer true, and, once it is stored, what points to it."""
    stored = all(item.done for item in document.holders)
    follows = [] if stored else [item for item in document.messages if item.meaning is not Meaning.AVAILABLE]
    return [item for item in document.deliveries if item.state is DeliveryState.PENDING and item not in follows]


def delivery_task(delivery: Delivery, document: Document, *, now: float) -> InsertIfAbsent:
    """The task to make this delivery; one for each time that it is begun anew."""
    at = {"endpoint": delivery.to.endpoint} if delivery.to.endpoint else {}
    details = {"delivery_id": delivery.id, "to": delivery.to.url, **at}
    return InsertIfAbsent(
        new_task("deliver", *delivery_parts(delivery.id, delivery.run), subject=document.id, now=now, details=details)
    )


def container_tasks(writes: Sequence[Write], *, now: float, reopened: bool = False) -> list[InsertIfAbsent]:
    """The tasks to look at the containers of what settles by these writes.

    ``reopened`` says that what is open in them was settled before, as when a person routes a piece anew.
    """
    return [
        InsertIfAbsent(container_task(item.parent_id, item.id, item.version, now=now))
        for item in written_records(writes, Document)
        if item.parent_id and (reopened or item.state is not DocumentState.OPEN)
    ]


def container_task(container_id: str, *because: str | int, now: float) -> Task:
    """The task to look at a container; ``because`` (one of its documents, and which change of it) tells it apart."""
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
