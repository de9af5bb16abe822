"""The operator's ``/livez``, ``/readyz`` and ``/metrics``. No token, for Prometheus and probes; no secret."""

from collections import Counter
from typing import cast

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from receiver.bootstrap import App
from receiver.core.change import Query
from receiver.core.document import Document
from receiver.core.errors import StoreBusy
from receiver.core.flag import Flag
from receiver.core.incident import Incident
from receiver.core.task import Task, TaskState
from receiver.http.metrics_text import CONTENT_TYPE, Gauges, metrics_text
from receiver.http.readiness import Readiness
from receiver.http.respond import respond
from receiver.metrics import SummingMeter
from receiver.operations.heartbeat import HEARTBEAT, failing_channels

COUNT_LIMIT = 1000
"""Overdue documents, parked tasks and incidents are counted up to here: beyond, the number no longer matters."""


def routes(readiness: Readiness) -> list[Route]:
    """Is it up, and can it keep events."""

    async def livez(request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(request: Request) -> Response:
        if problem := await readiness.problem():
            return respond(problem)
        down = sorted(readiness.down())
        return JSONResponse({"status": "degraded", "down": down} if down else {"status": "ready"})

    return [Route("/livez", livez), Route("/readyz", readyz)]


def metrics_of(app: App, readiness: Readiness) -> list[Route]:
    """How is it doing."""

    async def metrics(request: Request) -> Response:
        meter = cast("SummingMeter", app.context.meter)
        return Response(metrics_text(meter, await _books(app), readiness.down()), media_type=CONTENT_TYPE)

    return [Route("/metrics", metrics)]


async def _books(app: App) -> Gauges | None:
    store, now = app.context.store, app.context.clock()
    try:
        overdue = await store.find(Document, Query(by="overdue", until=now, limit=COUNT_LIMIT))
        parked = await store.find(Task, Query(by="state", key=TaskState.PARKED, limit=COUNT_LIMIT))
        standing = await store.find(Incident, Query(by="standing", limit=COUNT_LIMIT))
        heartbeat = await store.get(Flag, HEARTBEAT)
        return Gauges(
            tally=await store.tally(),
            overdue=len(overdue.records),
            parked=len(parked.records),
            incidents=Counter(str(item.severity) for item in standing.records),
            failing=[item.id for item in await failing_channels(app.context)],
            heartbeat=heartbeat.at if heartbeat else None,
        )
    except StoreBusy:
        return None
