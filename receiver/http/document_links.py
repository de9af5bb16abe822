"""Serves signed links in messages: to a document that only Mailroom stores, and to its manifest.

A link is valid for one document until it expires, and needs no sign-in. The operator's token opens both as well.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import cast

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from receiver.bootstrap import App
from receiver.core.delivery_request import Content
from receiver.core.document import Document
from receiver.core.errors import FileGone, NotViewable
from receiver.core.links import ContentLinks
from receiver.core.manifest import manifest, stored_manifest
from receiver.core.object_key import attachment
from receiver.core.retention import DAY
from receiver.http.auth import Endpoint
from receiver.packets.pieces import pieces_of
from receiver.pipeline.content import content_of, not_viewable_unless_read
from receiver.pipeline.context import Context
from receiver.pipeline.records import document_named

HEADERS = {
    # A browser must download the document, and not run any of it under our origin.
    "content-security-policy": "sandbox; default-src 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "private, no-store",
}
DOWNLOAD_SECONDS = 60.0
"""Seconds for which a link of the operator's page is valid: the page uses it at once."""
REFUSED = "this link is invalid or expired: ask the operator of Mailroom for the document"
UNREADABLE = "Mailroom cannot read the bytes of this document now: ask its operator"
Show = Callable[[Document, Context], Awaitable[Response]]


def routes(app: App) -> list[Route]:
    """The endpoints. With ``?token=`` nobody else checks who asks, so they do (BY_LINK in roles.py)."""
    return [
        Route("/documents/{document_id}/content", _by_link(app, _content)),
        Route("/documents/{document_id}/manifest", _by_link(app, _manifest)),
    ]


def download_links(keys: tuple[bytes, ...]) -> ContentLinks:
    """Signs links for the operator's page, which are valid for a minute, and not beyond a change of the keys."""
    return ContentLinks(base="", days=DOWNLOAD_SECONDS / DAY, secrets=keys)


def _by_link(app: App, show: Show) -> Endpoint:
    context = app.context

    async def shown(request: Request) -> Response:
        document = await document_named(request.path_params["document_id"], context.store)
        return await show(document, context)

    async def endpoint(request: Request) -> Response:
        if (token := request.query_params.get("token")) is None:
            return await shown(request)
        document_id = request.path_params["document_id"]
        made_by = [context.links] if context.links else []
        if app.access.keys:
            made_by.append(download_links(app.access.keys))
        if not any(links.proves(token, document_id, now=context.clock()) for links in made_by):
            raise HTTPException(403, REFUSED)
        try:
            return await shown(request)
        except NotViewable as error:  # its reason names places and roles, which only the operator may know
            raise NotViewable(UNREADABLE) from error

    return endpoint


def gone(document_id: str) -> HTTPException:
    """The reply to FileGone, whose own message may contain a path on this machine."""
    return HTTPException(410, f"the bytes of document {document_id} are no longer available")


async def _content(document: Document, context: Context) -> Response:
    """The bytes, or a redirect to them in S3: a Lambda function can return only 6 MB."""
    try:
        with not_viewable_unless_read():
            content = await content_of(document, context)
            if content.download is not None:
                return RedirectResponse(await content.download(document.name), 307, headers=HEADERS)
            return await _streamed(document, content)
    except FileGone as error:
        raise gone(document.id) from error


async def _streamed(document: Document, content: Content) -> Response:
    """Starts the response when the first bytes were read, because until then an error can still be returned."""
    chunks = cast("AsyncGenerator[bytes]", content.stream())
    first = await anext(chunks, b"")

    async def body() -> AsyncIterator[bytes]:
        async with aclosing(chunks):
            yield first
            async for chunk in chunks:
                yield chunk

    headers = {**HEADERS, "content-disposition": attachment(document.name)}
    if content.sha256:
        headers |= {"content-length": str(content.size), "etag": f'"{content.sha256}"'}
    return StreamingResponse(body(), headers=headers, media_type=content.media_type or "application/octet-stream")


async def _manifest(document: Document, context: Context) -> Response:
    """The current manifest, without a delivery, because nothing was delivered."""
    content = manifest(document, delivery_id="", pieces=await pieces_of(document, context))
    stored = stored_manifest(content, delivery_id="", document_id=document.id, location="", sha256=document.sha256)
    return JSONResponse(stored, headers=HEADERS)
