"""The operator's side: page, API, uploads, metrics and health, on a separate listener. Errors are JSON."""

import http
import logging

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from receiver.bootstrap import App
from receiver.core.errors import MailroomError
from receiver.http import api, health, openapi, page
from receiver.http.problems import INTERNAL, ErrorReply, problem_of
from receiver.http.readiness import Readiness
from receiver.http.respond import respond
from receiver.http.stream import ChangeStreams
from receiver.log import log_line

log = logging.getLogger("mailroom.http")


def operator_app(
    app: App, readiness: Readiness | None = None, *, metrics: bool = True, streams: ChangeStreams | None = None
) -> ASGIApp:
    """The operator's side of this application. Starts nothing by itself.

    Without ``metrics`` there is no ``/metrics``: for deployments that anybody can reach, which report them elsewhere.
    """
    readiness = readiness or Readiness(app.context.store.ready)
    endpoints = api.routes(app, streams or ChangeStreams(app.context))
    versioned = Router([*openapi.routes(), *endpoints], redirect_slashes=False)
    routes: list[BaseRoute] = [*health.routes(readiness), Mount(openapi.PREFIX, versioned), *endpoints, *page.routes()]
    if metrics:
        routes += health.metrics_of(app, readiness)
    pages = Starlette(
        routes=routes,
        exception_handlers={HTTPException: _http_error, MailroomError: _mailroom_error, Exception: _fault},
    )
    pages.router.redirect_slashes = False
    return ErrorsAsJson(pages)


class ErrorsAsJson:
    """Logs unhandled exceptions, which Starlette raises again after it has responded with _fault."""

    def __init__(self, pages: ASGIApp) -> None:
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._pages(scope, receive, send)
        except Exception:
            log.exception("unhandled_exception", extra={"facts": {"method": scope["method"], "path": scope["path"]}})


async def _mailroom_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, MailroomError)
    problem = problem_of(error)
    if problem.status >= 500:
        log_line(log, logging.ERROR, "http.failed", path=request.url.path, error=str(error), fix=error.fix)
    return respond(problem)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = http.HTTPStatus(error.status_code).name.lower()
    headers = tuple((name.encode(), value.encode()) for name, value in (error.headers or {}).items())
    return respond(ErrorReply(error.status_code, code, str(error.detail), headers))


async def _fault(request: Request, error: Exception) -> Response:
    return respond(INTERNAL)
