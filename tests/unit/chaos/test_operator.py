"""The operator of a chaos run: a packet whose bytes were removed before is expected as if it was not cut by hand."""

import random
from dataclasses import replace
from typing import Any, cast

import pytest

from receiver.core.change import Insert
from receiver.core.document import Document, DocumentState
from receiver.core.pages import Cut, Segment
from receiver.store.memory import MemoryStore
from tests.builders import a_document
from tests.chaos.operator import Operator
from tests.chaos.packets import packet
from tests.chaos.process_pool import ProcessPool

PACKET = packet(7, "merged", random.Random(1))
FIRST = Cut(at=5.0, by="job spl-1", task="t-1", pieces=(Segment(category="invoice", pages=(1,), confidence="high"),))
CUT = a_document(id="doc_p", state=DocumentState.ROUTED, cuts=(FIRST,))


class FakeCrew:
    """Processes whose commands do nothing."""

    def __init__(self) -> None:
        self.commands: list[tuple[str, ...]] = []

    async def command(self, name: str, *arguments: str) -> None:
        self.commands.append((name, *arguments))


async def at_work(document: Document, pool: FakeCrew) -> Operator:
    """An operator who has looked once."""
    store = MemoryStore()
    await store.apply(Insert(document))
    operator = Operator(cast("ProcessPool", pool), store, {"doc_p": PACKET})
    await operator.look()
    return operator


@pytest.mark.anyio
async def test_a_packet_is_cut_until_it_is_cut() -> None:
    pool = FakeCrew()
    operator = await at_work(CUT, pool)
    assert pool.commands == [("operator", "recut", "doc_p", *PACKET.hand, "--who", "operator")]
    assert operator.has_work
    assert operator.known == {"doc_p": PACKET}


@pytest.mark.anyio
async def test_a_packet_whose_bytes_were_forgotten_before_is_owed_as_it_was_cut_first() -> None:
    pool = FakeCrew()
    operator = await at_work(replace(CUT, forgotten_at=9.0), pool)
    late = cast("Any", operator.known["doc_p"])
    assert pool.commands == []
    assert not operator.has_work
    assert (late.pieces, late.withdrawn) == (PACKET.first, ())


@pytest.mark.anyio
async def test_a_packet_that_was_cut_by_hand_and_forgotten_then_is_expected_as_the_operator_cut_it() -> None:
    by_hand = replace(FIRST, by="operator")
    operator = await at_work(replace(CUT, forgotten_at=9.0, cuts=(FIRST, by_hand)), FakeCrew())
    assert not operator.has_work
    assert operator.known == {"doc_p": PACKET}
