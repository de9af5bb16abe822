"""The ASGI application: joins the routes, checks the key, lets API faults strike, writes errors as the vendor does."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sandbox.api import Call, Endpoint, Json
from sandbox.options import Options
from sandbox.parts import Parts
from sandbox.refused import Refused
from sandbox.routes import classify, files

ROUTES = (files.routes, classify.routes)


def create_app(options: Options, parts: Parts | None = None) -> Starlette:
    """The sandbox as an ASGI application; `parts` may bring another judge or clock."""
    parts = parts or Parts(options)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        parts.begin()
        yield
        await parts.end()

    app = Starlette(
        routes=_routes(parts),
        lifespan=lifespan,
        exception_handlers={HTTPException: _http_error, Refused: _refused},
    )
    app.state.parts = parts
    return app


def _routes(parts: Parts) -> list[BaseRoute]:
    endpoints = [endpoint for routes in ROUTES for endpoint in routes.endpoints]
    mounted: list[BaseRoute] = [
        Route(each.path, _mounted(each, parts), methods=[each.method]) for each in _static_first(endpoints)
    ]

    async def content(request: Request) -> Response:
        return files.download(Call(request, parts, key=""))

    return [*mounted, Route("/content/{file_id}", content)]


def _static_first(endpoints: list[Endpoint]) -> list[Endpoint]:
    return sorted(endpoints, key=lambda each: "{" in each.path)


def _mounted(endpoint: Endpoint, parts: Parts) -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        call = Call(request, parts, _key(request, parts.options))
        return await endpoint.handler(call)

    return serve


def _key(request: Request, options: Options) -> str:
    """The caller's API key. Raises Refused (401)."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    key = key.strip()
    if scheme.lower() != "bearer" or not key:
        raise Refused(401, "Not authenticated", {"WWW-Authenticate": "Bearer"})
    if options.keys and key not in options.keys:
        raise Refused(401, "Invalid API key", {"WWW-Authenticate": "Bearer"})
    return key


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)  # noqa: S101 - Starlette calls it for this class only
    return Json({"detail": error.detail}, error.status, error.headers)


async def _http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - Starlette calls it for this class only
    return Json({"detail": error.detail}, error.status_code, dict(error.headers or {}))
