"""``GET /documents``: a search, page after page, in the language of receiver/core/search.py."""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from receiver import show
from receiver.core.document import DocumentState
from receiver.core.errors import Malformed
from receiver.core.search import Comparison, Criterion, Search, SearchPage, parse_search
from receiver.http.json_body import json_response
from receiver.http.listing import known_parameters, moment_of, page_limit
from receiver.operations.document_search import AT_MOST, documents_called, search_documents
from receiver.pipeline.context import Context

PARAMETERS = frozenset({"q", "called", "state", "type", "batch", "since", "limit", "cursor"})


async def list_documents(request: Request, context: Context) -> Response:
    """The documents that fit ``q`` and the other parameters, and how many there are."""
    given = known_parameters(request, PARAMETERS)
    if "called" in given:
        return await _called(given, context)
    search = _search(given, context.clock())
    types = {*context.config.table.types, *(context.config.types or ())}
    cursor = given.get("cursor") or None
    page = await search_documents(
        search, context.store, types=types, limit=page_limit(given.get("limit")), cursor=cursor
    )
    return json_response(
        {
            "documents": [show.document(item) for item in show.in_page_order(page.records)],
            **show.search_page(page),
            "q": str(search),
        }
    )


async def _called(given: Mapping[str, str], context: Context) -> Response:
    """The documents that a word names. Raises NotFound, and Malformed for another parameter beside it."""
    if len(given) > 1:
        raise Malformed("called goes with no other parameter")
    found = await documents_called(given["called"], context.store)
    nothing_more = SearchPage(found, None, len(found), total_is_exact=len(found) < AT_MOST, looked_at=len(found))
    return json_response(
        {"documents": [show.document(item) for item in found], **show.search_page(nothing_more), "q": ""}
    )


def _search(given: Mapping[str, str], now: float) -> Search:
    search = parse_search(given.get("q", ""), now=now)
    state, since = given.get("state") or None, moment_of(given.get("since"))
    if state is not None and state not in tuple(DocumentState):
        raise Malformed(f"state is one of {', '.join(DocumentState)}, not {state!r}")
    more = {"state": state, "type": given.get("type") or None, "batch": given.get("batch") or None}
    added = [Criterion(field=field, value=value) for field, value in more.items() if value]
    if since is not None:
        added.append(Criterion(field="since", value=str(show.moment(since)), comparisons=(Comparison(">=", since),)))
    return Search((*search.criteria, *added))
