"""What an open document waits for, in words: the tasks about it, and what those wait for."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from receiver.core.document import DeliveryState, Document, DocumentState, Step
from receiver.core.follow_up import due_deliveries
from receiver.core.task import NOTICES, Task, TaskState

WORK = {
    "submit": "its submission to LlamaCloud",
    "react": "the result of its job",
    "recheck": "the result of its job",
    "cut": "its cut into pieces",
    "packet": "its parts",
    "announce": "the messages that go out if it is not stored in time",
    "supersede": "the mark on an earlier copy",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitsFor:
    """One thing that is still to happen."""

    what: str
    next_at: float | None = None
    """When it is tried next; None where something else must happen first."""
    attempts: int = 0
    why: str = ""
    """Why the last attempt failed, or what must happen first."""


def waiting_for(document: Document, tasks: Iterable[Task]) -> list[WaitsFor]:
    """What is still to happen with the document, the next first."""
    found = [*_tasks(document, tasks), *_messages(document)]
    if document.state is DocumentState.OPEN and not found:
        found = [WaitsFor(what=_step(document), why=document.error)]
    return sorted(found, key=lambda item: (item.next_at is None, item.next_at or 0.0))


def _tasks(document: Document, tasks: Iterable[Task]) -> Iterator[WaitsFor]:
    for task in tasks:
        if task.kind in NOTICES or task.state is TaskState.DONE:
            continue
        what = f"delivery to {task.details['to']}" if task.kind == "deliver" else WORK.get(task.kind, task.kind)
        parked = task.state is TaskState.PARKED
        why = f"it gave up and waits for a person: {task.error}" if parked else task.error
        yield WaitsFor(what=what, next_at=None if parked else task.due_at, attempts=task.attempts, why=why)


def _messages(document: Document) -> Iterator[WaitsFor]:
    due = due_deliveries(document)
    for item in document.messages:
        if item.state is DeliveryState.PENDING and item not in due:
            yield WaitsFor(what=f"message to {item.to.shown}", why="the document must be stored first")


def _step(document: Document) -> str:
    if document.parts_state is DocumentState.OPEN or document.step is Step.SPLIT:
        return "its parts"
    return "the result of its job" if document.step is Step.SUBMITTED else "the next sweep"
