"""Handles a message whose task could not be claimed: it is acknowledged only if its task is done."""

from collections.abc import Callable

from receiver.core.task import Task, TaskState
from receiver.pipeline.context import Context

SOON = 1.0
"""Minimum seconds until a message is visible again: SQS counts in whole seconds."""


async def enqueue_again(task_id: str, context: Context, *, room_in: Callable[[Task], float]) -> None:
    """Enqueues the task for the time when it may be claimed; not at all if it is done.

    A task that is due now was left for lack of room, and is tried again in ``room_in`` seconds. A task that another
    worker has is tried again after its lease. Raises Transient: then the message must stay in the queue.
    """
    task = await context.store.get(Task, task_id)
    if task is None or task.state in (TaskState.DONE, TaskState.PARKED):
        return
    waits = task.due_at - context.clock()
    if task.state is TaskState.RUNNING:
        waits = task.lease_seconds
    elif waits <= 0:
        waits = room_in(task)
    await context.queue.enqueue(task_id, delay_seconds=max(waits, SOON))
