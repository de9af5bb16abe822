"""A changed table is tried on the past: what would move is listed, and nothing is asked or written."""

import pytest

from receiver.config import parse
from receiver.core.change import Query
from receiver.operations.backtest import BacktestResult, backtest
from receiver.operations.manual_routing import RoutingDecision, route_by_hand
from tests.in_memory_app import TABLE, InMemoryApp

pytestmark = pytest.mark.anyio


async def tried(app: InMemoryApp, table: str, **query: object) -> list[BacktestResult]:
    wanted = Query(**query)  # type: ignore[arg-type]
    return [item async for item in backtest(parse(table, {}).table, app.store, wanted, now=app.now)]


def moved(tested: list[BacktestResult]) -> dict[str, str]:
    return {item.document.name: item.plan.route for item in tested if item.plan is not None}


async def test_the_same_table_moves_nothing(app: InMemoryApp) -> None:
    await app.routed("invoice", name="a.pdf", content=b"a")
    await app.routed(None, name="b.pdf", content=b"b")
    tested = await tried(app, TABLE)
    assert (len(tested), moved(tested)) == (2, {})


async def test_a_lower_threshold_moves_what_was_uncertain_and_nothing_else(app: InMemoryApp) -> None:
    await app.routed("invoice", 0.7, name="unsure.pdf", content=b"a")
    await app.routed("invoice", 0.5, name="doubtful.pdf", content=b"b")
    await app.routed("contract", 0.9, name="lease.pdf", content=b"c")
    assert moved(await tried(app, TABLE.replace("0.8", "0.6"))) == {"unsure.pdf": "invoice"}


async def test_another_destination_is_a_move(app: InMemoryApp) -> None:
    await app.routed("contract", name="lease.pdf")
    (item,) = await tried(app, TABLE.replace("bytes://contracts/", "bytes://legal/"))
    assert item.plan is not None
    assert [to.url for to in item.plan.to] == ["bytes://legal/"]


async def test_what_a_person_placed_stays(app: InMemoryApp) -> None:
    document = await app.routed("invoice", 0.5)
    await route_by_hand(document.id, RoutingDecision(to="contract"), app.context)
    assert moved(await tried(app, TABLE.replace("0.8", "0.4"))) == {}


async def test_nothing_is_asked_and_nothing_is_written(app: InMemoryApp) -> None:
    before = await app.routed("invoice", 0.7)
    orders = len(app.cloud.orders)
    await tried(app, TABLE.replace("0.8", "0.6"))
    assert (await app.document(before.id), len(app.cloud.orders)) == (before, orders)


async def test_only_the_documents_of_a_type_and_time_are_tested(app: InMemoryApp) -> None:
    await app.routed("invoice", name="old.pdf", content=b"a")
    app.later(1000)
    await app.routed("invoice", name="new.pdf", content=b"b")
    await app.routed("contract", name="lease.pdf", content=b"c")
    tested = await tried(app, TABLE, by="type", key="invoice", since=app.now)
    assert [item.document.name for item in tested] == ["new.pdf"]
