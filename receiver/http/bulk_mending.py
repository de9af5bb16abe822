"""The operator's API to resubmit, reclassify, dismiss and replay many documents: each has a result of its own."""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from receiver.bootstrap import App
from receiver.core.decision import WHO_LIMIT, WHY_LIMIT
from receiver.core.errors import Malformed
from receiver.core.search import parse_search
from receiver.http.json_body import json_response, object_of
from receiver.http.listing import moment_of
from receiver.http.person import who_of
from receiver.http.query_flag import flag_in
from receiver.operations.bulk_replay import replay_all
from receiver.operations.mend_each import (
    dismiss_each,
    foreseen_reclassification,
    foreseen_resubmission,
    ids_found,
    reclassify_each,
    resubmit_each,
)
from receiver.operations.replay import ReplayFilter
from receiver.pipeline.context import Context

AT_ONCE = 200
"""Maximum documents of one request: the response takes seconds, also with DynamoDB."""
TEXTS = ("cause", "type", "destination", "table")
SELECT = 'give either {"ids": ["doc_…"]} or {"q": "a search"}'
REPLAY = "give some of ids, parked, cause, since, until, type, destination and table; reroute is true or false"


def routes(app: App) -> list[Route]:
    """The endpoints."""
    api = BulkMending(app)
    return [
        Route("/documents/resubmit", api.resubmit, methods=["POST"]),
        Route("/documents/reclassify", api.reclassify, methods=["POST"]),
        Route("/documents/dismiss", api.dismiss, methods=["POST"]),
        Route("/replay", api.replay, methods=["POST"]),
    ]


class BulkMending:
    """The endpoints, over one application."""

    def __init__(self, app: App) -> None:
        self._context = app.context

    async def resubmit(self, request: Request) -> Response:
        """Uploads them again, for new jobs; with ``?preview=true``, shows the price."""
        preview = _preview(request)
        ids, given = await _asked(request, self._context)
        if preview:
            return json_response((await foreseen_resubmission(ids, self._context)).shown())
        results = resubmit_each(ids, self._context, who=given["who"])
        return json_response({"documents": [item.shown() async for item in results], "preview": False}, 202)

    async def reclassify(self, request: Request) -> Response:
        """Creates new classify jobs by the present rules; with ``?preview=true``, shows the price."""
        preview = _preview(request)
        ids, given = await _asked(request, self._context, flags=("also_decided",))
        also_decided = given["also_decided"]
        if preview:
            found = await foreseen_reclassification(ids, self._context, also_decided=also_decided)
            return json_response(found.shown())
        results = reclassify_each(ids, self._context, who=given["who"], also_decided=also_decided)
        return json_response({"documents": [item.shown() async for item in results], "preview": False}, 202)

    async def dismiss(self, request: Request) -> Response:
        """Dismisses them: nothing more is done with them."""
        _refuse_query(request)
        ids, given = await _asked(request, self._context, "note")
        if not given.get("note"):
            raise Malformed('give the reason: {"ids": […], "note": "…", "who": "…"}')
        results = dismiss_each(ids, given["note"], self._context, who=given["who"])
        return json_response({"documents": [item.shown() async for item in results], "preview": False}, 202)

    async def replay(self, request: Request) -> Response:
        """Does what ``mailroom replay`` does; with ``?preview=true``, shows what that would be."""
        preview = _preview(request)
        choice = _filter_of(await object_of(request))
        done = await replay_all(choice, self._context, who=who_of(request), dry_run=preview, most=AT_ONCE)
        return json_response(done.shown() | {"preview": preview}, 200 if preview else 202)


def _preview(request: Request) -> bool:
    _refuse_query(request, "preview")
    return flag_in(request, "preview")


def _refuse_query(request: Request, *known: str) -> None:
    if unknown := sorted(set(request.query_params) - set(known)):
        raise Malformed(f"the query parameter {unknown[0]!r} is not known here; known: {', '.join(known) or 'none'}")


async def _asked(
    request: Request, context: Context, *texts: str, flags: Sequence[str] = ()
) -> tuple[list[str], dict[str, Any]]:
    """The ids of the documents, and the texts of the body with ``who``, and its flags. Raises Malformed."""
    body = await object_of(request)
    limits = {"who": WHO_LIMIT} | dict.fromkeys(texts, WHY_LIMIT)
    if unknown := sorted(set(body) - {"ids", "q", *limits, *flags}):
        raise Malformed(f"{unknown[0]!r} is not known; {SELECT}, with {', '.join(sorted([*limits, *flags]))}")
    given: dict[str, Any] = {name: _text(name, body[name], limit) for name, limit in limits.items() if name in body}
    given |= {name: _flag(name, body.get(name, False)) for name in flags}
    given["who"] = who_of(request, given.get("who", ""))
    return await selected(body, context), given


async def selected(body: Mapping[str, Any], context: Context) -> list[str]:
    """The ids in the body, or of what its search finds. Raises Malformed for none, or over AT_ONCE."""
    ids, q = body.get("ids"), body.get("q")
    if (ids is None) == (q is None):
        raise Malformed(SELECT)
    if q is not None:
        if not isinstance(q, str) or not q.strip():
            raise Malformed(f"q is a search; {SELECT}")
        return await ids_found(parse_search(q, now=context.clock()), context, most=AT_ONCE)
    if not isinstance(ids, list) or not ids or not all(isinstance(item, str) for item in ids):
        raise Malformed(f"ids is a list of document ids; {SELECT}")
    if len(found := list(dict.fromkeys(ids))) > AT_ONCE:
        raise Malformed(f"these are more than {AT_ONCE} documents: give a smaller selection")
    return found


def _filter_of(body: Mapping[str, Any]) -> ReplayFilter:
    """What the body selects. Raises Malformed."""
    known = {"ids", "parked", "since", "until", "reroute", *TEXTS}
    if set(body) - known or not set(body) - {"until", "reroute"}:
        raise Malformed(REPLAY)
    ids, flags = body.get("ids", []), (body.get("parked", False), body.get("reroute", False))
    if not isinstance(ids, list) or len(ids) > AT_ONCE or not all(isinstance(item, str) for item in ids):
        raise Malformed(f"ids is a list of at most {AT_ONCE} ids; {REPLAY}")
    if not all(isinstance(item, bool) for item in flags):
        raise Malformed(REPLAY)
    texts = {name: _text(name, body[name], WHY_LIMIT) for name in TEXTS if name in body}
    choice = ReplayFilter(
        ids=tuple(dict.fromkeys(ids)),
        parked=flags[0],
        cause=texts.get("cause", ""),
        since=_moment(body.get("since")),
        until=_moment(body.get("until")),
        type=texts.get("type") or None,
        destination=texts.get("destination") or None,
        table=texts.get("table") or None,
        reroute=flags[1],
    )
    if choice == ReplayFilter(until=choice.until, reroute=choice.reroute):
        raise Malformed(REPLAY)  # all of it is empty: it would select everything
    return choice


def _moment(given: object) -> float | None:
    if isinstance(given, bool) or not isinstance(given, int | float | str | None):
        raise Malformed("since and until are moments: 2026-11-22T08:30:00Z, or Unix seconds")
    return moment_of(str(given)) if given is not None else None


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise Malformed(f"{name!r} is true or false")
    return value


def _text(name: str, value: object, limit: int) -> str:
    if not isinstance(value, str) or len(value) > limit:
        raise Malformed(f"{name!r} is a text of at most {limit} characters")
    return value
