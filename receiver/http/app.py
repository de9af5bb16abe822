"""The HTTP side as one ASGI application: the webhook by a plain call, everything else by Starlette, errors as JSON."""

import http
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from receiver.bootstrap import App
from receiver.core.errors import MailroomError, Misconfigured
from receiver.http import api, health, page, webhook
from receiver.http.problems import INTERNAL, Problem, problem_of
from receiver.http.tick import Tick
from receiver.log import line

Lifespan = Callable[[Starlette], AbstractAsyncContextManager[Any]]
"""What runs around the server's life, as Starlette knows it: ``serve`` starts its worker there."""

log = logging.getLogger("mailroom.http")


def create_app(app: App, *, lifespan: Lifespan | None = None) -> ASGIApp:
    """The receiver over HTTP. Starts nothing by itself. Raises Misconfigured for an application without a door."""
    if app.door is None:
        raise Misconfigured("this application receives no events: build it with a door")
    pages = Starlette(
        routes=[*health.routes(app), *api.routes(app), *page.routes()],
        exception_handlers={HTTPException: _http_error, MailroomError: _mailroom_error, Exception: _fault},
        lifespan=lifespan,
    )
    pages.router.redirect_slashes = False
    limits = webhook.Limits(body=app.settings.max_body, seconds=app.settings.body_seconds)
    return Edge(webhook.Webhook(app.door, limits), pages)


class Edge:
    """The first to see a request: events take the short way. What fails beyond it was answered, and is told here."""

    def __init__(self, webhook: webhook.Webhook, pages: ASGIApp) -> None:
        self.tick = Tick(webhook)
        self._webhook = webhook
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._pages(scope, receive, send)
            return
        if scope["path"] == webhook.PATH:
            await self._webhook(scope, receive, send)
            return
        try:
            await self._pages(scope, receive, send)
        except Exception:  # Starlette answers with _fault, then raises again for whoever writes the log
            log.exception("fault", extra={"facts": {"method": scope["method"], "path": scope["path"]}})


def respond(problem: Problem) -> Response:
    """The problem as a response of Starlette's."""
    headers = {name.decode(): value.decode() for name, value in problem.headers}
    return Response(problem.body, problem.status, headers, media_type="application/json")


async def _mailroom_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, MailroomError)
    problem = problem_of(error)
    if problem.status >= 500:
        line(log, logging.ERROR, "http.failed", path=request.url.path, error=str(error), fix=error.fix)
    return respond(problem)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = http.HTTPStatus(error.status_code).name.lower()
    headers = tuple((name.encode(), value.encode()) for name, value in (error.headers or {}).items())
    return respond(Problem(error.status_code, code, str(error.detail), headers))


async def _fault(request: Request, error: Exception) -> Response:
    return respond(INTERNAL)
