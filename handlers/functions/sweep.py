"""Every minute: takes over tasks, recovers lost events, enqueues what is due, applies retention, counts."""

import contextlib
import logging
import os
import time
from typing import Any

from handlers.functions.application import build, close, meter_of
from handlers.functions.direct import VARIABLE, Direct
from handlers.functions.warm import LambdaContext, Warm
from receiver.background import count_attempt, log_sweep, report_tidied
from receiver.bootstrap import App
from receiver.core.errors import CloudBusy, StoreBusy
from receiver.log import log_line
from receiver.operations.future_dates import FutureDates
from receiver.operations.gauges import read_gauges
from receiver.operations.lease_takeover import ExpiredLeases
from receiver.operations.receiving_gap import ReceivingGap
from receiver.operations.retention import apply_retention_steadily
from receiver.operations.stalled_queue import alert_of_silence, is_silent, overlooked
from receiver.operations.sweep import sweep
from receiver.pipeline.context import Context
from receiver.refused_change import SECRETS

log = logging.getLogger("mailroom.function")
WARM = Warm(build, close)
SWEEP_SECONDS = 60.0
"""Seconds between two passes (serverless.yml, sweepEvery)."""
TAKEOVER, AHEAD = ExpiredLeases(clock=time.time), FutureDates(clock=time.time)
MISSED = ReceivingGap(longest_pause=3 * SWEEP_SECONDS, clock=time.time)
"""What earlier sweeps of this instance saw. It uses the wall clock, because a monotonic one may stop while the instance
is frozen between invocations."""
STATES = ("routed", "review", "failed", "open", "withdrawn")


def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """One pass."""
    app = WARM.built()
    if WARM.refused:
        WARM.run(SECRETS.alert(WARM.refused, app.context))
    else:
        WARM.run(SECRETS.clear(app.context))
    try:
        totals = WARM.run(one_pass(app))
    except StoreBusy:
        MISSED.interrupted()
        raise
    WARM.publish(meter_of(app), totals)


async def one_pass(app: App) -> dict[str, float]:
    """Sweeps; returns the totals as metrics, with the names of ``/metrics``."""
    for done in await TAKEOVER.take_over(app.context):
        count_attempt(done, meter_of(app))
    await AHEAD.bring_back(app.context)
    result = await sweep(app.context)
    log_sweep(result)
    await recover(app.context, Direct(os.environ.get(VARIABLE, "")))
    report_tidied(await apply_retention_steadily(app.context, every_seconds=SWEEP_SECONDS))
    with contextlib.suppress(CloudBusy):  # the next pass asks again
        await MISSED.check(app.context)
    now = await read_gauges(app.context)
    return {
        "mailroom_documents_received": now.tally.ever,
        **{f"mailroom_documents_{state}": getattr(now.tally, state) for state in STATES},
        "mailroom_balanced": float(now.tally.balanced),
        "mailroom_documents_overdue": now.overdue,
        "mailroom_tasks_parked": now.parked,
        "mailroom_incidents_active": sum(now.incidents.values()),
        "mailroom_channels_failing": len(now.failing),
        "mailroom_heartbeat": 0.0 if result.heartbeat_withheld else 1.0,
    }


async def recover(context: Context, direct: Direct) -> None:
    """Starts the tasks that a silent queue does not deliver, and the alert about it."""
    found = await overlooked(context, sweep_seconds=SWEEP_SECONDS)
    if found and await is_silent(context, sweep_seconds=SWEEP_SECONDS):
        log_line(log, logging.WARNING, "queue.silent", tasks=len(found))
        await direct.begin([await alert_of_silence(len(found), context), *found])
