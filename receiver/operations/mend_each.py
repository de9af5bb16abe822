"""One action about many documents: each is resubmitted, reclassified or dismissed separately, with its own result."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from receiver.core.document import Document
from receiver.core.errors import Conflict, MailroomError, Malformed, NotAllowed, NotFound
from receiver.core.price import Price, price_of
from receiver.core.search import Search
from receiver.operations.document_search import search_documents
from receiver.operations.failed_documents import Skipped, dismiss, resubmit, why_not
from receiver.operations.reclassify import reclassify, why_not_reclassified
from receiver.pipeline.context import Context
from receiver.pipeline.records import document_named

PAGE = 500
Act = Callable[[str], Awaitable[Document | Skipped]]
"""What is done about the document with this id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MendingResult:
    """What happened to one document."""

    document_id: str
    document: Document | None = None
    """As it is now; None if there is no such document."""
    why: str = ""
    """Why nothing was done; "" if it was."""

    def shown(self) -> dict[str, Any]:
        """The result as the HTTP API shows it."""
        name, state = (self.document.name, self.document.state) if self.document else (None, None)
        done = not self.why
        return {"document_id": self.document_id, "name": name, "state": state, "done": done, "why": self.why or None}


@dataclass(frozen=True, slots=True, kw_only=True)
class PricePreview:
    """Documents, each with why nothing would be done with it ("" if something would), and the price of the others."""

    documents: Sequence[tuple[Document, str]]
    price: Price

    def shown(self) -> dict[str, Any]:
        """The preview as the HTTP API shows it."""
        rows = [
            {"document_id": item.id, "name": item.name, "pages": item.page_count, "why_not": why or None}
            for item, why in self.documents
        ]
        wanted = sum(row["why_not"] is None for row in rows)
        return {"documents": rows, "wanted": wanted, "price": str(self.price)}


async def foreseen_resubmission(ids: Sequence[str], context: Context) -> PricePreview:
    """What resubmitting these would cost. Raises NotFound."""
    return await _priced(ids, why_not, context)


async def foreseen_reclassification(
    ids: Sequence[str], context: Context, *, also_decided: bool = False
) -> PricePreview:
    """What reclassifying these would cost. Raises NotFound."""
    return await _priced(ids, partial(why_not_reclassified, also_decided=also_decided), context)


async def _priced(ids: Sequence[str], refused: Callable[[Document], str], context: Context) -> PricePreview:
    documents = [await document_named(item, context.store) for item in ids]
    judged = [(item, refused(item)) for item in documents]
    return PricePreview(documents=judged, price=price_of([item for item, why in judged if not why]))


def resubmit_each(ids: Sequence[str], context: Context, *, who: str) -> AsyncIterator[MendingResult]:
    """The result for each document, in this order."""
    return _each(ids, lambda document_id: resubmit(document_id, context, who=who), context)


def reclassify_each(
    ids: Sequence[str], context: Context, *, who: str, also_decided: bool = False
) -> AsyncIterator[MendingResult]:
    """The result for each document, in this order."""
    return _each(ids, lambda each: reclassify(each, context, who=who, also_decided=also_decided), context)


def dismiss_each(ids: Sequence[str], note: str, context: Context, *, who: str) -> AsyncIterator[MendingResult]:
    """The result for each document, in this order."""
    return _each(ids, lambda document_id: dismiss(document_id, note, context, who=who), context)


async def _each(ids: Sequence[str], act: Act, context: Context) -> AsyncIterator[MendingResult]:
    for document_id in ids:
        yield await _result(document_id, act, context)


async def _result(document_id: str, act: Act, context: Context) -> MendingResult:
    try:
        done = await act(document_id)
    except (NotAllowed, NotFound, Conflict) as error:
        known = await context.store.get(Document, document_id)
        return MendingResult(document_id=document_id, document=known, why=in_full(error))
    if isinstance(done, Skipped):
        return MendingResult(document_id=document_id, document=done.document, why=done.why)
    return MendingResult(document_id=document_id, document=done)


def in_full(error: MailroomError) -> str:
    """The error and what to do about it, in one line."""
    return "; ".join(filter(None, (str(error), error.fix)))


async def ids_found(search: Search, context: Context, *, most: int) -> list[str]:
    """The ids of all documents that a search finds. Raises Malformed if these may not be all, or are over ``most``."""
    types = {*context.config.table.types, *(context.config.types or ())}
    found, cursor = list[str](), None
    while True:
        page = await search_documents(search, context.store, types=types, limit=PAGE, cursor=cursor)
        if page.back_to is not None or page.not_indexed:
            raise Malformed("the search cannot look at all documents: add a date (since:), a state or a type")
        found += [item.id for item in page.records]
        if len(found) > most:
            raise Malformed(f"more than {most:,} documents match: give a smaller selection")
        if (cursor := page.cursor) is None:
            return found
