"""``GET /calibration``: how often LlamaCloud was right, and what another threshold would have done."""

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from receiver import show
from receiver.bootstrap import App
from receiver.core.calibration import TARGET, CalibrationReport, threshold_of, with_threshold
from receiver.core.change import Query
from receiver.core.errors import Malformed
from receiver.http.json_body import json_response
from receiver.http.listing import known_parameters, moment_of
from receiver.operations.backtest import Move, backtest
from receiver.operations.calibrate import calibrate

READ = 5000
"""Documents that one request reads at most, the newest first."""
SHOWN = 100
"""Moved documents that are listed; all are counted."""
SECONDS = 60.0
"""How long a report is kept: the page asks for it every few seconds."""
Asked = tuple[float | None, float, str]


def routes(app: App) -> list[Route]:
    """The endpoints."""
    api = Calibration(app)
    return [Route("/calibration", api.report), Route("/calibration/backtest", api.backtest)]


class Calibration:
    """The endpoints, over one application."""

    def __init__(self, app: App) -> None:
        self._context = app.context
        self._kept: tuple[float, Asked, CalibrationReport] | None = None
        self._reading = asyncio.Lock()

    async def report(self, request: Request) -> Response:
        """The outcomes of each type that LlamaCloud said, and the thresholds that these suggest."""
        given = known_parameters(request, ("since", "target"))
        since = moment_of(given.get("since"))
        target = _number(request, "target", 0.5) if "target" in given else TARGET
        async with self._reading:
            now, table = self._context.clock(), self._context.config.table
            asked = (since, target, table.version)
            if self._kept is None or self._kept[1] != asked or not 0 <= now - self._kept[0] < SECONDS:
                found = await calibrate(table, self._context.store, target=target, since=since, limit=READ)
                self._kept = (now, asked, found)
            return json_response(show.calibration(self._kept[2]))

    async def backtest(self, request: Request) -> Response:
        """What another ``min_confidence`` of a type would have done with past documents; nothing is written."""
        given = known_parameters(request, ("since", "type", "min_confidence"))
        name, table = given.get("type", ""), self._context.config.table
        if threshold_of(table, name) is None:
            raise Malformed(f"no route takes type {name!r}; known: {', '.join(sorted(table.types))}")
        changed = with_threshold(table, name, _number(request, "min_confidence", 0.0))
        query = Query(by="type", key=name, since=moment_of(given.get("since")), newest_first=True)
        results = backtest(changed, self._context.store, query, now=self._context.clock(), present=table)
        tested, moved, complete, shown = 0, 0, True, []
        async for item in results:
            if tested == READ:
                complete = False
                break
            tested += 1
            if item.plan is not None:
                moved += 1
                shown += [Move(item.document, item.plan).shown()] if moved <= SHOWN else []
        return json_response({"tested": tested, "moved": moved, "documents": shown, "complete": complete})


def _number(request: Request, name: str, least: float) -> float:
    try:
        found = float(request.query_params.get(name, ""))
    except ValueError:
        found = -1.0
    if not least <= found <= 1.0:
        raise Malformed(f"{name} is a number from {least:g} to 1")
    return found
