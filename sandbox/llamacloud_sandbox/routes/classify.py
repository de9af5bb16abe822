"""Classify v2: create, list, get, cancel, delete."""

from typing import Any

from starlette.responses import Response

from llamacloud_sandbox.api import Call, Json, Routes, iso, without_nulls
from llamacloud_sandbox.paging import key_of, page
from llamacloud_sandbox.queries import ClassifyGet, ClassifyList
from llamacloud_sandbox.records import Job, Status
from llamacloud_sandbox.refused import Refused, invalid
from llamacloud_sandbox.routes.creation import (
    configuration_chosen,
    hooks_of,
    input_named,
    job_filter,
    job_found,
    new_job,
)
from llamacloud_sandbox.shapes import ClassifyConfiguration, ClassifyCreate

routes = Routes()


def example() -> dict[str, Any]:
    """A completed job as the API shows it."""
    rule = {"type": "invoice", "description": "an invoice with an amount due"}
    return {
        "id": "cls-00000000-0000-0000-0000-000000000000",
        "configuration": {"rules": [rule], "mode": "FAST"},
        "document_input_type": "file_id",
        "file_input": "dfl-00000000-0000-0000-0000-000000000000",
        "document_input_value": "dfl-00000000-0000-0000-0000-000000000000",
        "project_id": "project",
        "user_id": "user",
        "status": "COMPLETED",
        "result": {"type": "invoice", "confidence": 0.9, "reasoning": "names an amount due"},
    }


def example_page() -> dict[str, Any]:
    """A page with one job."""
    return {"items": [example()], "next_page_token": None, "total_size": 1}


def example_deleted() -> dict[str, Any]:
    """What a delete answers."""
    return {"id": example()["id"], "project_id": "project"}


@routes.on("POST", "/api/v2/classify", example=example, body=ClassifyCreate)
async def create(call: Call) -> Response:
    """Create a job; a transaction id that was used before returns its job and starts nothing."""
    call.parts.limits.before_job("classify", call.project_id)
    asked = await call.body(ClassifyCreate)
    if asked.transaction_id:
        known = call.parts.state.job_of_transaction("classify", call.project_id, asked.transaction_id)
        if known is not None:
            return Json(shown(known))
    given = asked.file_input or asked.file_id or asked.parse_job_id
    if not given:
        raise invalid(["body", "file_input"], "Field required", "missing")
    source = input_named(call, given, lambda kind, name: _not_here(call, kind, name))
    configuration = configuration_chosen(
        call, asked.configuration, asked.configuration_id, "classify_v2", ClassifyConfiguration
    )
    job = new_job(
        call,
        "classify",
        source,
        configuration=configuration.model_dump(mode="json"),
        configuration_id=asked.configuration_id,
        transaction_id=asked.transaction_id,
        hooks=hooks_of(call, asked),
    )
    return Json(shown(call.parts.jobs.create(job)))


@routes.on("GET", "/api/v2/classify", example=example_page, query=ClassifyList)
async def list_jobs(call: Call) -> Response:
    """One page of jobs, newest first."""
    asked = call.query(ClassifyList)
    wanted = job_filter(call, "classify", asked, asked.status)
    preset = asked.configuration_id
    keyed = call.parts.state.jobs.newest(key_of(asked.page_token, int))
    return Json(
        page(
            keyed,
            size=asked.page_size,
            token=asked.page_token,
            render=shown,
            where=lambda job: wanted(job) and preset in {None, job.configuration_id},
        )
    )


@routes.on("GET", "/api/v2/classify/{job_id}", example=example, query=ClassifyGet)
async def get(call: Call) -> Response:
    """One job, with its usage when `expand=usage`."""
    asked = call.query(ClassifyGet)
    return Json(shown(job_found(call, "classify", call.path("job_id")), usage="usage" in (asked.expand or ())))


@routes.on("POST", "/api/v2/classify/{job_id}/cancel", example=example)
async def cancel(call: Call) -> Response:
    """Cancel a job that has not ended; 409 otherwise."""
    return Json(shown(call.parts.jobs.cancel(job_found(call, "classify", call.path("job_id")))))


@routes.on("DELETE", "/api/v2/classify/{job_id}", example=example_deleted)
async def delete(call: Call) -> Response:
    """Delete a job that has ended; 409 otherwise."""
    job = job_found(call, "classify", call.path("job_id"))
    call.parts.jobs.delete(job)
    return Json({"id": job.id, "project_id": job.project_id})


def shown(job: Job, *, usage: bool = False) -> dict[str, Any]:
    """A job as the API shows it; `document_input_value` is the name that SDK 1.6 and 2.0 know `file_input` by."""
    answer = {
        "id": job.id,
        "configuration": without_nulls(job.configuration),
        "configuration_id": job.configuration_id,
        "document_input_type": job.input_type,
        "file_input": job.input,
        "document_input_value": job.input,
        "project_id": job.project_id,
        "user_id": job.user_id,
        "status": job.status.value,
        "parse_job_id": job.parse_job_id,
        "transaction_id": job.transaction_id,
        "error_message": job.error_message,
        "result": job.result if job.status is Status.COMPLETED else None,
        "created_at": iso(job.created_at),
        "updated_at": iso(job.updated_at),
    }
    if usage:
        answer["usage"] = {"credits": job.credits, "parse_credits": job.parse_credits}
    return answer


def _not_here(call: Call, kind: str, name: str) -> Refused:
    label = "File" if kind == "file_id" else "Parse Job"
    return Refused(400, f"{label} ID {name} is not in Project ID {call.project_id}")
