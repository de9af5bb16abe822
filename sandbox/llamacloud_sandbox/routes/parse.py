"""As much of Parse as other jobs need: a parse job for a file, and the job with a link to the PDF that it has of it.

Source: the vendor's guide of its parse API. Nothing is parsed here: a job is completed at once, its PDF is the file.
"""

import uuid
from typing import Any

from pydantic import BaseModel, Field
from starlette.responses import Response

from llamacloud_sandbox.api import Call, Json, Routes, Scope, iso
from llamacloud_sandbox.records import ParseJob
from llamacloud_sandbox.refused import Refused
from llamacloud_sandbox.routes.files import found, presigned_link

routes = Routes()
OUTPUT_PDF = "output_pdf_content_metadata"


class ParseCreate(BaseModel):
    """A parse job to create, as far as it matters here; what else is given is ignored."""

    file_id: str = Field(max_length=200)


class ParseGet(Scope):
    """Query of one parse job."""

    expand: list[str] | None = None


def example() -> dict[str, Any]:
    """A parse job as its creation answers it."""
    return {"id": "pjb-00000000-0000-0000-0000-000000000000", "project_id": "project", "status": "COMPLETED"}


@routes.on("POST", "/api/v2/parse", example=example, body=ParseCreate)
async def create(call: Call) -> Response:
    """Parse a file."""
    asked = await call.body(ParseCreate)
    file = found(call, asked.file_id)
    made = ParseJob(
        id=f"pjb-{uuid.uuid4()}",
        project_id=call.project_id,
        file_id=file.id,
        created_at=call.parts.clock(),
        completed=True,
    )
    return Json(_shown(call, call.parts.state.parse_jobs.put(made)))


@routes.on("GET", "/api/v2/parse/{job_id}", example=lambda: {"job": example()}, query=ParseGet)
async def get(call: Call) -> Response:
    """One parse job, with a link to its PDF when that is asked for and its source is still there."""
    asked = call.query(ParseGet)
    job = call.parts.state.parse_jobs.get(call.path("job_id"))
    if job is None or job.project_id != call.project_id:
        raise Refused(404, f"Parse job {call.path('job_id')} not found")
    answer: dict[str, Any] = {"job": _shown(call, job)}
    if OUTPUT_PDF in (asked.expand or ()):
        answer["result_content_metadata"] = {"outputPDF": _pdf(call, job)}
    return Json(answer)


def _shown(call: Call, job: ParseJob) -> dict[str, Any]:
    file = call.parts.state.files.get(job.file_id)
    return {
        "id": job.id,
        "project_id": job.project_id,
        "status": "COMPLETED" if job.completed else "RUNNING",
        "name": file.name if file else None,
        "created_at": iso(job.created_at),
    }


def _pdf(call: Call, job: ParseJob) -> dict[str, Any]:
    path, file = call.parts.state.path(job.file_id), call.parts.state.files.get(job.file_id)
    there = file is not None and path.exists() and (file.expires_at is None or file.expires_at > call.parts.clock())
    link = presigned_link(call, file)["url"] if there and file else None
    return {"exists": there, "size_bytes": path.stat().st_size if there else 0, "presigned_url": link}
