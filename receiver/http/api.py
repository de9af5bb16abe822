"""The operator's JSON API: read documents, events and tasks; ingest documents; replay. mending.py has corrections."""

import asyncio
from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from receiver import show
from receiver.bootstrap import App
from receiver.core.change import Query
from receiver.core.costs import Costs
from receiver.core.document import Document
from receiver.core.errors import Malformed
from receiver.core.event import Event
from receiver.core.incident import Incident
from receiver.core.routing_choice import choices
from receiver.core.task import Task, TaskState
from receiver.http import (
    bulk_mending,
    calibration,
    document_check,
    document_links,
    document_pages,
    incidents,
    mending,
    recut_request,
    series,
    stream,
)
from receiver.http.auth import Gate
from receiver.http.document_list import list_documents
from receiver.http.json_body import json_response, object_of
from receiver.http.listing import Filter, listing
from receiver.http.person import person_of, who_of
from receiver.http.roles import role_of
from receiver.http.sessions import Sessions
from receiver.http.uploads import upload
from receiver.operations.costs import read_costs
from receiver.operations.document_report import document_report
from receiver.operations.event_report import event_report
from receiver.operations.pauses import paused_work
from receiver.operations.replay_task import replay_task, task_of
from receiver.pipeline.pause import FOR_EVER, pausable, pause
from receiver.pipeline.records import find_records

EVENTS = {"job": Filter(lambda item, value: item.job_id == value, index="job")}
COSTS_DAYS, COSTS_SECONDS, COSTS_READ = 30, 60.0, 5000
SHOWN = 100
"""Maximum incidents, and overdue documents, in the overview; ``/alerts`` has all incidents."""
TASKS = {
    "subject": Filter(lambda item, value: item.subject == value, index="subject"),
    "state": Filter(lambda item, value: item.state == value, index="state", choices=tuple(TaskState)),
    "kind": Filter(lambda item, value: item.kind == value),
}


def routes(app: App, streams: stream.ChangeStreams) -> list[Route]:
    """The operator's endpoints, each restricted to the role that roles.py names."""
    sessions = Sessions(app)
    return list(map(Gate(app, sessions).guarded, [*_endpoints(app), *stream.routes(streams), *sessions.routes()]))


def _endpoints(app: App) -> list[Route]:
    api = Api(app)
    return [
        Route("/documents", api.documents),
        Route("/documents", upload(app), methods=["POST"]),
        Route("/documents/{document_id}", api.document),
        *document_links.routes(app),
        *bulk_mending.routes(app),
        *mending.routes(app),
        *document_pages.routes(app),
        *recut_request.routes(app),
        *document_check.routes(app),
        *calibration.routes(app),
        *series.routes(app),
        Route("/events", api.events),
        Route("/events/{key:path}", api.event),
        Route("/pauses", api.pauses),
        Route("/pauses", api.pause, methods=["POST"]),
        Route("/tasks", api.tasks),
        Route("/tasks/{task_id:path}/replay", api.replay, methods=["POST"]),
        Route("/tasks/{task_id:path}", api.task),
        Route("/costs", api.costs),
        Route("/overview", api.overview),
        *incidents.routes(app),
    ]


class Api:
    """The endpoints, over one application."""

    def __init__(self, app: App) -> None:
        self._context = app.context
        self._costs: tuple[float, Costs] | None = None
        self._costing = asyncio.Lock()

    async def documents(self, request: Request) -> Response:
        return await list_documents(request, self._context)

    async def document(self, request: Request) -> Response:
        found = await document_report(request.path_params["document_id"], self._context.store)
        role = person_of(request).role
        actions = [name for name in found.actions if role.covers(role_of("POST", f"/documents/{{document_id}}/{name}"))]
        return json_response(found.shown() | {"actions": actions})

    async def events(self, request: Request) -> Response:
        page = await listing(request, self._context.store, Event, EVENTS)
        return json_response({"events": [show.event(item) for item in page.records], "cursor": page.cursor})

    async def event(self, request: Request) -> Response:
        """One event: its envelope and proofs, the task that handles it, its job and document."""
        return json_response((await event_report(request.path_params["key"], self._context.store)).shown())

    async def pauses(self, request: Request) -> Response:
        """What is paused now."""
        found = [asdict(item) for item in await paused_work(self._context)]
        shown = [item | {"until": show.moment(item["until"]), "since": show.moment(item["since"])} for item in found]
        return json_response({"paused": shown})

    async def pause(self, request: Request) -> Response:
        """Pauses ``what``, or resumes it with ``"resume": true``."""
        body = await object_of(request)
        what, resume = body.get("what"), body.get("resume", False)
        if set(body) - {"what", "resume"} or not isinstance(what, str) or not isinstance(resume, bool):
            raise Malformed('give {"what": "submission", "results" or s3://bucket, …}, and "resume": true to resume it')
        await self._context.store.apply(
            await pause(pausable(what), 0.0 if resume else FOR_EVER, self._context, who=who_of(request))
        )
        return await self.pauses(request)

    async def tasks(self, request: Request) -> Response:
        page = await listing(request, self._context.store, Task, TASKS)
        return json_response({"tasks": [show.task(item) for item in page.records], "cursor": page.cursor})

    async def task(self, request: Request) -> Response:
        """One task with all its fields."""
        return json_response(show.task_whole(await task_of(request.path_params["task_id"], self._context.store)))

    async def replay(self, request: Request) -> Response:
        """Enqueues a parked task again."""
        task = await replay_task(request.path_params["task_id"], self._context, who=who_of(request))
        return json_response(show.task(task), 202)

    async def costs(self, request: Request) -> Response:
        """What LlamaCloud charged in the last 30 days. Cached for a minute, because the page asks often."""
        async with self._costing:
            now, store = self._context.clock(), self._context.store
            if self._costs is None or not 0 <= now - self._costs[0] < COSTS_SECONDS:
                self._costs = now, await read_costs(store, since=now - COSTS_DAYS * 86400, limit=COSTS_READ)
            return json_response(show.costs(self._costs[1]))

    async def overview(self, request: Request) -> Response:
        """The totals, what needs a person, and the routes to choose from."""
        store, now = self._context.store, self._context.clock()
        overdue = await find_records(store, Document, Query(by="overdue", until=now), limit=SHOWN)
        alerts = await find_records(store, Incident, Query(by="standing", newest_first=True), limit=SHOWN)
        table, totals = self._context.config.table, await store.tally()
        return json_response(
            {
                "balance": show.balance(totals),
                "balanced": totals.balanced,
                "overdue": [show.document(item) for item in overdue],
                "alerts": [show.incident(item) for item in alerts],
                "standing": await incidents.count_standing(store),
                "routes": {name: [target.url for target in item.to] for name, item in choices(table).items()},
                "types": sorted(table.types),
            }
        )
