"""What LlamaCloud does not have: faults at run time, what was sent and what came back, counters, a fresh start.

These routes take no key and lie under `/_sandbox`, outside of the API description.
"""

import json
from collections import Counter
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from llamacloud_sandbox.api import Json
from llamacloud_sandbox.faults import KINDS, known
from llamacloud_sandbox.parts import Parts
from llamacloud_sandbox.refused import Refused


def switchboard(parts: Parts) -> list[BaseRoute]:
    """The routes under `/_sandbox`."""

    async def faults(request: Request) -> Response:
        if request.method == "PUT":
            try:
                parts.faults.set(known(json.loads(await request.body())))
            except (ValueError, AttributeError, TypeError, RecursionError) as error:
                raise Refused(422, f"faults: {error}") from error
        meanings = {name: meaning for name, (meaning, _) in KINDS.items()}
        return Json({"faults": parts.faults.shown(), "kinds": meanings})

    async def reset(_: Request) -> Response:
        parts.reset()
        return Response(status_code=204)

    async def deliveries(request: Request) -> Response:
        return Json({"deliveries": _deliveries(parts, request), "counts": parts.sender.counts})

    async def stats(_: Request) -> Response:
        return Json(_stats(parts))

    return [
        Route("/_sandbox/faults", faults, methods=["GET", "PUT"]),
        Route("/_sandbox/reset", reset, methods=["POST"]),
        Route("/_sandbox/deliveries", deliveries),
        Route("/_sandbox/stats", stats),
    ]


def _deliveries(parts: Parts, request: Request) -> list[dict[str, Any]]:
    """Oldest first; narrowed by `job_id`, `event_type` and `event_id`."""
    asked = {name: request.query_params.get(name) for name in ("job_id", "event_type", "event_id")}
    return [
        each.shown()
        for each in parts.sender.deliveries
        if all(value in {None, getattr(each, name)} for name, value in asked.items())
    ]


def _stats(parts: Parts) -> dict[str, Any]:
    jobs = Counter(f"{job.product}.{job.status.value.lower()}" for job in parts.state.jobs.oldest())
    return {
        "seconds_up": round(parts.clock() - parts.started_at, 3),
        "files": len(parts.state.files),
        "jobs": dict(jobs),
        "credits_used": parts.limits.credits_used,
        "deliveries": parts.sender.counts,
        "requests": dict(parts.requests),
    }
