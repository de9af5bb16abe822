"""A changed table is tried on the past: what would move is listed, and nothing is asked or written."""

import pytest

from receiver.config import parse
from receiver.core.change import Query
from receiver.flow.backtest import Trial, backtest
from receiver.flow.by_hand import Word, route_by_hand
from tests.desk import TABLE, Desk

pytestmark = pytest.mark.anyio


async def tried(desk: Desk, table: str, **query: object) -> list[Trial]:
    wanted = Query(**query)  # type: ignore[arg-type]
    return [one async for one in backtest(parse(table, {}).table, desk.store, wanted, now=desk.now)]


def moved(tested: list[Trial]) -> dict[str, str]:
    return {one.document.name: one.plan.route for one in tested if one.plan is not None}


async def test_the_same_table_moves_nothing(desk: Desk) -> None:
    await desk.routed("invoice", name="a.pdf", content=b"a")
    await desk.routed(None, name="b.pdf", content=b"b")
    tested = await tried(desk, TABLE)
    assert (len(tested), moved(tested)) == (2, {})


async def test_a_lower_threshold_moves_what_was_uncertain_and_nothing_else(desk: Desk) -> None:
    await desk.routed("invoice", 0.7, name="unsure.pdf", content=b"a")
    await desk.routed("invoice", 0.5, name="doubtful.pdf", content=b"b")
    await desk.routed("contract", 0.9, name="lease.pdf", content=b"c")
    assert moved(await tried(desk, TABLE.replace("0.8", "0.6"))) == {"unsure.pdf": "invoice"}


async def test_another_destination_is_a_move(desk: Desk) -> None:
    await desk.routed("contract", name="lease.pdf")
    (one,) = await tried(desk, TABLE.replace("bytes://contracts/", "bytes://legal/"))
    assert one.plan is not None
    assert [to.url for to in one.plan.to] == ["bytes://legal/"]


async def test_what_a_person_placed_stays(desk: Desk) -> None:
    document = await desk.routed("invoice", 0.5)
    await route_by_hand(document.id, Word(to="contract"), desk.tools)
    assert moved(await tried(desk, TABLE.replace("0.8", "0.4"))) == {}


async def test_nothing_is_asked_and_nothing_is_written(desk: Desk) -> None:
    before = await desk.routed("invoice", 0.7)
    orders = len(desk.cloud.orders)
    await tried(desk, TABLE.replace("0.8", "0.6"))
    assert (await desk.document(before.id), len(desk.cloud.orders)) == (before, orders)


async def test_only_the_documents_of_a_type_and_time_are_tested(desk: Desk) -> None:
    await desk.routed("invoice", name="old.pdf", content=b"a")
    desk.later(1000)
    await desk.routed("invoice", name="new.pdf", content=b"b")
    await desk.routed("contract", name="lease.pdf", content=b"c")
    tested = await tried(desk, TABLE, by="type", key="invoice", since=desk.now)
    assert [one.document.name for one in tested] == ["new.pdf"]
