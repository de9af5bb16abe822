"""Replay of single tasks: by id, or of parked tasks that are about no document (an alert, an unknown job)."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from receiver.alerting.incidents import unmended
from receiver.core.change import Query, Replace, Write, succeeding
from receiver.core.decision import OPERATOR
from receiver.core.document import Document, DocumentState
from receiver.core.errors import Conflict, NotAllowed, NotFound
from receiver.core.task import Task, TaskState
from receiver.operations.replay import PAGE, ReplayFilter, resumed, written
from receiver.pipeline.context import Context, document_of
from receiver.pipeline.records import every_record
from receiver.ports import Store

WITHDRAWN = "document {} is withdrawn: its pages are in other pieces of its packet"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskReplay:
    """What a replay does to one task."""

    task: Task
    action: str
    """resume or nothing"""
    detail: str
    writes: tuple[Write, ...] = ()


async def task_of(task_id: str, store: Store) -> Task:
    """The task of this id. Raises NotFound."""
    task = await store.get(Task, task_id)
    if task is None:
        raise NotFound(f"there is no task {task_id}", fix="to list them: mailroom tasks")
    return task


async def chosen_tasks(choice: ReplayFilter, context: Context) -> AsyncIterator[Task]:
    """The tasks that the filter selects by their ids or their incident, or that are parked and about no document."""
    for named in choice.ids:
        if await context.store.get(Document, named) is None and (task := await context.store.get(Task, named)):
            yield task
    if choice.cause:
        async for item in unmended(choice.cause, context.store):
            task = await context.store.get(Task, item.task_id) if item.task_id and not item.document_id else None
            if task is not None:
                yield task
    if choice.parked:
        async for task in every_record(Task, Query(by="state", key=TaskState.PARKED, limit=PAGE), context.store):
            if await document_of(task, context.store) is None:
                yield task


async def foreseen_task(task: Task, context: Context, *, who: str = "") -> TaskReplay:
    """What a replay would do to this task; a parked one continues with its document, if it has one."""
    if task.state in (TaskState.READY, TaskState.RUNNING):
        return TaskReplay(task=task, action="nothing", detail=f"it is {task.state}")
    document = await document_of(task, context.store) if task.state is TaskState.PARKED else None
    if document is not None and document.state is DocumentState.WITHDRAWN:
        return TaskReplay(task=task, action="nothing", detail=WITHDRAWN.format(document.id))
    if document is not None and document.forgotten_at is None:
        writes = resumed(document, [task], context, who=who).writes
    else:
        writes = (Replace(task.replay(now=context.clock())),)
    return TaskReplay(task=task, action="resume", detail=task.error or task.note, writes=writes)


async def replay_task(task_id: str, context: Context, *, who: str = OPERATOR) -> Task:
    """One task, ready again. Raises NotFound, NotAllowed for a task that is waiting or running, Conflict."""
    task = await task_of(task_id, context.store)
    again = task.replay(now=context.clock())
    foreseen = await foreseen_task(task, context, who=who)
    if not foreseen.writes:
        raise NotAllowed(foreseen.detail)
    if not await written(foreseen.writes, context):
        raise Conflict("task", task_id)
    return succeeding(again)
