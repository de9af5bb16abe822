"""The operator's API for incidents: list, show, acknowledge and silence them; and the state of the channels."""

import math
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from receiver import show
from receiver.alerting.incident_report import incident_report
from receiver.alerting.incidents import acknowledge, silence
from receiver.bootstrap import App
from receiver.core.alert import Severity
from receiver.core.change import Query
from receiver.core.channel import Channel
from receiver.core.errors import Malformed
from receiver.core.incident import Incident, Status
from receiver.http.json_body import json_response, object_of
from receiver.http.listing import Filter, listing
from receiver.http.person import who_of
from receiver.pipeline.records import every_record
from receiver.ports import Store

INCIDENTS = {
    "status": Filter(lambda item, value: item.status == value, choices=tuple(Status)),
    "severity": Filter(lambda item, value: item.severity == value, choices=tuple(Severity)),
    "kind": Filter(lambda item, value: item.kind == value),
    "all": Filter(lambda _, value: value == "true", choices=("true",)),
}
DOCUMENTS = 500
"""Maximum documents shown with an incident; ``mailroom alerts show`` shows more."""
PAGE, COUNTED = 1000, 10_000
WHO_CHARS = 200


def routes(app: App) -> list[Route]:
    """The endpoints."""
    api = Incidents(app)
    return [
        Route("/alerts", api.incidents),
        Route("/alerts/{key}", api.incident),
        Route("/alerts/{key}/ack", api.ack, methods=["POST"]),
        Route("/alerts/{key}/silence", api.silence, methods=["POST"]),
        Route("/channels", api.channels),
    ]


class Incidents:
    """The endpoints, over one application."""

    def __init__(self, app: App) -> None:
        self._context = app.context

    async def incidents(self, request: Request) -> Response:
        """The active incidents; with ``all=true`` closed ones, too."""
        usually = "all" if request.query_params.get("all") else "standing"
        page = await listing(request, self._context.store, Incident, INCIDENTS, usually=usually)
        return json_response({"alerts": [show.incident(item) for item in page.records], "cursor": page.cursor})

    async def incident(self, request: Request) -> Response:
        """One incident, its documents and jobs, and the notices of each channel."""
        key, channels = request.path_params["key"], [rule.to for rule in self._context.config.alerts]
        return json_response((await incident_report(key, channels, self._context.store, limit=DOCUMENTS)).shown())

    async def ack(self, request: Request) -> Response:
        body = await _fields_of(request, {"who": str})
        who = who_of(request, body.get("who", ""))
        incident = await acknowledge(request.path_params["key"], self._context, who=who)
        return json_response(show.incident(incident))

    async def silence(self, request: Request) -> Response:
        """Silences the incident for this many seconds from now; 0 ends the silence."""
        body = await _fields_of(request, {"who": str, "why": str, "seconds": float})
        seconds = body.get("seconds", -1.0)
        if seconds and not body.get("why"):
            raise Malformed(
                'give the duration and the reason: {"seconds": 7200, "why": "…", "who": "…"}; 0 seconds end the silence'
            )
        who = who_of(request, body.get("who", ""))
        incident = await silence(request.path_params["key"], seconds, body.get("why", ""), self._context, who=who)
        return json_response(show.incident(incident))

    async def channels(self, request: Request) -> Response:
        """Every channel and its state."""
        channels = [await self._context.store.get(Channel, to) or Channel(id=to) for to in self._context.channels]
        return json_response({"channels": [show.channel(item) for item in channels]})


async def count_standing(store: Store) -> int:
    """The number of active incidents, counted up to 10,000."""
    count = 0
    async for _ in every_record(Incident, Query(by="standing", limit=PAGE), store):
        count += 1
        if count == COUNTED:
            break
    return count


async def _fields_of(request: Request, known: dict[str, type]) -> dict[str, Any]:
    """The body's values for these keys. Raises Malformed for any other key."""
    body = await object_of(request)
    for name, value in body.items():
        kind = known.get(name)
        if name == "who":
            continue  # who_of checks it
        if kind is float and isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            continue
        if kind is not str or not isinstance(value, str) or len(value) > WHO_CHARS:
            raise Malformed(f"{name!r}: the body may have {', '.join(sorted(known))}, in {WHO_CHARS} characters each")
    return body
