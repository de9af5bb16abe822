"""Contract mode: where a stateful server would refuse, answer a fixture of the route's shape.

The vendor's own tests send placeholders (an id `job_id`, the URL `webhook_url`, the same delete forty times) and check
only the shape of what comes back. So every route runs as always, and its refusal becomes its example. Batches, which no
job of ours needs, exist in this mode alone.
"""

from typing import Any

from starlette.responses import Response

from llamacloud_sandbox.api import Call, Endpoint, Handler, Json, Routes
from llamacloud_sandbox.refused import Refused

routes = Routes()
FORGIVEN = {400, 404, 409, 422}
BATCHES = "/api/v2/batches"


def lenient(endpoint: Endpoint) -> Handler:
    """The endpoint's handler, answering the endpoint's example instead of a refusal."""

    async def handler(call: Call) -> Response:
        try:
            return await endpoint.handler(call)
        except Refused as refused:
            if refused.status not in FORGIVEN:
                raise
            return fixture(endpoint)

    return handler


def fixture(endpoint: Endpoint) -> Response:
    """The endpoint's example as an answer."""
    return Response(status_code=204) if endpoint.status == 204 else Json(endpoint.example(), endpoint.status)


def example_batch() -> dict[str, Any]:
    """A batch."""
    return {
        "id": "bat-0",
        "project_id": "project",
        "source_directory_id": "dir-0",
        "config": {"job": {"type": "parse_v2", "configuration_id": "cfg-0"}},
        "status": "COMPLETED",
    }


@routes.on("POST", BATCHES, example=example_batch)
@routes.on("GET", BATCHES, example=lambda: {"items": [example_batch()], "next_page_token": None})
@routes.on("GET", BATCHES + "/{batch_id}", example=example_batch)
@routes.on("POST", BATCHES + "/{batch_id}/cancel", example=example_batch)
async def only_a_shape(call: Call) -> Response:
    """Always refused, so that contract mode answers the example."""
    raise Refused(404, "Not Found")
