"""The ASGI application: joins the routes, checks the key, lets API faults strike, writes errors as the vendor does."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from llamacloud_sandbox import contract, trouble
from llamacloud_sandbox.api import Call, Endpoint, Json
from llamacloud_sandbox.openapi import description
from llamacloud_sandbox.options import Options
from llamacloud_sandbox.parts import Parts
from llamacloud_sandbox.refused import Refused
from llamacloud_sandbox.routes import (
    classifier,
    classify,
    configurations,
    files,
    parse,
    projects,
    split,
    webhook_configs,
)
from llamacloud_sandbox.routes.switchboard import switchboard

VERSION = "2.19"  # of the vendor's SDK that the sandbox speaks to
TABLES = (
    files.routes,
    classify.routes,
    classifier.routes,
    split.routes,
    parse.routes,
    webhook_configs.routes,
    configurations.routes,
    projects.routes,
)


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
    app.router.redirect_slashes = False
    app.state.parts = parts
    return app


def endpoints(*, contract_mode: bool = False) -> list[Endpoint]:
    """Every operation of the API, fixed paths before those with parameters."""
    tables = (*TABLES, contract.routes) if contract_mode else TABLES
    return sorted((each for table in tables for each in table.endpoints), key=lambda each: "{" in each.path)


def _routes(parts: Parts) -> list[BaseRoute]:
    served = endpoints(contract_mode=parts.options.contract)
    document = description(served, VERSION)

    async def content(request: Request) -> Response:
        return files.download(Call(request, parts, key=""))

    async def openapi(_: Request) -> Response:
        return Json(document)

    return [
        *(Route(each.path, _mounted(each, parts), methods=[each.method]) for each in served),
        Route("/content/{file_id}", content),
        Route("/openapi.json", openapi),
        *switchboard(parts),
    ]


def _mounted(endpoint: Endpoint, parts: Parts) -> Callable[[Request], Awaitable[Response]]:
    handler = contract.lenient(endpoint) if parts.options.contract else endpoint.handler
    name = f"{endpoint.method} {endpoint.path}"

    async def serve(request: Request) -> Response:
        path = request.url.path
        try:
            call = Call(request, parts, _key(request, parts.options))
            stopped = await trouble.before(parts.faults, endpoint.method, path)
            answer = stopped or await handler(call)
        except Refused as refused:
            parts.requests[f"{name} {refused.status}"] += 1
            raise
        parts.requests[f"{name} {answer.status_code}"] += 1
        return trouble.after(parts.faults, endpoint.method, path, answer)

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
    assert isinstance(error, Refused)
    return Json({"detail": error.detail}, error.status, error.headers)


async def _http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return Json({"detail": error.detail}, error.status_code, dict(error.headers or {}))
