"""The operator's ``/livez``, ``/readyz`` and ``/metrics``. They need no token, and show no secret."""

from typing import cast

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from receiver.bootstrap import App
from receiver.core.errors import StoreBusy
from receiver.http.metrics_text import CONTENT_TYPE, metrics_text
from receiver.http.readiness import Readiness
from receiver.http.respond import respond
from receiver.metrics import SummingMeter
from receiver.operations.gauges import Gauges, read_gauges


def routes(readiness: Readiness) -> list[Route]:
    """``/livez`` and ``/readyz``: whether the process is up, and whether it can store events."""

    async def livez(request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(request: Request) -> Response:
        if problem := await readiness.problem():
            return respond(problem)
        down = sorted(readiness.down())
        return JSONResponse({"status": "degraded", "down": down} if down else {"status": "ready"})

    return [Route("/livez", livez), Route("/readyz", readyz)]


def metrics_of(app: App, readiness: Readiness) -> list[Route]:
    """``/metrics``."""

    async def metrics(request: Request) -> Response:
        meter = cast("SummingMeter", app.context.meter)
        return Response(metrics_text(meter, await _gauges(app), readiness.down()), media_type=CONTENT_TYPE)

    return [Route("/metrics", metrics)]


async def _gauges(app: App) -> Gauges | None:
    try:
        return await read_gauges(app.context)
    except StoreBusy:
        return None
