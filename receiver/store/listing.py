"""What all stores share about listings: the index of a query, and cursors.

A cursor is the place in an index after which the next page begins (order value and id), as an opaque string.
"""

import base64
import binascii
from collections.abc import Sequence

import msgspec

from receiver.core.change import INDEXES, Index, Page, Query, Record, kind_of
from receiver.core.errors import Malformed

_place = msgspec.json.Decoder(tuple[str, float, str])


def index_of(kind: type[Record], query: Query) -> Index:
    """The index that the query names. KeyError or ValueError for a query that no index answers: a bug of ours."""
    index = INDEXES[kind].get(query.by)
    if index is None:
        raise KeyError(f"{kind_of(kind)} has no index {query.by!r}; it has {', '.join(INDEXES[kind]) or 'none'}")
    if (index.key is None) != (query.key is None):
        raise ValueError(f"{kind_of(kind)} by {query.by!r} is found {'with' if index.key else 'without'} a key")
    if index.unlisted is not None and query.key == index.unlisted:
        raise ValueError(f"{kind_of(kind)} by {query.by!r} is not found with '{query.key}': filter another listing")
    if query.limit < 1:
        raise Malformed(f"a page holds at least one record, not {query.limit}")
    return index


def page_of(query: Query, rows: Sequence[tuple[Record, float, str]]) -> Page:
    """The page made of up to ``limit + 1`` rows of record, order value and id; the last row only shows that there are
    more.
    """
    records = [record for record, _, _ in rows[: query.limit]]
    if len(rows) <= query.limit:
        return Page(records, None)
    _, order, record_id = rows[query.limit - 1]
    return Page(records, cursor_at(query.by, order, record_id))


def after(query: Query) -> tuple[float, str] | None:
    """The order value and id that the page begins after; None for the first page. Raises Malformed."""
    return place_at(query.by, query.cursor)


def cursor_at(by: str, order: float, record_id: str) -> str:
    """The cursor of what follows this place in a listing."""
    return base64.urlsafe_b64encode(msgspec.json.encode((by, order, record_id))).decode().rstrip("=")


def place_at(by: str, cursor: str | None) -> tuple[float, str] | None:
    """The order value and id of a cursor of this listing; None without one. Raises Malformed."""
    if cursor is None:
        return None
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        of, order, record_id = _place.decode(raw)
    except (binascii.Error, ValueError, msgspec.MsgspecError) as error:
        raise Malformed("the cursor is invalid") from error
    if of != by:
        raise Malformed(f"the cursor is of a listing by {of}, not by {by}")
    return order, record_id
