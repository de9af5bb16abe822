"""A search without an index of texts: it reads documents along the index that fits best, up to a limit."""

from collections.abc import Container
from dataclasses import replace

from receiver.core.change import Query
from receiver.core.document import Document, DocumentState
from receiver.core.errors import Malformed
from receiver.core.search import Search, SearchPage
from receiver.core.search_entry import SearchEntry, searchable
from receiver.ports import Store
from receiver.store import listing

BY = "search"
"""The listing that a search's cursors are of."""
READ_AT_ONCE = 250
LATEST = 1e12
"""A moment after all that a document was received at: cursors beyond it are not of ours."""
FEW = (DocumentState.REVIEW, DocumentState.FAILED, DocumentState.OPEN, DocumentState.WITHDRAWN)
"""States that have fewer documents than a type, as a rule."""


async def walked_search(
    store: Store, search: Search, *, limit: int, cursor: str | None, look_at: float, count: int
) -> SearchPage:
    """The page. It looks at about ``look_at`` documents, and ends as soon as it has found its ``limit`` and ``count``.

    The first page also has those that somebody looked up (``Criterion.ids``), however old. Raises Malformed.
    """
    by, key = _index_for(search)
    place = place_after(cursor)
    query = Query(
        by=by,
        key=key,
        since=search.since,
        until=search.until,
        newest_first=True,
        limit=limit + 1 if is_indexed(search) else READ_AT_ONCE,
        cursor=None if place is None else listing.cursor_at(by, *place),
    )
    found: list[Document] = []
    wanted = max(limit, count) if cursor is None else limit
    looked, ended = 0, False
    last: Document | None = None
    while not ended and looked < look_at and len(found) <= wanted:
        page = await store.find(Document, query)
        looked += len(page.records)
        found += [item for item in page.records if search.fits(SearchEntry.of(item))]
        last = page.records[-1] if page.records else last
        query, ended = replace(query, cursor=page.cursor), page.cursor is None
    if cursor is None and not ended and len(found) <= limit:
        found += await _looked_up(store, search, {item.id for item in found})
    is_full = len(found) > limit
    goes_on_after = found[limit - 1] if is_full else None if ended else last
    return SearchPage(
        records=found[:limit],
        cursor=listing.cursor_at(BY, goes_on_after.taken_in_at, goes_on_after.id) if goes_on_after else None,
        total=len(found) if cursor is None else None,
        total_is_exact=ended,
        looked_at=looked,
        back_to=goes_on_after.taken_in_at if goes_on_after and not is_full else None,
    )


def place_after(cursor: str | None) -> tuple[float, str] | None:
    """The place that a search's cursor names; None without one. Raises Malformed."""
    place = listing.place_at(BY, cursor)
    if place and not abs(place[0]) < LATEST:
        raise Malformed("the cursor is invalid")
    return place


def _index_for(search: Search) -> tuple[str, str | None]:
    """The index that has the fewest documents to look at, and the key."""
    batch, state, found_type = search.only("batch"), search.only("state"), search.only("type")
    if batch and batch == searchable(batch):
        return "batch", batch
    if state in FEW:
        return "state", state
    if found_type:
        return "type", found_type
    return ("state", state) if state else ("all", None)


def is_indexed(search: Search) -> bool:
    """Whether all documents of an index of documents, in some time, fit."""
    by, _ = _index_for(search)
    asked = [item for item in search.criteria if item.field not in ("since", "before", "date") or item.negated]
    return len(asked) <= 1 and all(item.field == by and not item.negated for item in asked)


async def _looked_up(store: Store, search: Search, known: Container[str]) -> list[Document]:
    """The documents that fit by their ids, but for the known ones, the newest first."""
    ids = sorted({item for criterion in search.criteria for item in criterion.ids if item not in known})
    there = [item for document_id in ids if (item := await store.get(Document, document_id))]
    fitting = [item for item in there if search.fits(SearchEntry.of(item))]
    return sorted(fitting, key=lambda item: (item.taken_in_at, item.id), reverse=True)
