"""Takes a multipart upload in: streamed to the disk with flat memory, up to the limit."""

import hashlib
import uuid
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import anyio
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from llamacloud_sandbox.api import Call
from llamacloud_sandbox.options import MEGABYTE
from llamacloud_sandbox.records import File
from llamacloud_sandbox.refused import Refused, invalid

_FORM_OVERHEAD = MEGABYTE  # what a multipart body may be longer than its file


async def uploaded(call: Call, fields: Collection[str], *, purpose_required: bool) -> File:
    """The file in the form's first of these `fields`, now kept. Raises Refused (400, 402, 413, 422, 429)."""
    call.parts.limits.before_upload(call.project_id)
    form = await _form(call)
    try:
        upload = next((form[name] for name in fields if name in form), None)
        if not isinstance(upload, UploadFile):
            raise Refused(400, "file field is required for multipart requests.")
        purpose = form.get("purpose")
        if purpose_required and not isinstance(purpose, str):
            raise invalid(["body", "purpose"], "Field required", "missing")
        external = form.get("external_file_id")
        file = await _kept(call, upload)
    finally:
        await form.close()
    return call.parts.state.files.put(
        replace(
            file,
            purpose=purpose if isinstance(purpose, str) else None,
            external_file_id=external if isinstance(external, str) else None,
        )
    )


async def _form(call: Call) -> FormData:
    most = call.parts.options.max_file_bytes + _FORM_OVERHEAD
    if int(call.request.headers.get("content-length", 0)) > most:
        raise _too_large(call)
    if not call.request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise Refused(400, "file field is required for multipart requests.")
    receive, seen = call.request._receive, 0

    async def counted() -> Any:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > most:
            raise _too_large(call)
        return message

    call.request._receive = counted
    try:
        return await call.request.form(max_files=10, max_fields=20)
    except HTTPException as error:
        raise Refused(400, str(error.detail)) from error
    except ClientDisconnect as error:
        raise Refused(400, "The client went away.") from error


async def _kept(call: Call, upload: UploadFile) -> File:
    if not upload.filename:
        raise Refused(400, "File must have a filename.")
    if not upload.size:
        raise Refused(400, "Uploaded file is empty.")
    if upload.size > call.parts.options.max_file_bytes:
        raise _too_large(call)
    file_id, now = f"dfl-{uuid.uuid4()}", call.parts.clock()
    lifetime = call.parts.options.file_lifetime_seconds
    target = call.parts.state.path(file_id)
    small = upload.size < MEGABYTE  # and therefore still in memory
    sha256 = _copied(upload.file, target) if small else await anyio.to_thread.run_sync(_copied, upload.file, target)
    return File(
        id=file_id,
        project_id=call.project_id,
        name=upload.filename[:3000],
        size=upload.size,
        sha256=sha256,
        created_at=now,
        expires_at=None if lifetime is None else now + lifetime,
    )


def _too_large(call: Call) -> Refused:
    return Refused(413, f"File size exceeds the maximum of {call.parts.options.max_file_bytes // MEGABYTE} MB.")


def _copied(source: IO[bytes], target: Path) -> str:
    digest = hashlib.sha256()
    with target.open("wb") as out:
        while chunk := source.read(MEGABYTE):
            digest.update(chunk)
            out.write(chunk)
    return digest.hexdigest()
