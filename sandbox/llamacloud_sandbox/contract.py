"""Contract mode: where a stateful server would refuse, answer a fixture of the route's shape.

The vendor's own tests send placeholders (an id `job_id`, the URL `webhook_url`, the same delete forty times) and check
only the shape of what comes back. So every route runs as always, and its refusal becomes its example. Two resources
that only old or unrelated SDK parts use exist in this mode alone: classifier v1 and batches.
"""

from typing import Any

from starlette.responses import Response

from llamacloud_sandbox.api import Call, Endpoint, Handler, Json, Routes
from llamacloud_sandbox.refused import Refused

routes = Routes()
FORGIVEN = {400, 404, 409, 422}
CLASSIFIER = "/api/v1/classifier/jobs"
BATCHES = "/api/v2/batches"
_UUID = "182bd5e5-6e1a-4fe4-a799-aa6d9a6ab26e"


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


def example_classifier_job() -> dict[str, Any]:
    """A job of the classifier before v2."""
    rule = {"type": "invoice", "description": "an invoice with an amount due"}
    return {"id": _UUID, "project_id": _UUID, "user_id": "user", "status": "SUCCESS", "rules": [rule]}


def example_classifier_results() -> dict[str, Any]:
    """The results of such a job: one entry per file."""
    result = {"type": "invoice", "confidence": 0.9, "reasoning": "names an amount due"}
    item = {"id": _UUID, "classify_job_id": _UUID, "file_id": _UUID, "result": result}
    return {"items": [item], "next_page_token": None, "total_size": 1}


def example_batch() -> dict[str, Any]:
    """A batch."""
    return {
        "id": "bat-0",
        "project_id": "project",
        "source_directory_id": "dir-0",
        "config": {"job": {"type": "parse_v2", "configuration_id": "cfg-0"}},
        "status": "COMPLETED",
    }


@routes.on("POST", CLASSIFIER, example=example_classifier_job)
@routes.on("GET", CLASSIFIER, example=lambda: {"items": [example_classifier_job()], "next_page_token": None})
@routes.on("GET", CLASSIFIER + "/{job_id}", example=example_classifier_job)
@routes.on("GET", CLASSIFIER + "/{job_id}/results", example=example_classifier_results)
@routes.on("POST", BATCHES, example=example_batch)
@routes.on("GET", BATCHES, example=lambda: {"items": [example_batch()], "next_page_token": None})
@routes.on("GET", BATCHES + "/{batch_id}", example=example_batch)
@routes.on("POST", BATCHES + "/{batch_id}/cancel", example=example_batch)
async def only_a_shape(call: Call) -> Response:
    """Always refused, so that contract mode answers the example."""
    raise Refused(404, "Not Found")
