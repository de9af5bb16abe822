"""``POST /documents/{id}/pieces``: cuts a packet as a person asks, as ``mailroom recut`` does.

The body is ``{"pieces": [{"pages": "1-4"}, {"pages": "5-13", "type": "invoice"}]}`` or ``{"merge": "3-5"}``. It may
have the person's name in ``who``, and in ``version`` the version of the document that the person saw.
"""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from receiver import show
from receiver.bootstrap import App
from receiver.core.decision import OPERATOR, WHO_LIMIT
from receiver.core.errors import FileGone, Malformed, NotAllowed, Uncuttable
from receiver.core.pages import BY_HAND, MOST_PAGES, Segment, read_spans
from receiver.http.document_links import gone
from receiver.http.json_body import json_response, object_of, version_of
from receiver.http.person import who_of
from receiver.packets.correct import CutRequest, recut

WRITE = 'write {"pieces": [{"pages": "1-4"}, {"pages": "5-13", "type": "invoice"}]} or {"merge": "3-5"}'


def routes(app: App) -> list[Route]:
    """The endpoint."""

    async def pieces(request: Request) -> Response:
        body = await object_of(request)
        asked = read_request(body, who=who_of(request, body.get("who", "")))
        document_id = request.path_params["document_id"]
        try:
            packet = await recut(document_id, asked, app.context)
        except Uncuttable as error:
            raise NotAllowed(str(error)) from error
        except FileGone as error:
            raise gone(document_id) from error
        return json_response(show.document_whole(packet), 202)

    return [Route("/documents/{document_id}/pieces", pieces, methods=["POST"])]


def read_request(body: dict[str, Any], *, who: str = OPERATOR) -> CutRequest:
    """The cut that the body requests, by ``who``. Raises Malformed."""
    if set(body) - {"pieces", "merge", "who", "version"} or ("pieces" in body) == ("merge" in body):
        raise Malformed(f"give either pieces or merge: {WRITE}")
    version = version_of(body)
    if "merge" in body:
        return CutRequest(merge=_pages(body["merge"]), who=who, version=version)
    if not isinstance(body["pieces"], list) or not body["pieces"]:
        raise Malformed(f"pieces is a list of pieces: {WRITE}")
    return CutRequest(pieces=_pieces(body["pieces"]), who=who, version=version)


def _pieces(items: list[Any]) -> tuple[Segment, ...]:
    pieces: list[Segment] = []
    named = 0
    for item in items:
        pieces.append(_piece(item))
        named += len(pieces[-1].pages)
        if named > MOST_PAGES:
            raise Malformed(f"the pieces name more than {MOST_PAGES} pages")
    return tuple(pieces)


def _piece(item: Any) -> Segment:
    if not isinstance(item, dict) or set(item) - {"pages", "type"} or "pages" not in item:
        raise Malformed(f"a piece has pages, and may have a type: {WRITE}")
    category = _text(item["type"]) if item.get("type") else ""
    return Segment(category=category, pages=_pages(item["pages"]), confidence=BY_HAND)


def _pages(text: Any) -> tuple[int, ...]:
    if not isinstance(text, str):
        raise Malformed(f"pages are a text: {WRITE}")
    try:
        return read_spans(text)
    except ValueError as error:
        raise Malformed(str(error)) from error


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > WHO_LIMIT:
        raise Malformed(f"a type is a text of 1 to {WHO_LIMIT} characters")
    return value.strip()
