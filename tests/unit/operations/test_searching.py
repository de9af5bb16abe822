"""What a search finds besides what the store compares, and what it says where a store has no index of texts."""

import asyncio
from dataclasses import replace

import pytest

from receiver.core.change import Insert
from receiver.core.document import Classification, Document, DocumentState
from receiver.core.errors import Malformed, NotFound
from receiver.core.flag import Flag, bytes_flag
from receiver.core.search import SearchPage, parse_search
from receiver.operations.document_search import documents_called, search_documents
from receiver.store.memory import MemoryStore
from receiver.store.walked_search import walked_search
from tests.builders import NOW, a_document, a_job


class Walking(MemoryStore):
    """A store that compares some documents only, as DynamoDB does."""

    looks = 30

    async def search(self, search, *, limit=50, cursor=None):  # type: ignore[no-untyped-def]
        return await walked_search(self, search, limit=limit, cursor=cursor, look_at=self.looks, count=limit)


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Walking:
    monkeypatch.setattr("receiver.store.walked_search.READ_AT_ONCE", 10)
    store = Walking(clock=lambda: NOW)
    documents = [a_document(id=f"doc_{n:03d}", name=f"n{n}.pdf", taken_in_at=NOW + n) for n in range(100)]
    documents[3] = replace(documents[3], state=DocumentState.REVIEW, sha256="ab" * 32)
    job, flag = a_job(id="cls-old", document_id="doc_003"), Flag(id=bytes_flag("ab" * 32), value="doc_003", at=NOW)
    asyncio.run(store.apply(*map(Insert, documents), Insert(job), Insert(flag)))
    return store


def searched(store: Walking, text: str, cursor: str | None = None) -> SearchPage:
    search = parse_search(text, now=NOW)
    return asyncio.run(search_documents(search, store, types=("invoice",), limit=5, cursor=cursor))


def test_a_search_says_how_far_it_looked_and_its_cursor_goes_on(store: Walking) -> None:
    page = searched(store, "n3.pdf")
    assert (page.records, page.looked_at, page.back_to, page.total_is_exact) == ([], 30, NOW + 70, False)
    found: list[Document] = []
    while page.cursor:
        page = searched(store, "n3.pdf", page.cursor)
        found += page.records
    assert [item.id for item in found] == ["doc_003"]


@pytest.mark.parametrize(
    "text",
    ["doc_003", "id:doc_003", "cls-old", "job:cls-old", "AB" * 32, "state:review", "before:2027-01-15T08:00:04 n3"],
)
def test_what_an_id_or_an_index_names_is_found_at_once_however_old(store: Walking, text: str) -> None:
    assert [item.id for item in searched(store, text).records] == ["doc_003"]


def test_the_totals_count_all_documents_and_those_of_a_state(store: Walking) -> None:
    for text, total in (("", 100), ("state:open", 99)):
        page = searched(store, text)
        assert (len(page.records), page.total, page.total_is_exact) == (5, total, True)
    page = searched(store, "pdf")
    assert (len(page.records), page.total_is_exact) == (5, False)


@pytest.mark.parametrize(("text", "said"), [("type:invoce", "did you mean invoice?"), ("type:x", "known: invoice")])
def test_a_type_that_nothing_has_is_an_error(store: Walking, text: str, said: str) -> None:
    with pytest.raises(Malformed, match=said.replace("?", ".")):
        searched(store, text)
    assert searched(store, "type:invoice").records == []
    receipt = a_document(classification=Classification(type="receipt", confidence=1), taken_in_at=NOW + 500)
    asyncio.run(store.apply(Insert(receipt)))
    with pytest.raises(Malformed, match="did you mean receipt"):
        searched(store, "type:reciept")


def test_a_name_is_looked_for_among_a_bounded_number_of_documents(
    store: Walking, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [item.id for item in asyncio.run(documents_called("N7.PDF", store))] == ["doc_007"]
    monkeypatch.setattr("receiver.operations.document_search.LOOKED_AT", 60)
    with pytest.raises(NotFound, match="only the newest documents were looked at"):
        asyncio.run(documents_called("N7.PDF", store))
