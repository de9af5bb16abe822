"""Reads a document by its id, and all records of a query, page by page."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace

from receiver.core.change import Page, Query, R
from receiver.core.document import Document
from receiver.core.errors import Conflict, NotFound
from receiver.ports import Store

PAGE = 500


async def document_named(document_id: str, store: Store, *, version: int | None = None) -> Document:
    """The document. Raises NotFound; and Conflict if it is not the ``version`` that a person saw."""
    document = await store.get(Document, document_id)
    if document is None:
        raise NotFound(f"there is no document {document_id}", fix="to list them: mailroom documents")
    if version not in (None, document.version):
        raise Conflict("document", document_id)
    return document


async def every_page(kind: type[R], query: Query, store: Store) -> AsyncIterator[Page]:
    """The pages of the query, ``query.limit`` records each. Records may change during the iteration."""
    while True:
        page = await store.find(kind, query)
        yield page
        if page.cursor is None:
            return
        query = replace(query, cursor=page.cursor)


async def every_record(kind: type[R], query: Query, store: Store) -> AsyncIterator[R]:
    """The records of the query, in its order."""
    async for page in every_page(kind, query, store):
        for record in page.records:
            yield record


async def find_records(
    store: Store, kind: type[R], query: Query, *, limit: int, fits: Callable[[R], bool] | None = None
) -> list[R]:
    """Up to ``limit`` of these records; with ``fits`` of those that fit."""
    records: list[R] = []
    async for record in every_record(kind, replace(query, limit=PAGE if fits else min(limit, PAGE)), store):
        if fits and not fits(record):
            continue
        records.append(record)
        if len(records) == limit:
            break
    return records
