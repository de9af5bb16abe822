"""How long documents took in a chaos run: measured on its own clock, and those that never ended are named."""

import pytest

from receiver.core.change import Insert, Replace, changed
from receiver.core.document import Document, DocumentState
from receiver.store.memory import MemoryStore
from tests.builders import a_document
from tests.chaos.placed import Placed

pytestmark = pytest.mark.anyio


class Watched:
    """A store with open documents that were acknowledged at 0 s, and a clock to set."""

    def __init__(self) -> None:
        self.store, self.now = MemoryStore(), 0.0
        self.acknowledged_at = {"doc_a": 0.0, "doc_b": 0.0}
        self.placed = Placed(self.store, self.acknowledged_at, clock=lambda: self.now)

    async def ingest(self) -> "Watched":
        for document_id in self.acknowledged_at:
            await self.store.apply(Insert(a_document(id=document_id, state=DocumentState.OPEN)))
        return self

    async def settle(self, document_id: str, *, at: float) -> None:
        document = await self.store.get(Document, document_id)
        assert document is not None
        await self.store.apply(Replace(changed(document, state=DocumentState.ROUTED)))
        self.now = at
        await self.placed.look()


async def test_the_bound_is_that_of_the_slowest_document() -> None:
    watched = await Watched().ingest()
    await watched.settle("doc_a", at=4.0)
    await watched.settle("doc_b", at=20.0)
    assert watched.placed.told() == (
        "every document was placed within 20 s of its acknowledgement, half of them within 12 s"
    )


async def test_one_that_is_open_in_the_end_is_not_passed_over() -> None:
    watched = await Watched().ingest()
    await watched.settle("doc_a", at=4.0)
    assert watched.placed.told().startswith("1 documents were not placed, all others within 4 s")


async def test_one_that_is_not_in_the_store_was_not_placed() -> None:
    watched = Watched()
    await watched.placed.look()
    assert watched.placed.told() == "no document was placed, of 2"
