"""What happens to a message whose task could not be claimed: it is acknowledged only when its task is done."""

from collections.abc import Callable

from receiver.core.task import Task, TaskState
from receiver.pipeline.context import Context

SOON = 1.0
"""Seconds after which a message is visible again at the earliest: SQS counts in whole ones."""


async def enqueue_again(task_id: str, context: Context, *, room_in: Callable[[Task], float]) -> None:
    """Enqueues it for the time when the task may be claimed, or not at all when the task is done.

    A task that is due now was left for lack of room, which may be there in ``room_in`` seconds; a task of another
    worker has moved on after a lease. Raises Transient: then the message must stay.
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
