"""``POST /documents/{id}/verify``: reads a document's copies back, and answers what is stored."""

import asyncio
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from receiver import show
from receiver.bootstrap import App
from receiver.core.errors import Malformed
from receiver.http.auth import Endpoint
from receiver.http.json_body import json_response, object_of
from receiver.operations.verify_copies import verify_document
from receiver.pipeline.records import document_named

AT_ONCE = 2
"""Documents that are read back at the same time; others wait."""
SECONDS = 20.0
"""For one document: API Gateway waits 30 for an answer. The command line has no limit."""


def routes(app: App, only: Callable[[Endpoint], Endpoint]) -> list[Route]:
    """The endpoint, behind what ``only`` makes of it."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def verify(request: Request) -> Response:
        if request.query_params or await object_of(request, empty=True):
            raise Malformed("this takes neither parameters nor a body")
        document = await document_named(request.path_params["document_id"], app.context.store)
        async with turns:
            return json_response(show.check(await verify_document(document, app.context, seconds=SECONDS)))

    return [Route("/documents/{document_id}/verify", only(verify), methods=["POST"])]
