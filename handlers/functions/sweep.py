"""Every minute: takes tasks from dead workers, finds lost events, rings for what is due, forgets, counts the books."""

import contextlib
import logging
import os
import time
from typing import Any

from handlers.functions.application import build, close, meter_of
from handlers.functions.direct import VARIABLE, Direct
from handlers.functions.warm import Context, Warm
from receiver.bootstrap import App
from receiver.core.change import Query
from receiver.core.document import Document
from receiver.core.errors import CloudBusy, StoreBusy
from receiver.core.incident import Incident
from receiver.core.task import Task, TaskState
from receiver.flow.ahead import Ahead
from receiver.flow.heartbeat import failing_channels
from receiver.flow.missed import Missed
from receiver.flow.recover import is_silent, overlooked, tell_of_silence
from receiver.flow.retention import tidy_in_pace
from receiver.flow.sweep import sweep
from receiver.flow.takeover import Takeover
from receiver.flow.tools import Tools
from receiver.log import line
from receiver.refused import SECRETS
from receiver.rounds import report, report_swept, report_tidied

log = logging.getLogger("mailroom.function")
WARM = Warm(build, close)
SWEEP_SECONDS = 60.0
"""Between two passes (serverless.yml, sweepEvery)."""
TAKEOVER, AHEAD = Takeover(clock=time.time), Ahead(clock=time.time)
MISSED = Missed(longest_pause=3 * SWEEP_SECONDS, clock=time.time)
"""What the looks of this instance saw. Between invocations it is frozen, and a monotonic clock may stand still."""
STATES = ("routed", "review", "failed", "open", "withdrawn")
COUNT_LIMIT = 1000
"""Overdue documents, parked tasks and incidents are counted up to here: beyond, the number no longer matters."""


def handler(event: dict[str, Any], context: Context) -> None:
    """One pass."""
    app = WARM.built()
    if WARM.refused:
        WARM.run(SECRETS.tell(WARM.refused, app.tools))
    else:
        WARM.run(SECRETS.clear(app.tools))
    try:
        books = WARM.run(one_pass(app))
    except StoreBusy:
        MISSED.interrupted()
        raise
    WARM.publish(meter_of(app), books)


async def one_pass(app: App) -> dict[str, float]:
    """Sweeps; the books as metrics, under the names that ``/metrics`` has."""
    for done in await TAKEOVER.look(app.tools):
        report(done, meter_of(app))
    await AHEAD.bring_back(app.tools)
    swept = await sweep(app.tools)
    report_swept(swept)
    await recover(app.tools, Direct(os.environ.get(VARIABLE, "")))
    report_tidied(await tidy_in_pace(app.tools, every_seconds=SWEEP_SECONDS))
    with contextlib.suppress(CloudBusy):  # the next pass asks again
        await MISSED.look(app.tools)
    store = app.tools.store
    tally = await store.tally()
    overdue = await store.find(Document, Query(by="overdue", until=app.tools.clock(), limit=COUNT_LIMIT))
    parked = await store.find(Task, Query(by="state", key=TaskState.PARKED, limit=COUNT_LIMIT))
    standing = await store.find(Incident, Query(by="standing", limit=COUNT_LIMIT))
    return {
        "mailroom_taken_in": tally.ever,
        **{f"mailroom_documents_{state}": getattr(tally, state) for state in STATES},
        "mailroom_balanced": float(tally.balanced),
        "mailroom_documents_overdue": len(overdue.records),
        "mailroom_tasks_parked": len(parked.records),
        "mailroom_incidents_standing": len(standing.records),
        "mailroom_channels_failing": len(await failing_channels(app.tools)),
        "mailroom_heartbeat": 0.0 if swept.mute else 1.0,
    }


async def recover(tools: Tools, direct: Direct) -> None:
    """Has the tasks begun that a silent queue does not bring, and the one that tells of it."""
    found = await overlooked(tools, sweep_seconds=SWEEP_SECONDS)
    if found and await is_silent(tools, sweep_seconds=SWEEP_SECONDS):
        line(log, logging.WARNING, "queue.silent", tasks=len(found))
        await direct.begin([await tell_of_silence(len(found), tools), *found])
