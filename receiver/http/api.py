"""The operator's JSON API: look at documents, events and tasks; take documents in; replay; route by hand."""

import asyncio
from typing import Any

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from receiver import show
from receiver.bootstrap import App
from receiver.core.change import Query
from receiver.core.document import Document, DocumentState
from receiver.core.errors import Malformed
from receiver.core.event import Event
from receiver.core.incident import Incident
from receiver.core.task import Task, TaskState
from receiver.flow.by_hand import Word, choices, route_by_hand
from receiver.flow.dossier import dossier, found
from receiver.flow.replay_task import replay_task, task_of
from receiver.http import opened
from receiver.http.auth import Endpoint, WrongTokens, operator_only
from receiver.http.listing import Filter, listing
from receiver.http.problems import TooSlow
from receiver.http.uploads import upload

DOCUMENTS = {
    "state": Filter(lambda one, value: one.state == value, index="state", choices=tuple(DocumentState)),
    "batch": Filter(lambda one, value: one.batch_id == value, index="batch"),
    "type": Filter(lambda one, value: one.type == value, index="type"),
    "q": Filter(lambda one, value: value.casefold() in f"{one.id} {one.name}".casefold()),
}
EVENTS = {"job": Filter(lambda one, value: one.job_id == value, index="job")}
TASKS = {
    "subject": Filter(lambda one, value: one.subject == value, index="subject"),
    "state": Filter(lambda one, value: one.state == value, index="state", choices=tuple(TaskState)),
    "kind": Filter(lambda one, value: one.kind == value),
}
STANDING = 500
"""Incidents that the overview shows; ``/alerts`` has them all."""
BODY_LIMIT = 64 * 1024
BODY_SECONDS = 10.0


def routes(app: App) -> list[Route]:
    """The operator's endpoints, all behind MAILROOM_ADMIN_TOKEN."""
    api, wrong = Api(app), WrongTokens(app.tools.meter)

    def only(endpoint: Endpoint) -> Endpoint:
        return operator_only(app.access, wrong, endpoint)

    return [
        Route("/documents", only(api.documents)),
        Route("/documents", only(upload(app)), methods=["POST"]),
        Route("/documents/{document_id}", only(api.document)),
        *opened.routes(app, only),
        Route("/documents/{document_id}/route", only(api.route), methods=["POST"]),
        Route("/events", only(api.events)),
        Route("/tasks", only(api.tasks)),
        Route("/tasks/{task_id:path}/replay", only(api.replay), methods=["POST"]),
        Route("/tasks/{task_id:path}", only(api.task)),
        Route("/overview", only(api.overview)),
    ]


class Api:
    """The endpoints, over one application."""

    def __init__(self, app: App) -> None:
        self._tools = app.tools

    async def documents(self, request: Request) -> Response:
        page = await listing(request, self._tools.store, Document, DOCUMENTS)
        documents = [show.document(one) for one in show.in_page_order(page.records)]
        return _json({"documents": documents, "cursor": page.cursor})

    async def document(self, request: Request) -> Response:
        found = await dossier(request.path_params["document_id"], self._tools.store)
        return _json(found.shown())

    async def events(self, request: Request) -> Response:
        page = await listing(request, self._tools.store, Event, EVENTS)
        return _json({"events": [show.event(one) for one in page.records], "cursor": page.cursor})

    async def tasks(self, request: Request) -> Response:
        page = await listing(request, self._tools.store, Task, TASKS)
        return _json({"tasks": [show.task(one) for one in page.records], "cursor": page.cursor})

    async def task(self, request: Request) -> Response:
        """One task, with all that it carries."""
        return _json(show.task_whole(await task_of(request.path_params["task_id"], self._tools.store)))

    async def replay(self, request: Request) -> Response:
        """A task that gave up, promised anew."""
        task = await replay_task(request.path_params["task_id"], self._tools, who="operator")
        return _json(show.task(task), 202)

    async def route(self, request: Request) -> Response:
        """A person's word on where a document goes."""
        word = await _word(request)
        document = await route_by_hand(request.path_params["document_id"], word, self._tools)
        return _json(show.document_whole(document), 202)

    async def overview(self, request: Request) -> Response:
        """The books, what needs a person, and the routes that one can choose from."""
        store, now = self._tools.store, self._tools.clock()
        overdue = await found(store, Document, Query(by="overdue", until=now), limit=100)
        alerts = await found(store, Incident, Query(by="standing", newest_first=True), limit=STANDING)
        table = self._tools.config.table
        return _json(
            {
                "balance": show.balance(await store.tally()),
                "overdue": [show.document(one) for one in overdue],
                "alerts": [show.incident(one) for one in alerts],
                "routes": {name: [target.url for target in to] for name, to in choices(table).items()},
                "types": sorted(table.types),
            }
        )


async def _word(request: Request) -> Word:
    said = await _object(request)
    texts = {name: value for name, value in said.items() if isinstance(value, str) and value}
    if set(said) - {"to", "type", "who"} or len(texts) < len(said) or ("to" in said) == ("type" in said):
        raise Malformed(
            'say either {"to": "name of a route"} or {"type": "what it really is"}, and who you are in "who"'
        )
    return Word(**{name: value[:200] for name, value in texts.items()})


async def _object(request: Request) -> dict[str, Any]:
    try:
        async with asyncio.timeout(BODY_SECONDS):
            body = await _read(request)
        return msgspec.json.decode(body, type=dict[str, Any])
    except TimeoutError:
        raise TooSlow("the body did not arrive in time") from None
    except ClientDisconnect:
        raise Malformed("the body is cut short") from None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed("the body is not a JSON object") from error


async def _read(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_LIMIT:
            raise Malformed(f"the body is over {BODY_LIMIT} bytes")
    return body


def _json(shown: dict[str, Any], status: int = 200) -> Response:
    return JSONResponse(shown, status, headers={"cache-control": "no-store"})
