"""Replay: a task that gave up, or was done, is promised anew. Safe by construction: what is done stays done.

A document that waits for a person only because this task gave up is open again until the task has another word on it.
"""

from collections.abc import Sequence
from dataclasses import replace

from receiver.core.change import Update, Write
from receiver.core.document import DeliveryState, Document, DocumentState, Step
from receiver.core.errors import NotFound
from receiver.core.job import Job
from receiver.core.task import Task, TaskState
from receiver.flow.tools import Tools


async def replay_task(task_id: str, tools: Tools, *, who: str = "") -> Task:
    """The task, ready again. Raises NotFound, NotAllowed for one that is not over, Conflict when it just changed."""
    task = await tools.store.get(Task, task_id)
    if task is None:
        raise NotFound(f"there is no task {task_id}", fix="mailroom tasks lists them")
    again = task.replay(now=tools.clock())
    await tools.store.apply(Update(again), *await _reopened(task, tools, who))
    await tools.bell.ring(task.id)
    return replace(again, version=again.version + 1)


async def _reopened(task: Task, tools: Tools, who: str) -> Sequence[Write]:
    """The write that opens the document again which this task's giving up had closed."""
    document = await _document(task, tools) if task.state is TaskState.PARKED else None
    if document is None or document.state is not DocumentState.REVIEW:
        return ()
    opened = _with_delivery_pending(document, task) if task.kind == "deliver" else _unheld(document, task)
    if opened is None:
        return ()
    now = tools.clock()
    deadline = now + tools.config.deadline_seconds
    return (Update(replace(opened, deadline=deadline, error="").note(now, "replayed", f"{task.id} {who}".strip())),)


async def _document(task: Task, tools: Tools) -> Document | None:
    document = await tools.store.get(Document, task.subject)
    if document is None and (job := await tools.store.get(Job, task.subject)):
        document = await tools.store.get(Document, job.document_id)
    return document


def _unheld(document: Document, task: Task) -> Document | None:
    """A document that was held before any plan was made, at the step that the task is about."""
    step = {"submit": Step.TAKEN_IN, "react": Step.SUBMITTED}.get(task.kind)
    if document.plan is not None or step is None:
        return None
    return replace(document, state=DocumentState.OPEN, step=step)


def _with_delivery_pending(document: Document, task: Task) -> Document | None:
    delivery = document.delivery(task.details["delivery_id"])
    if delivery is None or delivery.state is DeliveryState.DELIVERED:
        return None
    pending = replace(delivery, state=DeliveryState.PENDING, error="")
    return replace(document, step=Step.DECIDED).with_delivery(pending)
