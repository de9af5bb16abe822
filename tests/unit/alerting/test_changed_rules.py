"""What a channel is told when ``alerts`` in mailroom.yaml names it anew, or again."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from receiver.alerting.changed_rules import SETTLED_SECONDS, catch_up
from receiver.core.change import Query
from receiver.core.notification import Notification
from receiver.operations.manual_routing import RoutingDecision, route_by_hand
from tests.in_memory_app import TABLE, InMemoryApp, InMemoryChannel
from tests.unit.alerting.test_alert import fail, sweep_after
from tests.unit.alerting.test_notify import SECOND, TWO, occur, until_rest

pytestmark = pytest.mark.anyio
NEVER_REMINDED = TWO.replace("at_most: 1 per 10 minutes}\n", "repeat: never}\n")


async def change(app: InMemoryApp, table: str, second: InMemoryChannel | None) -> None:
    """mailroom.yaml names a second channel from now on, or no more, and the sweep passes."""
    app.use(table)
    app.context = replace(app.context, channels={"log": app.channel, **({SECOND: second} if second else {})})
    await sweep_after(app)
    await until_rest(app)


async def test_a_new_channel_hears_of_what_stands_and_not_of_what_is_over(app: InMemoryApp) -> None:
    over, second = await fail(app, "a.pdf", "damaged"), InMemoryChannel()
    await route_by_hand(over, RoutingDecision(to="contract"), app.context)
    await fail(app, "b.pdf", "encrypted")
    await change(app, TABLE, None)
    await change(app, TWO, second)
    assert [(str(notice.status), notice.detail) for notice, _ in second.told] == [("firing", "encrypted")]


@pytest.mark.parametrize("table", [NEVER_REMINDED, TWO], ids=["never reminded", "to be reminded in hours"])
async def test_a_channel_that_is_back_hears_the_end_of_what_it_heard_of_and_not_what_it_missed(
    app: InMemoryApp, table: str
) -> None:
    second = InMemoryChannel()
    await change(app, table, second)
    heard = await fail(app, "a.pdf", "damaged")
    await until_rest(app)
    await change(app, TABLE, None)
    missed = await fail(app, "b.pdf", "encrypted")
    for document_id in (heard, missed):
        await route_by_hand(document_id, RoutingDecision(to="contract"), app.context)
    await sweep_after(app)
    await until_rest(app)
    assert second.words == ["firing job.failed"]
    await change(app, table, second)
    assert [(str(notice.status), notice.cause) for notice, _ in second.told] == [
        ("firing", "damaged"), ("resolved", "damaged"),
    ]  # fmt: skip


async def test_a_channel_that_is_back_hears_of_the_next_incident_of_a_cause_that_it_knew(app: InMemoryApp) -> None:
    second = InMemoryChannel()
    await change(app, TWO, second)
    heard = await fail(app, "a.pdf")
    await until_rest(app)
    await change(app, TABLE, None)
    await route_by_hand(heard, RoutingDecision(to="contract"), app.context)
    await app.work()
    await sweep_after(app, after=600)
    await fail(app, "b.pdf")
    await change(app, TWO, second)
    assert [(str(notice.status), notice.number) for notice, _ in second.told] == [("firing", 1), ("firing", 2)]


async def test_what_ended_while_a_channel_was_away_is_none_of_its_other_causes(
    app: InMemoryApp, any_number_of_causes: None
) -> None:
    small, second = NEVER_REMINDED.replace("repeat: never", "ceiling: 1 per 10 minutes"), InMemoryChannel()
    await change(app, small, second)
    documents = [await fail(app, f"{cause}.pdf", cause) for cause in ("damaged", "encrypted")]
    await until_rest(app)
    assert await held(app) == 1
    await change(app, TABLE, None)
    for document_id in documents:
        await route_by_hand(document_id, RoutingDecision(to="contract"), app.context)
    await sweep_after(app)
    await change(app, small, second)
    assert await held(app) == 0


async def held(app: InMemoryApp) -> int:
    return len((await app.store.find(Notification, Query(by="held", key=SECOND, limit=10))).records)


async def test_what_another_process_raises_by_the_rules_before_is_told_after_all(app: InMemoryApp) -> None:
    second, before = InMemoryChannel(), app.context
    await change(app, TWO, second)
    now, app.context = app.context, before
    await fail(app, "a.pdf")
    app.context = now
    await sweep_after(app)
    await until_rest(app)
    assert second.words == []
    await sweep_after(app, after=SETTLED_SECONDS)
    await until_rest(app)
    assert second.words == ["firing job.failed"]


async def test_rules_that_stay_cost_one_read(app: InMemoryApp, monkeypatch: pytest.MonkeyPatch) -> None:
    await occur(app, "cause")
    for _ in range(2):
        await sweep_after(app, after=SETTLED_SECONDS)
    reads: list[str] = []
    get: Callable[..., Awaitable[object]] = app.store.get

    async def counted(kind: type, record_id: str) -> object:
        reads.append(record_id)
        return await get(kind, record_id)

    monkeypatch.setattr(app.store, "get", counted)
    monkeypatch.setattr(app.store, "find", None)
    await catch_up(app.context)
    assert reads == ["alerting:rules"]
