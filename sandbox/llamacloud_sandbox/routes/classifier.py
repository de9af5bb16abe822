"""Classify v1, unpublished by the vendor and kept alive: many files in a job, and results of their own."""

import uuid
from typing import Any

from starlette.responses import Response

from llamacloud_sandbox.api import Call, Json, Routes, Scope, iso
from llamacloud_sandbox.jobs import group_status
from llamacloud_sandbox.paging import key_of, page
from llamacloud_sandbox.queries import JobList
from llamacloud_sandbox.records import ClassifierJob, Job, Status
from llamacloud_sandbox.refused import Refused
from llamacloud_sandbox.routes.creation import input_named, new_job
from llamacloud_sandbox.shapes import ClassifierCreate, ClassifierParsing

routes = Routes()
JOBS = "/api/v1/classifier/jobs"
_UUID = "182bd5e5-6e1a-4fe4-a799-aa6d9a6ab26e"


def example() -> dict[str, Any]:
    """A job as the API shows it."""
    rule = {"type": "invoice", "description": "an invoice with an amount due"}
    return {"id": _UUID, "project_id": _UUID, "user_id": "user", "status": "SUCCESS", "rules": [rule]}


def example_page() -> dict[str, Any]:
    """A page with one job."""
    return {"items": [example()], "next_page_token": None, "total_size": 1}


def example_results() -> dict[str, Any]:
    """The results of a job: one entry for each file."""
    result = {"type": "invoice", "confidence": 0.9, "reasoning": "names an amount due"}
    item = {"id": _UUID, "classify_job_id": _UUID, "file_id": _UUID, "result": result}
    return {"items": [item], "next_page_token": None, "total_size": 1}


@routes.on("POST", JOBS, example=example, body=ClassifierCreate)
async def create(call: Call) -> Response:
    """Create a job for up to 500 files."""
    call.parts.limits.before_job("classify", call.project_id)
    asked = await call.body(ClassifierCreate)
    sources = [input_named(call, each, lambda _, name: _not_here(call, name)) for each in asked.file_ids]
    group_id = str(uuid.uuid4())
    rules = [rule.model_dump() for rule in asked.rules]
    parsing = _parsing(asked.parsing_configuration or ClassifierParsing.model_validate({}))
    configuration = {"rules": rules, "mode": "FAST", "parsing_configuration": parsing}
    parts = [new_job(call, "classify", source, configuration=configuration, group=group_id) for source in sources]
    group = ClassifierJob(
        id=group_id,
        project_id=call.project_id,
        user_id=call.user_id,
        rules=rules,
        mode=asked.mode,
        parts=tuple(part.id for part in parts),
        created_at=call.parts.clock(),
        hooks=tuple(each.hook() for each in asked.webhook_configurations or ()),
    )
    call.parts.state.classifier_jobs.put(group)
    call.parts.sender.announce(group, "pending")
    for part in parts:
        call.parts.jobs.create(part)
    return Json(_shown(call, group))


@routes.on("GET", JOBS, example=example_page, query=JobList)
async def list_jobs(call: Call) -> Response:
    """One page of jobs, newest first."""
    asked = call.query(JobList)
    return Json(
        page(
            call.parts.state.classifier_jobs.newest(key_of(asked.page_token, int)),
            size=asked.page_size,
            token=asked.page_token,
            render=lambda group: _shown(call, group),
            where=lambda group: group.project_id == call.project_id,
        )
    )


@routes.on("GET", JOBS + "/{job_id}", example=example, query=Scope)
async def get(call: Call) -> Response:
    """One job."""
    return Json(_shown(call, _found(call)))


@routes.on("GET", JOBS + "/{job_id}/results", example=example_results, query=Scope)
async def results(call: Call) -> Response:
    """What was found in each file that has ended."""
    group = _found(call)
    items = [_result(group, part) for part in _parts(call, group) if part.status.terminal]
    return Json({"items": items, "next_page_token": None, "total_size": len(items)})


def _parsing(asked: ClassifierParsing) -> dict[str, Any]:
    """In the words of v2, whose pages count from 1; named pages take the place of the default of five."""
    pages = asked.target_pages
    named = None if pages is None else ",".join(str(number + 1) for number in pages)
    return {"lang": asked.lang, "max_pages": None if named else asked.max_pages, "target_pages": named or None}


def _parts(call: Call, group: ClassifierJob) -> list[Job]:
    return [part for each in group.parts if (part := call.parts.state.jobs.get(each))]


def _shown(call: Call, group: ClassifierJob) -> dict[str, Any]:
    return {
        "id": group.id,
        "project_id": group.project_id,
        "user_id": group.user_id,
        "rules": group.rules,
        "mode": group.mode,
        "status": group_status(_parts(call, group)),
        "created_at": iso(group.created_at),
        "updated_at": iso(max((part.updated_at for part in _parts(call, group)), default=group.created_at)),
    }


def _result(group: ClassifierJob, part: Job) -> dict[str, Any]:
    return {
        "id": part.id,
        "classify_job_id": group.id,
        "file_id": part.file_id,
        "result": part.result if part.status is Status.COMPLETED else None,
    }


def _found(call: Call) -> ClassifierJob:
    group = call.parts.state.classifier_jobs.get(call.path("job_id"))
    if group is None or group.project_id != call.project_id:
        raise Refused(404, "Classify job not found")
    return group


def _not_here(call: Call, name: str) -> Refused:
    return Refused(400, f"File ID {name} is not in Project ID {call.project_id}")
