"""``POST /documents``: streams files into the spool. A refused file does not affect the others.

JSON bodies name files and parse jobs that are already at LlamaCloud (vendor_files.py).
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from receiver.bootstrap import App
from receiver.core.errors import DocumentRefused, MailroomError, Malformed, TooLarge
from receiver.http.auth import Endpoint
from receiver.http.multipart import FilePart, Parts
from receiver.http.person import address_of, person_of
from receiver.http.problems import ErrorReply, problem_of
from receiver.http.query_flag import flag_in
from receiver.http.vendor_files import ingested_data, take_in_vendor_files
from receiver.pipeline.ingest import IncomingFile
from receiver.pipeline.ingest_file import ingest_file

IDLE_SECONDS = 30.0
"""Seconds for which a sender may pause in the middle of a file."""
NAME_LIMIT = 255


@dataclass
class UploadResult:
    """The results of one request's files so far."""

    sender: str = ""
    by_sender: bool = False
    """Whether the request named its sender."""
    taken: list[dict[str, Any]] = field(default_factory=list)
    refused: list[dict[str, Any]] = field(default_factory=list)
    stopped: ErrorReply | None = None
    """Why the remaining files were not read."""


def upload(app: App) -> Endpoint:
    """The endpoint that ingests files."""

    async def documents(request: Request) -> Response:
        packet = flag_in(request, "packet")
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json":
            return await take_in_vendor_files(request, app.context, sender=_sender(request), packet=packet)
        outcome = UploadResult(sender=_sender(request), by_sender=bool(request.query_params.get("sender")))
        try:
            async for part in Parts(request, idle_seconds=IDLE_SECONDS):
                await _take(app, part, packet, outcome)
        except MailroomError as error:
            outcome.stopped = problem_of(error)
        return _answer(outcome)

    return documents


def _sender(request: Request) -> str:
    """The sender: the request's ``?sender=``, else who is signed in, else the client's address."""
    named = request.query_params.get("sender", "")[:NAME_LIMIT] or person_of(request).name
    return named or address_of(request)


async def _take(app: App, part: FilePart, packet: bool, outcome: UploadResult) -> None:
    """Ingests one file, or records why it was refused. Raises errors of the whole request (broken body, full disk)."""
    name = part.name[:NAME_LIMIT]
    first = await part.read() or b""
    if not name and not first:
        return  # a browser sends this for an empty file field
    source = bounded(part, app.settings.max_upload, first=first)
    arrival = IncomingFile(
        name=name or "document",
        kind="upload",
        source=source,
        sender=outcome.sender,
        by_sender=outcome.by_sender,
        packet=packet,
    )
    try:
        arrived = await ingest_file(arrival, app.context)
    except TooLarge as error:
        outcome.refused.append({"name": name, "code": error.code, "reason": str(error)})
        return
    for item in arrived.refused:
        outcome.refused.append({"name": item.name, "code": DocumentRefused.code, "reason": item.reason})
    outcome.taken += map(ingested_data, arrived.taken)


async def bounded(part: FilePart, limit: int, *, first: bytes = b"") -> AsyncIterator[bytes]:
    """The file's bytes, after the ``first`` that were read already. Raises TooLarge as soon as there are too many."""
    chunk: bytes | None = first
    size = 0
    while chunk is not None:
        size += len(chunk)
        if size > limit:
            raise TooLarge(f"{part.name[:NAME_LIMIT]} is over {limit} bytes (MAILROOM_MAX_UPLOAD)")
        yield chunk
        chunk = await part.read()


def _answer(outcome: UploadResult) -> Response:
    answer: dict[str, Any] = {"documents": outcome.taken}
    if outcome.refused:
        answer["refused"] = outcome.refused
    problem = outcome.stopped or (None if outcome.taken else _nothing_taken(outcome))
    if problem is None:
        return JSONResponse(answer, 202)
    headers = {name.decode(): value.decode() for name, value in problem.headers}
    error = {"error": {"code": problem.code, "message": problem.message}}
    return JSONResponse(error | answer, problem.status, headers)


def _nothing_taken(outcome: UploadResult) -> ErrorReply:
    if not outcome.refused:
        return problem_of(Malformed("the request has no file"))
    reasons = "; ".join(item["reason"] for item in outcome.refused)
    if all(item["code"] == TooLarge.code for item in outcome.refused):
        return problem_of(TooLarge(reasons))
    return ErrorReply(400, outcome.refused[0]["code"], reasons)
