"""``POST /documents/{id}/verify``: reads a document's copies back, and answers what is stored."""

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from receiver import show
from receiver.bootstrap import App
from receiver.core.errors import Malformed
from receiver.http.json_body import json_response, object_of
from receiver.http.person import who_of
from receiver.operations.restore_copies import restore_missing
from receiver.operations.verify_copies import verify_document
from receiver.pipeline.records import document_named

AT_ONCE = 2
"""Documents that are read back at the same time; others wait."""
SECONDS = 20.0
"""For one document: API Gateway waits 30 for an answer. The command line has no limit."""


def routes(app: App) -> list[Route]:
    """The endpoint."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def verify(request: Request) -> Response:
        restore, who = await _asked(request)
        document = await document_named(request.path_params["document_id"], app.context.store)
        async with turns:
            check = await verify_document(document, app.context, seconds=SECONDS)
        restored = await restore_missing(check, app.context, who=who) if restore else 0
        return json_response(show.check(check) | {"restored": restored})

    return [Route("/documents/{document_id}/verify", verify, methods=["POST"])]


async def _asked(request: Request) -> tuple[bool, str]:
    """Whether what is missing is to be delivered again, and who asks. Raises Malformed."""
    body = await object_of(request, empty=True)
    restore = body.get("restore", False)
    if request.query_params or set(body) - {"restore", "who"} or not isinstance(restore, bool):
        raise Malformed('the body is empty, or {"restore": true, "who": "…"} to deliver again what is missing')
    return restore, who_of(request, body.get("who", ""))
