"""The operator's API to correct a document, undo a correction, or resubmit, replace and dismiss a failed one."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import anyio
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from receiver import show
from receiver.bootstrap import App
from receiver.core.decision import WHY_LIMIT
from receiver.core.document import Document, DocumentState
from receiver.core.errors import DocumentRefused, FileGone, Malformed, NotAllowed, Uncuttable
from receiver.core.object_key import safe_name
from receiver.core.price import price_of
from receiver.http import bulk_mending
from receiver.http.json_body import json_response, object_of, version_of
from receiver.http.listing import known_parameters, moment_of
from receiver.http.multipart import FilePart, Parts
from receiver.http.person import who_of
from receiver.http.query_flag import flag_in
from receiver.http.uploads import IDLE_SECONDS, NAME_LIMIT, bounded
from receiver.operations.bulk_correction import DocumentSelection, correct_each, selected_ids
from receiver.operations.failed_documents import (
    Skipped,
    dismiss,
    replace_bytes,
    resubmit,
    unlock,
    why_not,
)
from receiver.operations.manual_routing import (
    RoutingDecision,
    carry_out_correction,
    foreseen_correction,
)
from receiver.operations.replay import ReplayFilter, carry_out, foreseen
from receiver.pipeline.records import document_named

MANY = (
    'give the documents ({"ids": […]}, {"q": "a search"}, or some of "state", "of_type" and "since") and one of "to", '
    '"type" and "undo": true'
)
AT_ONCE = 200
"""Maximum documents that one request corrects: the response takes seconds, also with DynamoDB."""
TEXT_LIMIT = 200
"""Maximum characters of a route's name or a type."""
LIMITS = {"to": TEXT_LIMIT, "type": TEXT_LIMIT}
"""Characters of each text; of any other (a reason, a note, a password) WHY_LIMIT."""
EITHER = 'give either {"to": "name of a route"} or {"type": "the correct type"}, and your name in "who"'


def routes(app: App) -> list[Route]:
    """The endpoints."""
    api = Mending(app)
    endpoints = {
        "route": api.route,
        "undo": api.undo,
        "retry": api.retry,
        "resubmit": api.resubmit,
        "unlock": api.unlock,
        "file": api.file,
        "dismiss": api.dismiss,
    }
    many = Route("/documents/correct", api.correct, methods=["POST"])
    each = [
        Route(f"/documents/{{document_id}}/{name}", endpoint, methods=["POST"]) for name, endpoint in endpoints.items()
    ]
    return [many, *each]


class Mending:
    """The endpoints, over one application."""

    def __init__(self, app: App) -> None:
        self._context = app.context
        self._limit = app.settings.max_upload

    async def route(self, request: Request) -> Response:
        """Applies a person's decision where a document goes; with ``?preview=true``, shows what it would do."""
        given = await _given(request, "to", "type", "why", "version", says=EITHER)
        if ("to" in given) == ("type" in given):
            raise Malformed(EITHER)
        return await self._corrected(request, RoutingDecision(**given))

    async def undo(self, request: Request) -> Response:
        """Undoes the last decision; with ``?preview=true``, shows what that would do."""
        given = await _given(request, "why", "version")
        return await self._corrected(request, RoutingDecision(undo=True, **given))

    async def correct(self, request: Request) -> Response:
        """Applies one decision to many documents, each with its own result; with ``?preview=true``, writes nothing."""
        body = await object_of(request)
        picked: dict[str, Any] = {
            name: body.pop(name) for name in ("ids", "state", "of_type", "since", "q", "undo") if name in body
        }
        given = _texts_of(body, {"to", "type", "why", "who"}, request, says=MANY)
        undo = picked.pop("undo", False)
        if not isinstance(undo, bool) or ("to" in given) + ("type" in given) + undo != 1:
            raise Malformed(MANY)
        if "q" in picked and len(picked) > 1:
            raise Malformed(MANY)
        if "q" in picked:
            ids = await bulk_mending.selected(picked, self._context)
        else:
            ids = await selected_ids(_selection(picked), self._context)
        if len(ids) > AT_ONCE:
            raise Malformed(f"these are more than {AT_ONCE} documents: give a smaller selection")
        decision = RoutingDecision(undo=undo, **given)
        preview = _preview(request)
        shown = [item.shown() async for item in correct_each(ids, decision, self._context, dry_run=preview)]
        return json_response({"documents": shown, "preview": preview}, 200 if preview else 202)

    async def _corrected(self, request: Request, decision: RoutingDecision) -> Response:
        preview = _preview(request)
        correction = await foreseen_correction(request.path_params["document_id"], decision, self._context)
        if preview:
            return json_response(show.correction(correction.before, correction.after))
        return json_response(show.document_whole(await carry_out_correction(correction, self._context)), 202)

    async def retry(self, request: Request) -> Response:
        """Does what ``mailroom replay DOCUMENT`` does; with ``?preview=true``, shows what that would be."""
        who = (await _given(request))["who"]
        document_id, preview = request.path_params["document_id"], _preview(request)
        document = await document_named(document_id, self._context.store)
        replay = await foreseen(document, ReplayFilter(ids=(document_id,)), self._context, who=who)
        if replay.action == "nothing":
            raise NotAllowed(f"document {document_id}: {replay.detail}")
        if replay.action == "resubmit":
            raise NotAllowed(f"document {document_id} has no result: resubmit it")
        if preview:
            return json_response({"document_id": document_id, "action": replay.action, "detail": replay.detail})
        if not await carry_out(replay, self._context):
            raise NotAllowed(f"document {document_id} was changed by another process; reload it and retry")
        return json_response(show.document_whole(await document_named(document_id, self._context.store)), 202)

    async def resubmit(self, request: Request) -> Response:
        """Uploads the document again, for a new job; with ``?preview=true``, shows the cost."""
        given, document_id = await _given(request), request.path_params["document_id"]
        if _preview(request):
            document = await document_named(document_id, self._context.store)
            _refuse(document, why_not(document))
            return json_response({"document_id": document_id, "price": str(price_of([document]))})
        return _changed(await resubmit(document_id, self._context, who=given["who"]))

    async def unlock(self, request: Request) -> Response:
        """Opens a locked PDF with its password, which is not stored, and resubmits it."""
        known_parameters(request, ())
        given = await _given(request, "password", says='give the password: {"password": "…", "who": "…"}')
        if not given.get("password"):
            raise Malformed('give the password: {"password": "…", "who": "…"}')
        document_id = request.path_params["document_id"]
        with _refused_as_input():
            return _changed(await unlock(document_id, given["password"], self._context, who=given["who"]))

    async def file(self, request: Request) -> Response:
        """Replaces the document's bytes with the file of a multipart body, and resubmits it."""
        known_parameters(request, ("who",))
        document_id, who = request.path_params["document_id"], who_of(request, request.query_params.get("who", ""))
        document = await document_named(document_id, self._context.store)
        if document.forgotten_at is None:
            _refuse(document, why_not(document))
        async with _received(request, self._limit) as path:
            with _refused_as_input():
                return _changed(await replace_bytes(document_id, path, self._context, who=who))

    async def dismiss(self, request: Request) -> Response:
        """Dismisses the document: nothing more is done with it."""
        known_parameters(request, ())
        given = await _given(request, "note", says='give the reason: {"note": "…", "who": "…"}')
        if not given.get("note"):
            raise Malformed('give the reason: {"note": "…", "who": "…"}')
        return _changed(
            await dismiss(request.path_params["document_id"], given["note"], self._context, who=given["who"])
        )


@contextmanager
def _refused_as_input() -> Iterator[None]:
    """Turns errors about the given file or password into errors of the request; the document stays as it is."""
    try:
        yield
    except (DocumentRefused, Uncuttable) as error:
        raise Malformed(str(error)) from error
    except FileGone as error:
        raise NotAllowed(str(error)) from error


def _preview(request: Request) -> bool:
    """Whether nothing is to be written. A misspelt parameter is refused, so that nothing is carried out by mistake."""
    known_parameters(request, ("preview",))
    return flag_in(request, "preview")


def _changed(done: Document | Skipped) -> Response:
    if isinstance(done, Skipped):
        raise NotAllowed(f"document {done.document.id}: {done.why}")
    return json_response(show.document_whole(done), 202)


def _refuse(document: Document, why: str) -> None:
    if why:
        raise NotAllowed(f"document {document.id}: {why}")


async def _given(request: Request, *names: str, says: str = "") -> dict[str, Any]:
    """The body's values for these keys, and who decides; an empty body is one without values.

    Raises Malformed for any other key.
    """
    return _texts_of(await object_of(request, empty=True), {*names, "who"}, request, says=says)


def _texts_of(body: dict[str, Any], known: set[str], request: Request, *, says: str) -> dict[str, Any]:
    if unknown := sorted(set(body) - known):
        raise Malformed(f"{unknown[0]!r} is not known; {says or 'known are ' + ', '.join(sorted(known))}")
    version_of(body)
    for name in body.keys() - {"version", "who"}:
        _refuse_value(name, body[name], says)
    given = {name: value for name, value in body.items() if value != ""}
    return given | {"who": who_of(request, body.get("who", ""))}


def _selection(picked: dict[str, Any]) -> DocumentSelection:
    """The selection in the body. Raises Malformed if it selects everything, or has invalid values."""
    ids, state, found_type = picked.get("ids", []), picked.get("state"), picked.get("of_type")
    if not isinstance(ids, list) or not all(isinstance(item, str) for item in ids):
        raise Malformed(f"ids is a list of document ids; {MANY}")
    if state is not None and state not in tuple(DocumentState):
        raise Malformed(f"state is one of {', '.join(DocumentState)}, not {state!r}")
    if found_type is not None and not isinstance(found_type, str):
        raise Malformed("of_type is a type")
    selection = DocumentSelection(ids=tuple(ids), state=state, type=found_type, since=_since(picked.get("since")))
    if selection.empty or (ids and selection != DocumentSelection(ids=tuple(ids))):
        raise Malformed(MANY)
    return selection


def _since(given: object) -> float | None:
    if isinstance(given, bool) or not isinstance(given, int | float | str | None):
        raise Malformed("since is a moment: 2026-11-22T08:30:00Z, or Unix seconds")
    return moment_of(str(given)) if given is not None else None


def _refuse_value(name: str, value: object, says: str) -> None:
    limit = LIMITS.get(name, WHY_LIMIT)
    if not isinstance(value, str) or len(value) > limit:
        raise Malformed(f"{name!r} is a text of at most {limit} characters" + (f"; {says}" if says else ""))


@asynccontextmanager
async def _received(request: Request, limit: int) -> AsyncIterator[Path]:
    """The one file of a multipart body, as a temporary file of its own name. Raises Malformed, TooLarge."""
    with tempfile.TemporaryDirectory(prefix="mailroom-replacement-") as folder:
        path: Path | None = None
        async for part in Parts(request, idle_seconds=IDLE_SECONDS):
            if path is not None:
                raise Malformed("a document has one file: send one")
            path = Path(folder, safe_name(part.name[:NAME_LIMIT]))
            await _written(part, path, limit)
        if path is None:
            raise Malformed("the request has no file")
        yield path


async def _written(part: FilePart, path: Path, limit: int) -> None:
    async with await anyio.open_file(path, "wb") as file:
        async for chunk in bounded(part, limit):
            await file.write(chunk)
