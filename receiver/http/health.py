"""Is it up, can it keep events, and how is it doing: ``/livez``, ``/readyz``, ``/metrics``. No token, no secret."""

from typing import cast

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from receiver.bootstrap import App
from receiver.core.change import Query
from receiver.core.document import Document
from receiver.core.errors import StoreBusy
from receiver.core.task import Task, TaskState
from receiver.http.metrics_text import CONTENT_TYPE, Books, render
from receiver.metrics import Meter

COUNT_LIMIT = 1000
"""Overdue documents and parked tasks are counted up to here: beyond, the number no longer matters."""


def routes(app: App) -> list[Route]:
    """The health endpoints of this application."""

    async def livez(request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(request: Request) -> Response:
        await app.tools.store.ready()
        return JSONResponse({"status": "ready"})

    async def metrics(request: Request) -> Response:
        meter = cast("Meter", app.tools.meter)
        return Response(render(meter, await _books(app)), media_type=CONTENT_TYPE)

    return [Route("/livez", livez), Route("/readyz", readyz), Route("/metrics", metrics)]


async def _books(app: App) -> Books | None:
    store, now = app.tools.store, app.tools.clock()
    try:
        overdue = await store.find(Document, Query(by="overdue", until=now, limit=COUNT_LIMIT))
        parked = await store.find(Task, Query(by="state", key=TaskState.PARKED, limit=COUNT_LIMIT))
        return Books(tally=await store.tally(), overdue=len(overdue.records), parked=len(parked.records))
    except StoreBusy:
        return None
