"""Starts tasks that the queue does not deliver, and raises an alert that it is silent.

The sweep re-enqueues all due tasks. A queue that accepts messages and loses them loses those, too. So a task that still
waits two sweeps later is started without the queue.
"""

from receiver.alerting.alert import incident_part, task_for
from receiver.core.alert import Alert
from receiver.core.change import InsertIfAbsent, Query
from receiver.core.flag import Flag
from receiver.core.task import Task
from receiver.pipeline.context import Context
from receiver.pipeline.flags import put_flag

SWEEPS = 2
"""Sweeps after which a due task, enqueued by each of them, should have started."""
AT_ONCE = 50
"""Maximum tasks that one sweep starts itself."""
ALERT_EVERY = 3600.0
KIND, CAUSE = "queue.silent", "unheard"
RECEIVED = "queue:heard"  # a stored word stays (docs/decisions.md)
"""The flag with the time at which the queue last delivered a message."""


async def overlooked(context: Context, *, sweep_seconds: float) -> list[str]:
    """The tasks that have long been due, and that nobody started; some of them may wait for their partner."""
    until = context.clock() - SWEEPS * sweep_seconds
    page = await context.store.find(Task, Query(by="claimable", until=until, limit=AT_ONCE))
    return [task.id for task in page.records]


async def note_received(context: Context) -> None:
    """Notes that the queue delivered a message, for a sweep in another process."""
    flag = await context.store.get(Flag, RECEIVED)
    await put_flag(RECEIVED, "", flag, context)


async def is_silent(context: Context, *, sweep_seconds: float) -> bool:
    """Whether the queue delivered nothing to any process during these sweeps."""
    flag = await context.store.get(Flag, RECEIVED)
    return flag is None or abs(context.clock() - flag.at) >= SWEEPS * sweep_seconds


async def alert_of_silence(begun: int, context: Context) -> str:
    """The id of the task that raises an alert, once an hour."""
    now = context.clock()
    alert = Alert(
        kind=KIND,
        cause=CAUSE,
        title="the queue accepts messages but delivers none",
        detail=f"{begun} tasks were enqueued in {SWEEPS} sweeps, but no message arrived; the sweep starts them itself",
        fix="check the queue of MAILROOM_QUEUE: other consumers, its redrive policy, its event source",
        at=now,
    )
    task = task_for(alert, f"{now // ALERT_EVERY:.0f}", await incident_part(alert, context))
    await context.store.apply(InsertIfAbsent(task))
    await context.enqueue(task.id)
    return task.id
