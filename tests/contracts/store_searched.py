"""What every store finds: searches, page after page. A part of the contract in store.py."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

import pytest

from receiver.core.change import Delete, Insert, Replace, changed
from receiver.core.document import Classification, Delivery, Document, DocumentState, Origin
from receiver.core.errors import Malformed
from receiver.core.plan import Target
from receiver.core.search import SearchPage, parse_search
from receiver.core.search_entry import SearchEntry
from receiver.ports import Store
from receiver.store.listing import cursor_at
from tests.builders import NOW, a_document

STATES = (DocumentState.ROUTED, DocumentState.REVIEW, DocumentState.ROUTED, DocumentState.OPEN, DocumentState.FAILED)
TYPES = ("invoice", "contract", "invoice", None)
NAMES = ("Harbour Freight", "Straße", "発注書", 'say "hi"', "50% off_")


def some_documents(number: int = 40) -> list[Document]:
    """Different in everything that is searched; some at the same moment, as the pieces of a packet are."""
    return [
        a_document(
            id=f"doc_{item * 7919 % 97:02d}{item}",
            name=f"{NAMES[item % 5]}-{item:03d}.pdf",
            taken_in_at=NOW + item // 3 * 0.05,
            state=STATES[item % 5],
            job_id=f"cls-{item % 4}x{item}",
            origin=Origin(
                kind="email" if item % 2 else "folder", locator=str(item), sender=f"ann{item % 6}@acme.example"
            ),
            metadata={"subject": f"Order {item % 9}"},
            classification=Classification(type=TYPES[item % 4], confidence=item % 10 / 10) if item % 7 else None,
            deliveries=(Delivery(id=f"dlv-{item}", to=Target(url=f"s3://mail/{item % 3}/"), route="r"),),
            batch_id=f"doc_batch{item % 11}",
        )
        for item in range(number)
    ]


async def found_by(store: Store, text: str, *, limit: int = 7) -> list[str]:
    """The ids that a search finds, page after page."""
    found: list[str] = []
    cursor, search = None, parse_search(text, now=NOW + 60)
    while True:
        page = await store.search(search, limit=limit, cursor=cursor)
        found += [item.id for item in page.records]
        assert len(page.records) <= limit
        if page.cursor is None:
            return found
        assert page.cursor != cursor
        cursor = page.cursor


def expected(text: str, documents: list[Document]) -> list[str]:
    search = parse_search(text, now=NOW + 60)
    entries = sorted((SearchEntry.of(item) for item in documents), key=lambda entry: entry.place, reverse=True)
    return [entry.place.document_id for entry in entries if search.fits(entry)]


SEARCHES = [
    "",
    "harbour",
    "HARBOUR freight",
    "strasse",
    "発注",
    "発注書",
    '"say ""hi"""',
    "50%",
    "f_",
    "of",
    "pdf",
    "-pdf",
    "-harbour type:invoice",
    "type:invoice",
    "type:contract state:review",
    'type:""',
    "type:invoice type:contract",
    "state:failed harbour",
    "state:routed confidence:<0.5",
    "confidence:0.2..0.6",
    "-confidence:<0.5",
    f"since:{'2027-01-15T08:00:00.25'}",
    "before:2027-01-15T08:00:00.3 since:2027-01-15T08:00:00.1",
    "before:2027-01-15T08:00:00.3 acme",
    "date:2027-01-15 type:invoice",
    "date:2027-01-14",
    "sender:ann3@",
    'subject:"order 4" type:invoice',
    "job:cls-2",
    "job:cls-2x6",
    "cls-2x6",
    "id:doc_6",
    "id:6",
    "doc_",
    "batch:doc_batch3",
    "batch:doc_batch",
    "source:email place:s3://mail/2",
    "sha256:0000",
    "nothing",
]


class SearchContract:
    """Its subclass provides the fixture ``store``."""

    searches: ClassVar[Sequence[str]] = SEARCHES
    page_size = 7

    async def test_a_search_finds_what_fits_newest_first_page_by_page(self, store: Store) -> None:
        documents = some_documents()
        await store.apply(*map(Insert, documents))
        for text in self.searches:
            assert await found_by(store, text, limit=self.page_size) == expected(text, documents), text

    async def test_a_search_follows_each_change(self, store: Store) -> None:
        document = a_document(name="before.pdf")
        await store.apply(Insert(document))
        assert await found_by(store, "before.pdf state:open") == [document.id]
        routed = changed(
            document,
            name="after.pdf",
            state=DocumentState.ROUTED,
            classification=Classification(type="invoice", confidence=0.5),
        )
        await store.apply(Replace(routed))
        await store.apply(Replace(changed(routed, version=1, job_id="cls-later")))
        for text in ("before.pdf", "after state:open", "after confidence:>0.5"):
            assert await found_by(store, text) == []
        for text in ("after state:routed type:invoice confidence:0.5", "cls-later"):
            assert await found_by(store, text) == [document.id]
        await store.apply(Delete(changed(routed, version=2)))
        assert await found_by(store, "") == await found_by(store, "after") == []

    async def test_documents_that_somebody_looked_up_are_found_besides(self, store: Store) -> None:
        documents = some_documents(8)
        await store.apply(*map(Insert, documents))
        (criterion,) = parse_search("job:cls-0x4", now=NOW).criteria
        search = replace(parse_search("", now=NOW), criteria=(replace(criterion, ids=frozenset({documents[6].id})),))
        page = await store.search(search)
        assert [item.id for item in page.records] == [documents[6].id, documents[4].id]

    async def test_the_first_page_says_how_many_there_are_if_all_were_looked_at(self, store: Store) -> None:
        documents = some_documents(9)
        await store.apply(*map(Insert, documents))
        page = await store.search(parse_search("acme", now=NOW), limit=9)
        assert page == SearchPage(page.records, None, 9, True, page.looked_at)
        assert page.looked_at >= 9

    @pytest.mark.parametrize("moment", [1e14, 1e300, -1e300])
    async def test_a_searchs_cursor_of_no_possible_moment_is_malformed(self, store: Store, moment: float) -> None:
        with pytest.raises(Malformed):
            await store.search(parse_search("acme", now=NOW), cursor=cursor_at("search", moment, "doc_x"))

    @pytest.mark.parametrize("cursor", ["", "x", "bm9wZQ"])
    async def test_a_searchs_cursor_that_nobody_gave_out_is_malformed(self, store: Store, cursor: Any) -> None:
        with pytest.raises(Malformed):
            await store.search(parse_search("", now=NOW), cursor=cursor)
