"""``GET /series``: what became of the documents of each hour or day, for the charts."""

import asyncio
import time
from math import isinf
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from receiver.bootstrap import App
from receiver.core.errors import Malformed
from receiver.core.series import CONFIDENCES, HEARD, STATES, Counts, at_most, by_name
from receiver.http.json_body import json_response
from receiver.http.listing import known_parameters
from receiver.operations.read_series import PERIODS, Bucket, read_series
from receiver.show import moment

SECONDS, SHARE = 15.0, 0.03
"""How long an answer is kept, at least; and the part of the time that making answers may take. Pages ask whenever
something changes, and thousands of documents in an hour take half a second."""
USUAL = "24h"


def routes(app: App) -> list[Route]:
    """The endpoint."""
    kept: dict[str, tuple[float, dict[str, Any]]] = {}
    """Period -> when its answer is made again, by the monotonic clock, and the answer."""
    reading = asyncio.Lock()  # all open pages ask at once when something has changed

    async def series(request: Request) -> Response:
        period = known_parameters(request, ("period",)).get("period") or USUAL
        if period not in PERIODS:
            raise Malformed(f"period is one of {', '.join(PERIODS)}, not {period!r}")
        async with reading:
            began = time.monotonic()
            if period not in kept or began >= kept[period][0]:
                found = shown_series(period, await read_series(period, app.context))
                ended = time.monotonic()
                kept[period] = ended + max(SECONDS, (ended - began) / SHARE), found
            return json_response(kept[period][1])

    return [Route("/series", series)]


def shown_series(period: str, buckets: list[Bucket]) -> dict[str, Any]:
    """The series as JSON."""
    return {"period": period, "step_seconds": PERIODS[period][0], "buckets": list(map(_bucket, buckets))}


def _bucket(item: Bucket) -> dict[str, Any]:
    counts = item.counts
    states = {state: by_name(counts, f"{state}/") for state in STATES}
    heard = by_name(counts, "heard/")
    return {
        "at": moment(item.at),
        "complete": item.complete,
        "counted_at": moment(item.counted_at),
        **{state: found.total() for state, found in states.items()},
        "types": [_type(name, states, counts) for name in sorted(set().union(*states.values(), _judged(counts)))],
        "late": {"documents": by_name(counts, "late/").total(), "p50": _late(counts, 0.5), "p95": _late(counts, 0.95)},
        "heard_by": {name: heard[name] for name in HEARD},
        "partners": _partners(by_name(counts, "delivered/"), by_name(counts, "gave_up/")),
        "queue": item.queue,
    }


def _judged(counts: Counts) -> set[str]:
    return set().union(*(by_name(counts, f"sure/{step}/") for step in range(CONFIDENCES)))


def _type(name: str, states: dict[str, Counts], counts: Counts) -> dict[str, Any]:
    confidence = [counts[f"sure/{step}/{name}"] for step in range(CONFIDENCES)]
    return {"type": name, **{state: found[name] for state, found in states.items()}, "confidence": confidence}


def _late(counts: Counts, share: float) -> float | None:
    """Seconds; -1 for more than can be told."""
    found = at_most(counts, share)
    return -1.0 if found is not None and isinf(found) else found


def _partners(delivered: Counts, gave_up: Counts) -> list[dict[str, Any]]:
    names = sorted(delivered.keys() | gave_up.keys())
    return [{"partner": name, "delivered": delivered[name], "gave_up": gave_up[name]} for name in names]
