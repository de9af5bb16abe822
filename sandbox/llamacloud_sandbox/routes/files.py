"""Files: upload (the SDK's path and the older one), list, query, metadata, presigned link and its target, delete."""

import hashlib
import hmac
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Any

from starlette.responses import FileResponse, Response

from llamacloud_sandbox.api import Call, Json, Routes, iso
from llamacloud_sandbox.jobs import GONE
from llamacloud_sandbox.paging import key_of, page
from llamacloud_sandbox.queries import FileContent, FileGet, FileList
from llamacloud_sandbox.records import File
from llamacloud_sandbox.refused import Refused, invalid
from llamacloud_sandbox.routes.upload import uploaded
from llamacloud_sandbox.shapes import FileFilter, FileQuery
from llamacloud_sandbox.state import State

routes = Routes()
LINK_SECONDS = 3600  # a guess: the vendor publishes no default lifetime
_EXAMPLE = {"id": "dfl-00000000-0000-0000-0000-000000000000", "name": "letter.pdf", "project_id": "project"}


def example() -> dict[str, Any]:
    """A file as the API shows it."""
    return {**_EXAMPLE, "file_type": "pdf", "purpose": "classify", "external_file_id": None, "expires_at": None}


def example_page() -> dict[str, Any]:
    """A page with one file."""
    return {"items": [example()], "next_page_token": None, "total_size": 1}


def example_link() -> dict[str, Any]:
    """A presigned link."""
    return {"url": "http://127.0.0.1/content", "expires_at": "2026-01-01T00:00:00Z", "form_fields": None}


@routes.on("POST", "/api/v1/beta/files", status=201, example=example, multipart=("file", "purpose", "external_file_id"))
async def create(call: Call) -> Response:
    """Upload a file, as the SDK does."""
    file = await uploaded(call, ("file",), purpose_required=True)
    return Json(shown(file), 201)


@routes.on("POST", "/api/v1/files", example=example, multipart=("upload_file", "external_file_id"))
@routes.on("POST", "/api/v1/files/", example=example, multipart=("upload_file", "external_file_id"))
async def create_legacy(call: Call) -> Response:
    """Upload a file on the older path; the field is `upload_file` or `file`."""
    file = await uploaded(call, ("upload_file", "file"), purpose_required=False)
    created = iso(file.created_at)
    legacy = {"created_at": created, "updated_at": created, "file_size": file.size}
    return Json({**shown(file), **legacy, "data_source_id": None, "resource_info": None, "permission_info": None})


@routes.on("GET", "/api/v1/beta/files", example=example_page, query=FileList)
async def list_files(call: Call) -> Response:
    """One page of files, by `created_at` (newest first) unless ordered otherwise."""
    asked = call.query(FileList)
    wanted = _wanted(call.project_id, asked.file_ids, asked.file_name, asked.external_file_id)
    order = [] if asked.order_by in {None, "created_at"} else [(str(asked.order_by), False)]
    return Json(_page(call, order, asked.page_size, asked.page_token, wanted, asked.expand or ()))


@routes.on("POST", "/api/v1/beta/files/query", example=example_page, body=FileQuery)
async def query(call: Call) -> Response:
    """The deprecated query: the same page, asked for in a body."""
    asked = await call.body(FileQuery)
    find = asked.filter or FileFilter()
    wanted = _wanted(find.project_id or call.project_id, find.file_ids, find.file_name, find.external_file_id)
    if find.data_source_id is not None:
        wanted = _from_a_data_source
    size = min(asked.page_size or 50, 1000)
    return Json(_page(call, _order(asked.order_by), size, asked.page_token, wanted, ()))


@routes.on("GET", "/api/v1/beta/files/{file_id}", example=example, query=FileGet)
async def retrieve(call: Call) -> Response:
    """A file's metadata, with a link when `expand=download_url`."""
    asked = call.query(FileGet)
    return Json(_expanded(call, found(call, call.path("file_id")), asked.expand or ()))


@routes.on("GET", "/api/v1/files/{file_id}/content", example=example_link, query=FileContent)
@routes.on("GET", "/api/v1/beta/files/{file_id}/content", example=example_link, query=FileContent)
async def content(call: Call) -> Response:
    """A presigned link to the bytes, not the bytes."""
    asked = call.query(FileContent)
    file = found(call, call.path("file_id"))
    if not call.parts.state.path(file.id).exists():
        raise Refused(404, GONE)
    return Json(_link(call, file, asked.expires_at_seconds or LINK_SECONDS))


@routes.on("DELETE", "/api/v1/beta/files/{file_id}", status=204)
async def delete(call: Call) -> Response:
    """Delete the file and its bytes."""
    file = found(call, call.path("file_id"))
    call.parts.state.files.remove(file.id)
    call.parts.state.path(file.id).unlink(missing_ok=True)
    return Response(status_code=204)


def download(call: Call) -> Response:
    """The bytes behind a presigned link: no key, but the link's own signature and time. Raises Refused (403, 404)."""
    file_id, given = call.path("file_id"), call.request.query_params
    expires = given.get("expires", "")
    right = _signed(call.parts.link_secret, file_id, expires)
    if not hmac.compare_digest(right.encode(), given.get("signature", "").encode()):
        raise Refused(403, "Signature does not match")
    if call.parts.clock() > int(expires):
        raise Refused(403, "Link has expired")
    file, path = call.parts.state.files.get(file_id), call.parts.state.path(file_id)
    if file is None or not path.exists():
        raise Refused(404, GONE)
    return FileResponse(path, filename=file.name, media_type="application/octet-stream")


def shown(file: File) -> dict[str, Any]:
    """A file as the API shows it."""
    kind = Path(file.name).suffix.lstrip(".").lower()
    return {
        "id": file.id,
        "name": file.name,
        "project_id": file.project_id,
        "file_type": kind or None,
        "purpose": file.purpose,
        "external_file_id": file.external_file_id,
        "expires_at": iso(file.expires_at),
        "last_modified_at": iso(file.created_at),
        "download_url": None,
    }


def found(call: Call, file_id: str) -> File:
    """The file of that id in the call's project. Raises Refused (404)."""
    file = available(call, file_id)
    if file is None or file.project_id != call.project_id:
        raise Refused(404, f"File {file_id} not found in project {call.project_id}")
    return file


def available(call: Call, file_id: str) -> File | None:
    """The file of that id in any project, unless it has expired."""
    file = call.parts.state.files.get(file_id)
    if file is not None and file.expires_at is not None and file.expires_at <= call.parts.clock():
        return None
    return file


def presigned_link(call: Call, file: File) -> dict[str, Any]:
    """A link to its bytes that lasts as long as usual."""
    return _link(call, file, LINK_SECONDS)


def _wanted(
    project_id: str, file_ids: list[str] | None, file_name: str | None, external_file_id: str | None
) -> Callable[[File], bool]:
    def wanted(file: File) -> bool:
        return (
            file.project_id == project_id
            and (file_ids is None or file.id in file_ids)
            and file_name in {None, file.name}
            and external_file_id in {None, file.external_file_id}
        )

    return wanted


def _from_a_data_source(_: File) -> bool:
    """Every file here was uploaded; the sandbox has no data sources."""
    return False


def _order(text: str | None) -> list[tuple[str, bool]]:
    """`"name desc, id"` as [(field, descending)]. Raises Refused (422)."""
    order = []
    for part in (text or "").split(",") if text else ():
        field, _, direction = part.strip().partition(" ")
        if field not in {"name", "id", "created_at"} or direction.strip().lower() not in {"", "asc", "desc"}:
            raise invalid(["body", "order_by"], f"cannot order by {part!r}")
        order.append((field, direction.strip().lower() == "desc"))
    return order


def _page(
    call: Call,
    order: list[tuple[str, bool]],
    size: int,
    token: str | None,
    wanted: Callable[[File], bool],
    expand: Collection[str],
) -> dict[str, Any]:
    start = key_of(token, int)
    now = call.parts.clock()
    keyed: Iterable[tuple[int, File]]
    if order:
        keyed = list(enumerate(_sorted(call.parts.state, order)))[0 if start is None else start + 1 :]
    else:
        keyed = call.parts.state.files.newest(start)

    def where(file: File) -> bool:
        return wanted(file) and (file.expires_at is None or file.expires_at > now)

    return page(keyed, size=size, token=token, render=lambda file: _expanded(call, file, expand), where=where)


def _sorted(state: State, order: list[tuple[str, bool]]) -> list[File]:
    files = state.files.oldest()
    for field, descending in reversed(order):
        files.sort(key=lambda file: getattr(file, field), reverse=descending)
    return files


def _expanded(call: Call, file: File, expand: Collection[str]) -> dict[str, Any]:
    link = _link(call, file, LINK_SECONDS) if "download_url" in expand else None
    return {**shown(file), "download_url": link}


def _link(call: Call, file: File, seconds: int) -> dict[str, Any]:
    expires = int(call.parts.clock()) + seconds
    signature = _signed(call.parts.link_secret, file.id, str(expires))
    base = (call.parts.options.public_url or str(call.request.base_url)).rstrip("/")
    url = f"{base}/content/{file.id}?expires={expires}&signature={signature}"
    return {"url": url, "expires_at": iso(expires), "form_fields": None}


def _signed(secret: str, file_id: str, expires: str) -> str:
    return hmac.new(secret.encode(), f"{file_id}:{expires}".encode(), hashlib.sha256).hexdigest()
