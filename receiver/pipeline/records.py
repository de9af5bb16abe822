"""The records of a listing, page after page."""

from collections.abc import AsyncIterator
from dataclasses import replace

from receiver.core.change import Query, R
from receiver.ports import Store

PAGE = 500


async def every_record(kind: type[R], query: Query, store: Store) -> AsyncIterator[R]:
    """The records that the query finds, in its order, ``query.limit`` read at a time. They may be changed meanwhile."""
    while True:
        page = await store.find(kind, query)
        for record in page.records:
            yield record
        if page.cursor is None:
            return
        query = replace(query, cursor=page.cursor)


async def find_records(store: Store, kind: type[R], query: Query, *, limit: int) -> list[R]:
    """Up to ``limit`` of these records."""
    records: list[R] = []
    async for record in every_record(kind, replace(query, limit=min(limit, PAGE)), store):
        records.append(record)
        if len(records) == limit:
            break
    return records
