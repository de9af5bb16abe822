"""Every record of a listing, page after page."""

from collections.abc import AsyncIterator
from dataclasses import replace

from receiver.core.change import Query, R
from receiver.ports import Store


async def every(kind: type[R], query: Query, store: Store) -> AsyncIterator[R]:
    """The records that the query finds, in its order, ``query.limit`` read at a time. They may be changed meanwhile."""
    while True:
        page = await store.find(kind, query)
        for record in page.records:
            yield record
        if page.cursor is None:
            return
        query = replace(query, cursor=page.cursor)
