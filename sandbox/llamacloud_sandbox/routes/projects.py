"""Projects: each key has one of its own, which is all that a credentials check needs."""

import uuid
from typing import Any

from starlette.responses import Response

from llamacloud_sandbox.api import Call, Json, Routes, iso, own_project
from llamacloud_sandbox.queries import ProjectList, ProjectPage
from llamacloud_sandbox.refused import Refused

routes = Routes()
ORGANIZATION_ID = str(uuid.uuid5(uuid.NAMESPACE_OID, "organization of the sandbox"))


def example() -> dict[str, Any]:
    """A project as the API shows it."""
    return {"id": "project", "name": "Default", "organization_id": ORGANIZATION_ID, "is_default": True}


def example_page() -> dict[str, Any]:
    """A page with one project."""
    return {"items": [example()], "next_page_token": None, "total_size": 1}


@routes.on("GET", "/api/v1/projects", example=lambda: [example()], query=ProjectList)
async def list_all(call: Call) -> Response:
    """The key's projects as a bare array."""
    return Json(_projects(call, call.query(ProjectList).project_name))


@routes.on("GET", "/api/v2/projects", example=example_page, query=ProjectPage)
async def list_page(call: Call) -> Response:
    """The key's projects as a page; there is never a second one."""
    found = _projects(call, call.query(ProjectPage).name)
    return Json({"items": found, "next_page_token": None, "total_size": len(found)})


@routes.on("GET", "/api/v1/projects/{project_id}", example=example)
@routes.on("GET", "/api/v2/projects/{project_id}", example=example)
async def get(call: Call) -> Response:
    """One project. Raises Refused (404) for any but the key's own."""
    if call.path("project_id") != own_project(call.key):
        raise Refused(404, f"Project {call.path('project_id')} not found")
    return Json(_own(call))


def _projects(call: Call, name: str | None) -> list[dict[str, Any]]:
    own = _own(call)
    return [own] if name in {None, own["name"]} else []


def _own(call: Call) -> dict[str, Any]:
    since = iso(call.parts.started_at)
    return {**example(), "id": own_project(call.key), "created_at": since, "updated_at": since}
