"""The OpenAPI description of the operator's API, served at ``/api/v1/openapi.json``.

A test compares it with the routes that are there, and schemathesis with what they answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from receiver import __version__
from receiver.core.document import DocumentState
from receiver.core.document_view import WIDTHS
from receiver.http import api, bulk_mending, incidents, mending, session_cookie
from receiver.http.json_body import json_response
from receiver.http.listing import LIMIT, Filter
from receiver.http.openapi_schemas import (
    COUNT,
    FLAG,
    NUMBER,
    SCHEMAS,
    TEXT,
    VERSION,
    WHO,
    WHY,
    Schema,
    a_body,
    many,
    named,
    word_of,
)
from receiver.http.roles import role_of
from receiver.operations.read_series import PERIODS

PREFIX = "/api/v1"
STATUSES = {
    200: "done",
    202: "accepted: the work follows",
    204: "there is none here: poll",
    307: "the bytes are in S3: follow it",
    400: "the request makes no sense; the message says what would",
    401: "no token, or a wrong one",
    403: "your role may not do this, the link is invalid, or the API is disabled",
    404: "there is no such thing",
    405: "not with this method",
    408: "the body did not arrive in time",
    409: "not now, or not of this document; the message says why",
    410: "the bytes are gone",
    413: "too large",
    415: "not this media type",
    422: "the bytes cannot be read or shown; the message says why",
    429: "too many wrong tokens from this address: see Retry-After",
    503: "not now: see Retry-After",
}
ALWAYS = (400, 401, 403, 429, 503)
SINCE: Schema = {"type": "string", "description": "2026-11-22T08:30:00Z, or Unix seconds", "format": "date-time"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one path."""

    does: str
    answer: str = "Record"
    """The schema of a success; a media type where it is no JSON."""
    status: int = 200
    query: Mapping[str, Schema] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    """Query parameters that must be given."""
    body: Schema | None = None
    content: str = "application/json"
    """The media type of the body."""
    refusals: tuple[int, ...] = ()
    """Statuses that it may answer beside ALWAYS."""


def listing_parameters(filters: Mapping[str, Filter]) -> dict[str, Schema]:
    """The parameters of a listing."""
    own = {name: word_of(item.choices) if item.choices else TEXT for name, item in filters.items()}
    limit: Schema = {"type": "integer", "minimum": 1, "maximum": LIMIT}
    return own | {"since": SINCE, "limit": limit, "cursor": TEXT}


FOUND_BY = {
    "q": TEXT,
    "called": TEXT,
    "state": word_of(DocumentState),
    "type": TEXT,
    "batch": TEXT,
} | listing_parameters({})
PREVIEW = {"preview": {"type": "boolean", "description": "write nothing, and answer what would be done"}}
UNSEEN = (404, 410, 422)
REFUSED = (404, 408, 409)
VENDOR = a_body(file_id=TEXT, parse_job_id=TEXT, name=TEXT, packet=FLAG, metadata={"type": "object"})
FILES: Schema = {"type": "object", "properties": {"file": {"type": "string", "format": "binary"}}, "required": ["file"]}
PIECE = a_body("pages", pages={"type": "string", "examples": ["1-4"]}, type=WHO)
DECISION = a_body(to=TEXT, type=TEXT, why=WHY, who=WHO, version=VERSION) | {
    "oneOf": [{"required": ["to"]}, {"required": ["type"]}]
}
CORRECTION: Schema = {
    "description": "which documents, and one decision about all of them",
    "anyOf": [
        a_body(which, what, **{which: selection}, **{what: word}, why=WHY, who=WHO)
        for which, selection in {
            "ids": many(TEXT) | {"minItems": 1, "maxItems": mending.AT_ONCE}, "state": word_of(DocumentState),
            "of_type": TEXT, "since": SINCE, "q": TEXT | {"minLength": 1},
        }.items()
        for what, word in {"to": TEXT, "type": TEXT, "undo": {"const": True}}.items()
    ],
}  # fmt: skip
SELECTED_BY = {"ids": many(TEXT) | {"minItems": 1, "maxItems": bulk_mending.AT_ONCE}, "q": TEXT | {"minLength": 1}}
REPLAY = {
    "ids": SELECTED_BY["ids"], "parked": {"const": True}, "cause": TEXT, "since": SINCE, "type": TEXT,
    "destination": TEXT, "table": TEXT,
}  # fmt: skip
OPERATIONS: dict[str, dict[str, Operation]] = {
    "/documents": {
        "get": Operation(
            does="List documents, newest first", answer="Documents", query=FOUND_BY, refusals=(404,)
        ),
        "post": Operation(
            does="Ingest files; or, as JSON, what is at LlamaCloud already", answer="Ingested", status=202,
            query={"packet": FLAG, "sender": TEXT}, body=FILES, content="multipart/form-data", refusals=(408, 413, 415),
        ),
    },
    "/documents/{document_id}": {"get": Operation(does="Everything on record", answer="Report", refusals=(404,))},
    "/documents/{document_id}/content": {
        "get": Operation(does="Download it", answer="*/*", query={"token": TEXT}, refusals=(307, *UNSEEN)),
    },
    "/documents/{document_id}/manifest": {
        "get": Operation(does="Its manifest", answer="Manifest", query={"token": TEXT}, refusals=UNSEEN),
    },
    "/documents/{document_id}/link": {
        "get": Operation(does="A link to download it, for a minute", answer="Link", refusals=(404,)),
    },
    "/documents/{document_id}/pages": {
        "get": Operation(does="How many pages it has, and their sizes", answer="Pages", refusals=UNSEEN),
    },
    "/documents/{document_id}/pages/{page}.png": {
        "get": Operation(
            does="A page as a picture", answer="image/png", refusals=UNSEEN,
            query={"width": {"type": "integer", "minimum": WIDTHS[0], "maximum": WIDTHS[-1]}},
        ),
    },
    "/documents/{document_id}/text": {
        "get": Operation(
            does="Its text, or that of a page", answer="Text", refusals=UNSEEN,
            query={"page": {"type": "integer", "minimum": 1, "maximum": 10**9 - 1}},
        ),
    },
    "/documents/{document_id}/pieces": {
        "post": Operation(
            does="Cut a packet", status=202, refusals=(*REFUSED, 410, 422),
            body=a_body(pieces=many(PIECE), merge=TEXT, who=WHO, version=VERSION),
        ),
    },
    "/documents/{document_id}/verify": {
        "post": Operation(
            does="Read every copy back and compare it", answer="Verified", refusals=REFUSED,
            body=a_body(restore=FLAG, who=WHO),
        ),
    },
    "/documents/correct": {
        "post": Operation(
            does="One decision about many documents, with a result for each", answer="Changes", status=202,
            query=PREVIEW, refusals=(408,),
            body=CORRECTION,
        ),
    },
    "/documents/resubmit": {
        "post": Operation(
            does="Submit documents again, with a result for each; it costs credits", answer="Changes", status=202,
            query=PREVIEW, refusals=(404, 408),
            body={"anyOf": [a_body(name, **{name: schema}, who=WHO) for name, schema in SELECTED_BY.items()]},
        ),
    },
    "/documents/reclassify": {
        "post": Operation(
            does="Classify documents again by the present rules, with a result for each; it costs credits",
            answer="Changes", status=202, query=PREVIEW, refusals=(404, 408),
            body={"anyOf": [
                a_body(name, **{name: schema}, also_decided=FLAG, who=WHO) for name, schema in SELECTED_BY.items()
            ]},
        ),
    },
    "/documents/dismiss": {
        "post": Operation(
            does="Nothing more is to be done with them, with a result for each", answer="Changes", status=202,
            refusals=(404, 408),
            body={"anyOf": [
                a_body(name, "note", **{name: schema}, note=WHY | {"minLength": 1}, who=WHO)
                for name, schema in SELECTED_BY.items()
            ]},
        ),
    },
    "/replay": {
        "post": Operation(
            does="Process documents and parked tasks again", answer="Replayed", status=202, query=PREVIEW,
            refusals=(404, 408),
            body={"anyOf": [a_body(name, **REPLAY, until=SINCE, reroute=FLAG) for name in REPLAY]},
        ),
    },
    "/documents/{document_id}/route": {
        "post": Operation(
            does="Decide its type or route", status=202, query=PREVIEW, refusals=REFUSED, body=DECISION
        ),
    },
    "/documents/{document_id}/undo": {
        "post": Operation(
            does="Take the last decision back", status=202, query=PREVIEW, refusals=REFUSED,
            body=a_body(why=WHY, who=WHO, version=VERSION),
        ),
    },
    "/documents/{document_id}/retry": {
        "post": Operation(
            does="Deliver again what gave up", status=202, query=PREVIEW, refusals=REFUSED, body=a_body(who=WHO)
        ),
    },
    "/documents/{document_id}/resubmit": {
        "post": Operation(
            does="Submit it again, which costs credits", status=202, query=PREVIEW, refusals=(*REFUSED, 410, 422),
            body=a_body(who=WHO),
        ),
    },
    "/documents/{document_id}/unlock": {
        "post": Operation(
            does="Open a locked PDF and submit it again", status=202, refusals=(*REFUSED, 410, 422),
            body=a_body("password", password=WHY, who=WHO),
        ),
    },
    "/documents/{document_id}/file": {
        "post": Operation(
            does="Replace its file and submit it again", status=202, query={"who": WHO}, body=FILES,
            content="multipart/form-data", refusals=(*REFUSED, 413, 415),
        ),
    },
    "/documents/{document_id}/dismiss": {
        "post": Operation(
            does="Nothing more is to be done with it", status=202, refusals=REFUSED,
            body=a_body("note", note=WHY, who=WHO),
        ),
    },
    "/events": {
        "get": Operation(does="List events, newest first", answer="Events", query=listing_parameters(api.EVENTS)),
    },
    "/events/{key}": {"get": Operation(does="One event", answer="EventReport", refusals=(404,))},
    "/pauses": {
        "get": Operation(does="What is paused", answer="Pauses"),
        "post": Operation(
            does="Pause something, or resume it", answer="Pauses", refusals=(404, 408, 409),
            body=a_body("what", what=TEXT, resume=FLAG),
        ),
    },
    "/tasks": {
        "get": Operation(does="List tasks, newest first", answer="Tasks", query=listing_parameters(api.TASKS)),
    },
    "/tasks/{task_id}": {"get": Operation(does="One task", answer="TaskWhole", refusals=(404,))},
    "/tasks/{task_id}/replay": {
        "post": Operation(does="Run a parked task again", answer="Task", status=202, refusals=(404, 409)),
    },
    "/costs": {"get": Operation(does="What LlamaCloud charged in the last 30 days", answer="Costs")},
    "/calibration": {
        "get": Operation(
            does="How often LlamaCloud was right", answer="Calibration",
            query={"since": SINCE, "target": NUMBER | {"minimum": 0.5, "maximum": 1}},
        ),
    },
    "/calibration/backtest": {
        "get": Operation(
            does="What another threshold would do with past documents", answer="Backtest",
            query={"type": TEXT, "min_confidence": NUMBER | {"minimum": 0, "maximum": 1}, "since": SINCE},
            required=("type", "min_confidence"),
        ),
    },
    "/series": {
        "get": Operation(
            does="What became of the documents of each hour or day", answer="Series",
            query={"period": word_of(PERIODS)},
        ),
    },
    "/stream": {
        "get": Operation(
            does="Server-sent events that say that something has changed", answer="text/event-stream", refusals=(204,)
        ),
    },
    "/overview": {"get": Operation(does="Totals, what needs a person, routes and types", answer="Overview")},
    "/alerts": {
        "get": Operation(does="List open incidents", answer="Incidents", query=listing_parameters(incidents.INCIDENTS)),
    },
    "/alerts/{key}": {"get": Operation(does="One incident", answer="IncidentReport", refusals=(404,))},
    "/alerts/{key}/ack": {
        "post": Operation(does="No more reminders", answer="Incident", refusals=REFUSED, body=a_body(who=WHO)),
    },
    "/alerts/{key}/silence": {
        "post": Operation(
            does="No notices for some seconds; 0 ends it", answer="Incident", refusals=REFUSED,
            body=a_body("seconds", seconds=NUMBER, why=WHO, who=WHO),
        ),
    },
    "/channels": {"get": Operation(does="The state of each alert channel", answer="Channels")},
    "/session": {
        "get": Operation(does="Who is signed in, and in which role", answer="Session"),
        "post": Operation(does="Sign in: the answer sets a cookie, which then stands for the token", answer="Session"),
        "delete": Operation(does="Sign out", answer="SignedOut"),
    },
}  # fmt: skip
PREVIEWS = {
    "/documents/resubmit": "PricePreview", "/documents/reclassify": "PricePreview", "replay": "Replayed",
    "route": "Change", "undo": "Change", "correct": "Changes", "retry": "Retry", "resubmit": "Price",
}  # fmt: skip
"""What ``?preview=true`` answers, with 200."""


def description() -> dict[str, Any]:
    """The whole document."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Mailroom, the operator's API", "version": __version__},
        "servers": [{"url": PREFIX}],
        "security": [{"token": []}, {"session": []}],
        "paths": {path: _path(path, operations) for path, operations in OPERATIONS.items()},
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": session_cookie.PLAIN,
                    "description": f"from POST /session; over HTTPS its name is {session_cookie.SECURE}",
                },
            },
        },
    }


def routes() -> list[Route]:
    """The endpoint; it needs no token, because it shows nothing of this installation."""

    async def described(request: Request) -> Response:
        return json_response(description())

    return [Route("/openapi.json", described)]


def _path(path: str, operations: Mapping[str, Operation]) -> dict[str, Any]:
    schemas = {part.partition("}")[0]: TEXT | {"minLength": 1} for part in path.split("{")[1:]}
    schemas |= {"page": COUNT} if "page" in schemas else {}
    inside = [{"name": name, "in": "path", "required": True, "schema": schema} for name, schema in schemas.items()]
    return {method: _operation(method, path, item, inside) for method, item in operations.items()}


def _operation(method: str, path: str, item: Operation, inside: list[dict[str, Any]]) -> dict[str, Any]:
    query = [
        {"name": name, "in": "query", "required": name in item.required, "schema": schema}
        for name, schema in item.query.items()
    ]
    answers = {str(item.status): _answer(item.status, item.answer)}
    if "preview" in item.query:
        answers["200"] = _answer(200, PREVIEWS.get(path) or PREVIEWS[path.rpartition("/")[2]])
    answers |= {str(status): _answer(status, "Error") for status in (*ALWAYS, *item.refusals)}
    described: dict[str, Any] = {"summary": item.does, "parameters": [*inside, *query], "responses": answers}
    described["x-role"] = str(role_of(method.upper(), path))
    if item.body is not None:
        required = bool(item.body.keys() & {"required", "oneOf", "anyOf"})
        described["requestBody"] = {"required": required, "content": {item.content: {"schema": item.body}}}
    return described


def _answer(status: int, answer: str) -> dict[str, Any]:
    if status in (204, 307):
        return {"description": STATUSES[status]}
    content = {answer: {}} if "/" in answer else {"application/json": {"schema": named(answer)}}
    return {"description": STATUSES[status], "content": content}
