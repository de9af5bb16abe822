"""The series: every document is in its hour once, however the passes that count them are cut."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receiver.core.change import Delete, Insert
from receiver.core.document import Classification, Delivery, DeliveryState, DocumentState
from receiver.core.flag import Flag
from receiver.core.job import JobStatus
from receiver.core.plan import Target
from receiver.core.series import (
    HOUR,
    LATE,
    MOST_NAMES,
    OTHER,
    Counts,
    at_most,
    by_frequent_names,
    by_name,
    counts_of,
    total,
)
from receiver.operations import hour_counts
from receiver.operations.hour_counts import DAY, KEPT_DAYS, SETTLE, count_hours
from receiver.operations.manual_routing import RoutingDecision, route_by_hand
from receiver.operations.read_series import PERIODS, read_series
from receiver.operations.sweep import sweep
from tests.builders import NOW, a_document
from tests.in_memory_app import InMemoryApp

pytestmark = pytest.mark.anyio
STATES = ("routed", "review", "failed", "open", "withdrawn")


def added_up(items: Iterable[Counts]) -> Counts:
    found = Counts()
    for item in items:
        found.update(item)
    return found


documents = st.lists(
    st.tuples(
        st.floats(0, 9 * HOUR),
        st.sampled_from(DocumentState),
        st.sampled_from([None, "invoice", "contract", "a/b"]),
        st.floats(0, 1),
    ),
    max_size=20,
)


@settings(max_examples=15)
@given(given=documents, each=st.integers(1, 9), pauses=st.lists(st.floats(0, 5 * HOUR), min_size=1, max_size=6))
async def test_the_series_has_each_document_once(
    tmp_path_factory: pytest.TempPathFactory,
    given: list[tuple[float, DocumentState, str | None, float]],
    each: int,
    pauses: list[float],
) -> None:
    app = InMemoryApp(tmp_path_factory.mktemp("series"))
    made = [
        a_document(taken_in_at=NOW + at, state=state, classification=Classification(type=type_, confidence=sure))
        for at, state, type_, sure in given
    ]
    waiting = sorted(made, key=lambda item: item.taken_in_at)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hour_counts, "READ", each)
        patch.setattr(hour_counts, "PAGE", min(each, 3))
        for pause in [*pauses, 10 * HOUR, *[0.0] * 25]:
            app.later(pause)
            while waiting and waiting[0].taken_in_at <= app.now:
                await app.store.apply(Insert(waiting.pop(0)))
            await count_hours(app.context)
    for period in ("7d", "30d"):
        found = await read_series(period, app.context)
        assert all(item.complete for item in found)
        assert added_up(item.counts for item in found) == added_up(counts_of(item, None) for item in made)


async def test_a_document_of_the_flow_says_how_late_it_was_and_how_it_was_heard_of(app: InMemoryApp) -> None:
    document = await app.submitted()
    job_id = document.job_id
    app.later(3)
    app.cloud.classified(job_id, "invoice", 0.95)
    app.cloud.finish(job_id, JobStatus.COMPLETED, ended_at=app.now)
    app.later(2.5)
    await app.event(job_id, document_id=document.id)
    await app.work()
    last = (await read_series("24h", app.context))[-1]
    assert last.counts == {
        "routed/invoice": 1, "sure/9/invoice": 1, "heard/event": 1, f"late/{LATE.index(3.0)}": 1,
        "delivered/bytes://invoices": 1, "delivered/words://invoices": 1,
    }  # fmt: skip
    assert at_most(last.counts, 0.95) == 3.0


async def test_a_result_without_an_event_is_heard_by_asking(app: InMemoryApp) -> None:
    document = await app.submitted()
    job_id = document.job_id
    app.cloud.classified(job_id, "invoice", 0.95)
    app.later(700)
    await sweep(app.context)
    await app.work()
    assert by_name((await read_series("24h", app.context))[-1].counts, "heard/") == {"asked": 1}


async def test_what_a_person_decided_late_is_not_lateness(app: InMemoryApp) -> None:
    document = await app.submitted()
    job_id = document.job_id
    app.cloud.classified(job_id, "invoice", 0.5)
    app.cloud.finish(job_id, JobStatus.COMPLETED, ended_at=app.now)
    await app.event(job_id, document_id=document.id)
    await app.work()
    app.later(9000)
    await route_by_hand(document.id, RoutingDecision(type="invoice", who="ann"), app.context)
    await app.work()
    await count_hours(app.context)
    counts = added_up(item.counts for item in await read_series("24h", app.context))
    assert (total(counts, "routed"), by_name(counts, "late/"), at_most(counts, 0.5)) == (1, {}, None)


async def test_an_hour_in_which_nothing_waits_is_not_counted_again(
    app: InMemoryApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    await app.store.apply(Insert(a_document(taken_in_at=NOW, state=DocumentState.ROUTED)))
    app.later(HOUR + SETTLE)
    await count_hours(app.context)
    counted = (await read_series("24h", app.context))[-2]
    app.later(HOUR)
    await count_hours(app.context)
    assert (await read_series("24h", app.context))[-3].counted_at == counted.counted_at


async def test_documents_whose_records_were_removed_stay_in_the_series(app: InMemoryApp) -> None:
    gone, waits = a_document(taken_in_at=NOW, state=DocumentState.ROUTED), a_document(taken_in_at=NOW)
    await app.store.apply(Insert(gone), Insert(waits))
    app.later(HOUR + SETTLE)
    await count_hours(app.context)
    await app.store.apply(Delete(gone))
    app.later(2 * HOUR)
    await count_hours(app.context)
    assert added_up(i.counts for i in await read_series("7d", app.context)) == {"routed/none": 1, "open/none": 1}


async def test_the_flags_of_the_days_are_used_in_turn(app: InMemoryApp) -> None:
    for day in range(2 * KEPT_DAYS):
        app.now = NOW + day * DAY
        await app.store.apply(Insert(a_document(taken_in_at=app.now, state=DocumentState.ROUTED)))
        app.later(HOUR + SETTLE)
        await count_hours(app.context)
    flags = [item for item in app.store._kept[Flag] if item.startswith("hours:")]
    assert len(flags) == KEPT_DAYS + 2
    assert total(added_up(i.counts for i in await read_series("30d", app.context)), *STATES) == 30


async def test_a_clock_that_was_ahead_leaves_no_gap(app: InMemoryApp) -> None:
    app.later(50 * HOUR)
    await count_hours(app.context)
    app.later(-50 * HOUR)
    await app.store.apply(Insert(a_document(taken_in_at=app.now)))
    for _ in range(3):
        app.later(HOUR + SETTLE)
        await count_hours(app.context)
    assert total(added_up(item.counts for item in await read_series("24h", app.context)), "open") == 1


async def test_hours_that_are_not_counted_yet_are_said_to_be_incomplete(
    app: InMemoryApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hour_counts, "READ", 1)
    monkeypatch.setattr(hour_counts, "PAGE", 1)
    await app.store.apply(*(Insert(a_document(taken_in_at=NOW + number * HOUR)) for number in range(5)))
    app.later(5 * HOUR)
    await count_hours(app.context)
    by_hour = {item.at - NOW // HOUR * HOUR: item for item in await read_series("24h", app.context)}
    assert [by_hour[number * HOUR].complete for number in (-1, 0, 1, 2, 3, 4)] == [
        True,
        True,
        False,
        False,
        False,
        True,
    ]


async def test_of_many_names_the_frequent_ones_are_kept() -> None:
    counts = Counts({f"routed/type{number:03}": 100 - number for number in range(50)})
    counts.update({"sure/3/type049": 7, "delivered/s3://mail": 9})
    after = by_frequent_names(counts)
    assert len(by_name(after, "routed/")) == MOST_NAMES + 1
    assert total(after, *STATES) == total(counts, *STATES)
    assert (after[f"sure/3/{OTHER}"], after["delivered/s3://mail"]) == (7, 9)
    assert by_frequent_names(after) == after


@pytest.mark.parametrize("period", PERIODS)
async def test_the_last_bucket_has_the_present_moment(app: InMemoryApp, period: str) -> None:
    step, number = PERIODS[period]
    found = await read_series(period, app.context)
    assert len(found) == number
    assert found[-1].at <= app.now < found[-1].at + step
    assert [later.at - item.at for item, later in pairwise(found)] == [step] * (number - 1)


async def test_a_delivery_that_gave_up_counts_for_its_partner() -> None:
    gave_up = Delivery(id="d", to=Target(url="s3://mail/x/"), route="invoice", state=DeliveryState.FAILED)
    counts = counts_of(a_document(deliveries=(gave_up, replace(gave_up, id="e", superseded=True))), None)
    assert by_name(counts, "gave_up/") == {"s3://mail": 1}
