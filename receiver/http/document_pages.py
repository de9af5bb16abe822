"""Shows a document's pages and texts to the operator, and makes links to download it that are valid for a minute.

A browser sends no token with an image or a download. The page fetches pictures with the token, and asks for a link to
download.
"""

from collections.abc import Awaitable
from typing import TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from receiver.bootstrap import App
from receiver.core.document import Document
from receiver.core.document_view import USUAL_WIDTH, WIDTHS, ShownAs, shown_as
from receiver.core.errors import FileGone, Malformed
from receiver.http.document_links import HEADERS, download_links, gone
from receiver.http.json_body import json_response
from receiver.operations.view_document import DocumentViews
from receiver.pipeline.records import document_named

Shown = TypeVar("Shown")


def routes(app: App) -> list[Route]:
    """The endpoints."""
    pages = DocumentPages(app)
    return [
        Route("/documents/{document_id}/pages", pages.pages),
        Route("/documents/{document_id}/pages/{page}.png", pages.picture),
        Route("/documents/{document_id}/text", pages.text),
        Route("/documents/{document_id}/link", pages.link),
    ]


class DocumentPages:
    """The endpoints, over one application."""

    def __init__(self, app: App) -> None:
        self._app, self._context = app, app.context
        self._views = DocumentViews(app.context)

    async def pages(self, request: Request) -> Response:
        """The number of pages, and the size of each."""
        document = await self._document(request)
        found = await _unless_gone(document, self._views.pages(document))
        sizes = [{"page": number, "width": wide, "height": high} for number, (wide, high) in enumerate(found.sizes, 1)]
        return json_response({"document_id": document.id, "page_count": found.count, "pages": sizes})

    async def picture(self, request: Request) -> Response:
        """A page as PNG."""
        page = _number("page", request.path_params["page"], range(1, 10**9))
        width = _number("width", request.query_params.get("width", str(USUAL_WIDTH)), WIDTHS)
        document = await self._document(request)
        found = await _unless_gone(document, self._views.picture(document, page, width))
        return Response(found, media_type="image/png", headers=HEADERS)

    async def text(self, request: Request) -> Response:
        """The text of a page, of a file without pages, or of a mail with its header fields."""
        given = request.query_params.get("page")
        page = None if given is None else _number("page", given, range(1, 10**9))
        document = await self._document(request)
        if shown_as(document.media_type) is ShownAs.MAIL:
            mail = await _unless_gone(document, self._views.mail(document))
            return json_response({"document_id": document.id, **msgspec.to_builtins(mail)})
        text = await _unless_gone(document, self._views.text(document, page))
        return json_response({"document_id": document.id, **msgspec.to_builtins(text)})

    async def link(self, request: Request) -> Response:
        """A link from which a browser downloads the document without the operator's token."""
        document = await self._document(request)
        links = download_links(self._app.access.keys)
        return json_response({"url": links.made(document.id, now=self._context.clock())[0]})

    async def _document(self, request: Request) -> Document:
        return await document_named(request.path_params["document_id"], self._context.store)


async def _unless_gone(document: Document, found: Awaitable[Shown]) -> Shown:
    try:
        return await found
    except FileGone as error:
        raise gone(document.id) from error


def _number(name: str, text: str, allowed: range) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 10 or int(text) not in allowed:
        raise Malformed(f"{name} is a number from {allowed[0]} to {allowed[-1]}, not {text[:20]!r}")
    return int(text)
