"""Finds documents: by a search, or one by what people have of it."""

from collections.abc import Collection
from dataclasses import replace

from receiver.core.balance import Tally
from receiver.core.change import Query
from receiver.core.document import Document
from receiver.core.errors import Malformed, NotFound
from receiver.core.flag import Flag, bytes_flag
from receiver.core.ids import DOCUMENT
from receiver.core.job import Job
from receiver.core.problem import near
from receiver.core.search import Criterion, Search, SearchPage
from receiver.core.search_entry import searchable
from receiver.operations.document_report import fix_for_missing
from receiver.ports import Store

AT_MOST = 20
"""Documents that are listed when several fit."""
SAMPLE = 100
"""The newest documents, whose types are suggested for one that nothing has."""
PAGE = 500
LOOKED_AT = 10_000
"""Documents that are looked at for a name, or that have the word somewhere, where texts have an index."""


async def search_documents(
    search: Search, store: Store, *, types: Collection[str], limit: int, cursor: str | None = None
) -> SearchPage:
    """A page of the documents that fit.

    Besides what the store compares, an exact id, job (an earlier one too) or SHA-256 is looked up. Raises Malformed for
    a type that neither a document has nor ``types``, those of the rules and rows, name.
    """
    for item in search.criteria:
        if item.field == "type":
            await _refuse_unknown_type(item.value, store, types)
    looked_up = [replace(item, ids=await _ids_named(item, store)) for item in search.criteria]
    page = await store.search(Search(tuple(looked_up)), limit=limit, cursor=cursor)
    if page.total is None or page.total_is_exact or not _is_tallied(search):
        return page
    return page._replace(total=_total_in(await store.tally(), search), total_is_exact=True)


async def documents_called(word: str, store: Store) -> list[Document]:
    """The documents that this word fits: one by its id or a job's, else the newest AT_MOST by name or prefix of the id.

    A name fits whatever its case. Raises NotFound.
    """
    if not word:
        raise NotFound("an empty name is no document's", fix="to list them: mailroom documents")
    if exact := await _by_id(word, store):
        return [exact]
    search = Search((Criterion(value=word),))
    found, looked, page = list[Document](), 0, await store.search(search, limit=PAGE)
    while True:
        found += [item for item in page.records if _is_called(item, word)]
        looked += len(page.records) if page.back_to is None else page.looked_at
        if len(found) >= AT_MOST or page.cursor is None or looked >= LOOKED_AT:
            break
        page = await store.search(search, limit=PAGE, cursor=page.cursor)
    if not found:
        raise NotFound(
            f"there is no document {word}: no id or job id is or begins like this, and no name is this{_but(page)}",
            fix=await fix_for_missing(word, store),
        )
    return found[:AT_MOST]


async def _refuse_unknown_type(found_type: str, store: Store, types: Collection[str]) -> None:
    if not found_type or found_type in types:
        return
    if (await store.find(Document, Query(by="type", key=found_type, limit=1))).records:
        return
    newest = (await store.find(Document, Query(newest_first=True, limit=SAMPLE))).records
    known = sorted({*types, *(item.type for item in newest if item.type)})
    meant = near(found_type, known)
    hint = f"; did you mean {meant}?" if meant else f"; known: {', '.join(known)}" if known else ""
    raise Malformed(f"type:{found_type}: no document has this type, and mailroom.yaml does not name it{hint}")


async def _ids_named(item: Criterion, store: Store) -> frozenset[str]:
    """The documents that the value names: by their id, a job of theirs, or the first with these bytes."""
    if item.field not in ("", "id", "job", "sha256") or not item.value:
        return frozenset()
    found = set()
    if item.field in ("", "id") and (document := await store.get(Document, item.value)):
        found.add(document.id)
    if item.field in ("", "job") and (job := await store.get(Job, item.value)):
        found.add(job.document_id)
    if item.field == "sha256" and (flag := await store.get(Flag, bytes_flag(item.value.lower()))):
        found.add(flag.value)
    return frozenset(found)


def _is_tallied(search: Search) -> bool:
    """Whether it finds all documents, or all of one state, which the totals count."""
    return not search.criteria or [(item.field, item.negated) for item in search.criteria] == [("state", False)]


def _total_in(tally: Tally, search: Search) -> int:
    state = search.only("state")
    total: int = getattr(tally, state) if state else tally.ever - tally.forgotten
    return total


async def _by_id(word: str, store: Store) -> Document | None:
    if document := await store.get(Document, word):
        return document
    job = await store.get(Job, word)
    return await store.get(Document, job.document_id) if job else None


def _but(page: SearchPage) -> str:
    """Why there may be such a document all the same, after this last page; "" if all were looked at."""
    if page.not_indexed:
        missing = f"; the search index is being built, {page.not_indexed:,} documents are not in it yet"
        return f"{missing}: wait, or give its id or its job's"
    return "" if page.cursor is None else "; only the newest documents were looked at: give its id or its job's"


def _is_called(document: Document, word: str) -> bool:
    beginnings = (document.id, document.id.removeprefix(f"{DOCUMENT}_"), document.job_id)
    return searchable(document.name) == searchable(word) or any(item.startswith(word) for item in beginnings)
