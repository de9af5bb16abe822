"""Split on both paths: the current one (cancel, delete, webhooks) and the beta one (nested input, none of these)."""

from pathlib import Path
from typing import Any

from starlette.responses import Response

from llamacloud_sandbox.api import Call, Json, Routes, iso, without_nulls
from llamacloud_sandbox.paging import key_of, page
from llamacloud_sandbox.queries import SplitList
from llamacloud_sandbox.records import Job, Status
from llamacloud_sandbox.refused import Refused, invalid
from llamacloud_sandbox.routes.creation import (
    Input,
    configuration_chosen,
    hooks_of,
    input_named,
    job_filter,
    job_found,
    new_job,
)
from llamacloud_sandbox.shapes import BetaSplitCreate, SplitConfiguration, SplitCreate

routes = Routes()
JOBS = "/api/v1/split/jobs"
BETA_JOBS = "/api/v1/beta/split/jobs"
_KINDS = (".pdf", ".doc", ".docx", ".ppt", ".pptx")
_SPELLINGS = {"processing": Status.RUNNING.value}


def example() -> dict[str, Any]:
    """A completed job as the current path shows it."""
    shared = {name: value for name, value in example_beta().items() if name != "document_input"}
    return {
        **shared,
        "document_input_type": "file_id",
        "file_input": "dfl-00000000-0000-0000-0000-000000000000",
        "splitting_strategy": {"allow_uncategorized": "include"},
    }


def example_beta() -> dict[str, Any]:
    """A completed job as the beta path shows it."""
    segment = {"category": "invoice", "pages": [1, 2], "confidence_category": "high"}
    return {
        "id": "spl-00000000-0000-0000-0000-000000000000",
        "categories": [{"name": "invoice", "description": "an invoice"}],
        "document_input": {"type": "file_id", "value": "dfl-00000000-0000-0000-0000-000000000000"},
        "project_id": "project",
        "user_id": "user",
        "status": "completed",
        "result": {"segments": [segment]},
    }


def example_page() -> dict[str, Any]:
    """A page of the current path."""
    return {"items": [example()], "next_page_token": None, "total_size": 1}


def example_beta_page() -> dict[str, Any]:
    """A page of the beta path."""
    return {"items": [example_beta()], "next_page_token": None, "total_size": 1}


def example_deleted() -> dict[str, Any]:
    """What a delete answers."""
    return {"id": example()["id"], "project_id": "project"}


@routes.on("POST", JOBS, status=201, example=example, body=SplitCreate)
async def create(call: Call) -> Response:
    """Create a job; a transaction id that was used before returns its job and starts nothing."""
    call.parts.limits.before_job("split", call.project_id)
    asked = await call.body(SplitCreate)
    if asked.transaction_id:
        known = call.parts.state.job_of_transaction("split", call.project_id, asked.transaction_id)
        if known is not None:
            return Json(shown(known), 201)
    source = input_named(call, asked.file_input, lambda kind, name: _not_here(call, kind, name))
    configuration = configuration_chosen(
        call, asked.configuration, asked.configuration_id, "split_v1", SplitConfiguration
    )
    job = _job(
        call,
        source,
        configuration,
        configuration_id=asked.configuration_id,
        transaction_id=asked.transaction_id,
        hooks=hooks_of(call, asked),
    )
    return Json(shown(job), 201)


@routes.on("POST", BETA_JOBS, status=201, example=example_beta, body=BetaSplitCreate)
async def create_beta(call: Call) -> Response:
    """Create a job from the nested configuration of SDK 2, a saved one, or the flat fields of SDK 1."""
    call.parts.limits.before_job("split", call.project_id)
    asked = await call.body(BetaSplitCreate)
    if asked.document_input.type != "file_id":
        raise Refused(400, "Only file_id document inputs are supported for split jobs.")
    source = input_named(call, asked.document_input.value, lambda kind, name: _not_here(call, kind, name))
    if asked.configuration is None and asked.configuration_id is None and asked.categories is None:
        raise invalid(["body", "configuration"], "Field required", "missing")
    inline = asked.configuration
    if inline is None and asked.categories is not None:
        inline = SplitConfiguration(categories=asked.categories, splitting_strategy=asked.splitting_strategy)
    configuration = configuration_chosen(call, inline, asked.configuration_id, "split_v1", SplitConfiguration)
    return Json(shown_beta(_job(call, source, configuration, configuration_id=asked.configuration_id)), 201)


@routes.on("GET", JOBS, example=example_page, query=SplitList)
async def list_jobs(call: Call) -> Response:
    """One page of jobs, newest first."""
    return Json(_page(call, beta=False))


@routes.on("GET", BETA_JOBS, example=example_beta_page, query=SplitList)
async def list_beta_jobs(call: Call) -> Response:
    """One page of jobs, newest first; both paths show the same jobs."""
    return Json(_page(call, beta=True))


@routes.on("GET", JOBS + "/{job_id}", example=example)
async def get(call: Call) -> Response:
    """One job with its segments."""
    return Json(shown(job_found(call, "split", call.path("job_id"))))


@routes.on("GET", BETA_JOBS + "/{job_id}", example=example_beta)
async def get_beta(call: Call) -> Response:
    """One job with its segments, with the nested input."""
    return Json(shown_beta(job_found(call, "split", call.path("job_id"))))


@routes.on("POST", JOBS + "/{job_id}/cancel", example=example)
async def cancel(call: Call) -> Response:
    """Cancel a job that has not ended; 409 otherwise."""
    return Json(shown(call.parts.jobs.cancel(job_found(call, "split", call.path("job_id")))))


@routes.on("DELETE", JOBS + "/{job_id}", example=example_deleted)
async def delete(call: Call) -> Response:
    """Delete a job that has ended; 409 otherwise."""
    job = job_found(call, "split", call.path("job_id"))
    call.parts.jobs.delete(job)
    return Json({"id": job.id, "project_id": job.project_id})


def shown(job: Job) -> dict[str, Any]:
    """A job as the current path shows it."""
    configuration = job.configuration
    return {
        **_shared(job),
        "document_input_type": job.input_type,
        "file_input": job.input,
        "splitting_strategy": configuration["splitting_strategy"],
        "parse_config_id": configuration.get("parse_config_id"),
        "parse_tier": configuration.get("parse_tier"),
        "target_pages": configuration.get("target_pages"),
        "transaction_id": job.transaction_id,
    }


def shown_beta(job: Job) -> dict[str, Any]:
    """A job as the beta path shows it: the same with a nested input."""
    return {**_shared(job), "document_input": {"type": job.input_type, "value": job.input}}


def status_of(job: Job) -> str:
    """The job's state in the spelling of split."""
    return "processing" if job.status is Status.RUNNING else job.status.value.lower()


def _shared(job: Job) -> dict[str, Any]:
    return {
        "id": job.id,
        "categories": [without_nulls(each) for each in job.configuration["categories"]],
        "project_id": job.project_id,
        "user_id": job.user_id,
        "status": status_of(job),
        "configuration_id": job.configuration_id,
        "error_message": job.error_message,
        "result": job.result if job.status is Status.COMPLETED else None,
        "created_at": iso(job.created_at),
        "updated_at": iso(job.updated_at),
    }


def _job(call: Call, source: Input, configuration: SplitConfiguration, **fields: Any) -> Job:
    _check_input(call, source, configuration)
    settled = configuration.model_dump(mode="json")
    settled["splitting_strategy"] = settled["splitting_strategy"] or {"allow_uncategorized": "include"}
    return call.parts.jobs.create(new_job(call, "split", source, configuration=settled, **fields))


def _check_input(call: Call, source: Input, configuration: SplitConfiguration) -> None:
    """Raises Refused (400, 404) for an input that cannot be split in this way."""
    state = call.parts.state
    file = state.files.get(source.file_id)
    kind = Path(file.name).suffix.lower() if file else ".pdf"
    if kind not in _KINDS:
        raise Refused(400, f"Unsupported file type: {kind or 'none'}")
    if configuration.target_pages is not None:
        parse_job = state.parse_jobs.get(source.given)
        if parse_job is None or not parse_job.completed:
            raise Refused(400, "target_pages requires a completed parse job as file_input.")
    if configuration.parse_config_id is not None and source.kind == "file_id":
        _check_parse_configuration(call, configuration.parse_config_id)


def _check_parse_configuration(call: Call, preset_id: str) -> None:
    preset = call.parts.state.presets.get(preset_id)
    if preset is None or preset.project_id != call.project_id or preset.product_type != "parse_v2":
        raise Refused(404, f"Parse configuration {preset_id} not found")
    ranges = preset.parameters.get("page_ranges") or {}
    if any({**preset.parameters, **ranges}.get(name) for name in ("max_pages", "target_pages")):
        raise Refused(400, f"Parse configuration {preset_id} limits pages and cannot be used for split.")


def _page(call: Call, *, beta: bool) -> dict[str, Any]:
    asked = call.query(SplitList)
    status = None if asked.status is None else _SPELLINGS.get(asked.status, asked.status.upper())
    return page(
        call.parts.state.jobs.newest(key_of(asked.page_token, int)),
        size=asked.page_size,
        token=asked.page_token,
        render=shown_beta if beta else shown,
        where=job_filter(call, "split", asked, status),
    )


def _not_here(call: Call, kind: str, name: str) -> Refused:
    label = "File" if kind == "file_id" else "Parse job"
    return Refused(404, f"{label} {name} not found in project {call.project_id}")
