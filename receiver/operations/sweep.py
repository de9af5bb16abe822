"""Sweep: recovers missed webhooks, and re-enqueues due tasks.

LlamaCloud sends an event up to three times within seconds and never again. So every job has a deadline; past it
the sweep asks about it (missed_webhooks.py) and continues as if the event had come. Due tasks are enqueued again.
receiver/background.py runs it, on AWS handlers/functions/sweep.py; both also take over expired leases and apply
retention.
"""

from dataclasses import dataclass

from receiver.alerting.convert_alerts import convert
from receiver.alerting.rates import note_ingested
from receiver.alerting.wake_channels import wake_channels
from receiver.core.change import Query
from receiver.core.task import Task
from receiver.operations.close_incidents import assess
from receiver.operations.heartbeat import beat
from receiver.operations.hour_counts import count_hours
from receiver.operations.missed_webhooks import ask_overdue
from receiver.operations.monitor import monitor
from receiver.pipeline.context import Context


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepResult:
    """The result of one pass."""

    enqueued: int
    overdue: int
    """Jobs past their deadline that were asked about."""
    finished: int
    """Of these, jobs whose event never came."""
    over: int = 0
    """Incidents that this pass found to be over."""
    heartbeat_withheld: str = ""
    """Why no heartbeat was sent, or accepted; "" when it was."""


async def sweep(context: Context, *, limit: int = 1000) -> SweepResult:
    """One pass."""
    now = context.clock()
    enqueued = await _enqueue_due(context, now, limit)
    over = await _alerting(context)
    withheld = await beat(context)
    await count_hours(context)
    jobs = await ask_overdue(context)  # last, because everything else must also work while LlamaCloud is down
    return SweepResult(
        enqueued=enqueued, overdue=jobs.asked, finished=jobs.finished, over=over, heartbeat_withheld=withheld
    )


async def _alerting(context: Context) -> int:
    """Raises alerts, closes incidents that are over, and wakes channels that are due. Returns how many it closed."""
    await convert(context)
    tally = await context.store.tally()
    await note_ingested(tally.received, context)
    over = await assess(context, await monitor(tally, context))
    await wake_channels(context)
    return over


async def _enqueue_due(context: Context, now: float, limit: int) -> int:
    page = await context.store.find(Task, Query(by="claimable", until=now, limit=limit))
    if page.records:
        await context.enqueue(*(task.id for task in page.records))
    return len(page.records)
