"""The one decision: which row wins, which named way is taken, and why."""

from dataclasses import replace
from typing import Any
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.core import route
from receiver.core.document import Classification
from receiver.core.plan import Target, Way
from receiver.core.route import Fallback, Route, RouteTable, decide, decide_failed
from receiver.core.when import When
from tests.builders import NOW, a_document

INVOICES, CONTRACTS = Target(url="s3://mail/invoices/"), Target(url="s3://mail/contracts/")
UNSORTED, FAILED = Target(url="s3://mail/unsorted/"), Target(url="s3://mail/failed/")


def a_table(*routes: Route, **ways: Any) -> RouteTable:
    given = {
        "no_match": Fallback(to=(UNSORTED,), review=True),
        "low_confidence": Fallback(review=True),
        "failed": Fallback(to=(FAILED,)),
    }
    return RouteTable(routes=routes, **{**given, **ways})


def found(name: str | None, confidence: float = 0.9) -> Classification:
    return Classification(type=name, confidence=confidence)


INVOICE = Route(name="invoice", types=("invoice", "bill"), min_confidence=0.8, to=(INVOICES,))
CONTRACT = Route(name="contract", types=("contract",), to=(CONTRACTS,), review=True)
TABLE = a_table(INVOICE, CONTRACT)


@pytest.mark.parametrize("name", ["invoice", "bill"])
def test_the_row_of_the_type_wins(name: str) -> None:
    plan = decide(TABLE, found(name), a_document(), now=NOW)
    assert (plan.way, plan.route, plan.to, plan.review) == (Way.MATCHED, "invoice", (INVOICES,), False)
    assert plan.decided_at == NOW
    assert plan.table == TABLE.version


def test_the_threshold_itself_is_enough() -> None:
    assert decide(TABLE, found("invoice", 0.8), a_document(), now=NOW).way is Way.MATCHED


def test_below_the_threshold_goes_low_confidence_and_says_so() -> None:
    plan = decide(TABLE, found("invoice", 0.79), a_document(), now=NOW)
    assert (plan.way, plan.to, plan.review) == (Way.LOW_CONFIDENCE, (), True)
    assert plan.reason == "confidence 0.79 is below 0.80"


def test_a_confidence_that_is_no_number_is_low() -> None:
    assert decide(TABLE, found("invoice", float("nan")), a_document(), now=NOW).way is Way.LOW_CONFIDENCE


def test_a_null_type_goes_no_match_however_certain() -> None:
    plan = decide(TABLE, found(None, 1.0), a_document(), now=NOW)
    assert (plan.way, plan.to, plan.review) == (Way.NO_MATCH, (UNSORTED,), True)


def test_a_failed_job_goes_failed_with_its_reason() -> None:
    plan = decide_failed(TABLE, "the file is encrypted", now=NOW)
    assert (plan.way, plan.to, plan.reason) == (Way.FAILED, (FAILED,), "the file is encrypted")


def test_a_type_that_nobody_knows_is_held_for_a_person() -> None:
    plan = decide(TABLE, found("love letter"), a_document(), now=NOW)
    assert (plan.way, plan.to, plan.review) == (Way.UNROUTED, (), True)
    assert "love letter" in plan.reason


def test_a_row_may_deliver_and_still_ask_for_a_person() -> None:
    plan = decide(TABLE, found("contract", 0.1), a_document(), now=NOW)
    assert (plan.way, plan.to, plan.review) == (Way.MATCHED, (CONTRACTS,), True)


def test_the_first_row_that_fits_wins() -> None:
    table = a_table(Route(name="first", types=("a",)), Route(name="second", types=("a",)))
    assert decide(table, found("a"), a_document(), now=NOW).route == "first"


def test_a_later_row_with_a_lower_threshold_takes_what_the_first_left() -> None:
    table = a_table(Route(name="sure", types=("a",), min_confidence=0.9), Route(name="unsure", types=("a",)))
    assert decide(table, found("a", 0.5), a_document(), now=NOW).route == "unsure"


def test_the_trace_says_why_of_every_row_that_takes_the_type_down_to_the_one_that_wins() -> None:
    big = Route(name="big", types=("a",), when=When(min_pages=10))
    table = a_table(
        Route(name="other", types=("b",)), big, Route(name="all", types=("a",)), Route(name="d", types=("a",))
    )
    plan = decide(table, found("a"), a_document(page_count=2), now=NOW)
    assert [(row.route, row.matched, row.why) for row in plan.trace] == [
        ("big", False, "2 pages are fewer than 10"),
        ("all", True, "type 'a' with confidence 0.90, at least 0.00"),
    ]


def test_a_trace_is_bounded_however_long_the_table_is() -> None:
    rows = [Route(name=f"r{n}", types=("a",), when=When(sender=(f"{n}@x",))) for n in range(500)]
    plan = decide(a_table(*rows, Route(name="all", types=("a",))), found("a"), a_document(), now=NOW)
    assert (plan.route, len(plan.trace), plan.trace[-1].route) == ("all", 50, "all")


def test_an_unmet_condition_leaves_the_document_to_the_next_row() -> None:
    big = Route(name="big", types=("a",), when=When(min_pages=10))
    table = a_table(big, Route(name="rest", types=("a",)))
    assert decide(table, found("a"), a_document(page_count=12), now=NOW).route == "big"
    assert decide(table, found("a"), a_document(page_count=2), now=NOW).route == "rest"


BIG = Route(name="big", types=("a",), when=When(min_pages=10), to=(CONTRACTS,))
REST = Route(name="rest", types=("a",), to=(INVOICES,))


def test_a_document_whose_way_depends_on_what_nobody_knows_is_held() -> None:
    plan = decide(a_table(BIG, REST), found("a"), a_document(), now=NOW)
    assert (plan.way, plan.route, plan.to, plan.review) == (Way.UNDECIDED, "undecided", (), True)
    assert plan.reason == "would depend on the number of pages, which is unknown"
    assert [(row.route, row.matched, row.unknown) for row in plan.trace] == [
        ("big", False, True),
        ("rest", True, False),
    ]


@pytest.mark.parametrize(
    "rows",
    [
        [replace(BIG, to=REST.to), REST],  # the same place either way
        [REST, BIG],  # never read
        [replace(BIG, min_confidence=0.95), REST],  # the confidence settles it
        [replace(BIG, when=When(min_pages=10, source=("email",))), REST],  # the source settles it
        [replace(BIG, when=When(min_pages=10, any_of=(When(source=("email",)),))), REST],
        [replace(BIG, goes_on=True, to=REST.to), REST],
    ],
)
def test_what_nobody_knows_holds_no_document_whose_way_is_the_same_either_way(rows: list[Route]) -> None:
    plan = decide(a_table(*rows), found("a"), a_document(), now=NOW)
    assert (plan.way, plan.to, plan.review) == (Way.MATCHED, (INVOICES,), False)


@pytest.mark.parametrize(
    "rows",
    [
        [replace(BIG, goes_on=True), REST],
        [replace(BIG, review=True, to=REST.to), REST],
        [replace(BIG, when=When(none_of=(When(max_pages=9),))), REST],
        [BIG],
        [replace(BIG, min_confidence=0.95)],  # low_confidence, or no row at all
        [replace(BIG, to=REST.to), Route(name="copy", types=("*",), to=(UNSORTED,), goes_on=True), REST],
    ],
)
def test_what_could_make_any_difference_holds_the_document(rows: list[Route]) -> None:
    assert decide(a_table(*rows), found("a"), a_document(), now=NOW).way is Way.UNDECIDED
    assert decide(a_table(*rows, REST), found("a"), a_document(page_count=3), now=NOW).way is Way.MATCHED


ARCHIVE = Route(name="archive", types=("*",), to=(UNSORTED,), goes_on=True)


def test_a_row_that_continues_adds_its_places_to_whatever_way_the_document_takes() -> None:
    table = a_table(ARCHIVE, INVOICE, low_confidence=Fallback(to=(FAILED,), review=True))
    matched = decide(table, found("invoice"), a_document(), now=NOW)
    assert (matched.way, matched.route, matched.to) == (Way.MATCHED, "invoice", (UNSORTED, INVOICES))
    assert matched.reason.endswith("at least 0.80; also archive")
    assert [*matched.routes] == ["archive", "invoice"]
    low = decide(table, found("invoice", 0.2), a_document(), now=NOW)
    assert (low.way, low.to, low.review) == (Way.LOW_CONFIDENCE, (UNSORTED, FAILED), True)
    odd = decide(table, found("odd"), a_document(), now=NOW)
    assert (odd.way, odd.to, odd.review) == (Way.UNROUTED, (UNSORTED,), True)
    assert decide(table, found(None), a_document(), now=NOW).to == (UNSORTED,)
    assert decide(table, found(None), a_document(), now=NOW).via == ()


def test_a_place_that_two_rows_name_is_delivered_to_once() -> None:
    table = a_table(replace(ARCHIVE, to=(UNSORTED, INVOICES)), INVOICE)
    plan = decide(table, found("invoice"), a_document(), now=NOW)
    assert plan.to == (UNSORTED, INVOICES)
    assert [*plan.routes] == ["archive", "archive"]


def test_a_catch_all_takes_every_type_but_no_document_without_one() -> None:
    table = a_table(INVOICE, Route(name="any", types=("*",), to=(CONTRACTS,)))
    assert decide(table, found("love letter"), a_document(), now=NOW).route == "any"
    assert decide(table, found("invoice", 0.1), a_document(), now=NOW).route == "any"
    assert decide(table, found(None), a_document(), now=NOW).way is Way.NO_MATCH


def test_low_confidence_is_about_rows_whose_conditions_hold() -> None:
    table = a_table(Route(name="big", types=("a",), min_confidence=0.9, when=When(min_pages=10)))
    assert decide(table, found("a", 0.5), a_document(page_count=12), now=NOW).way is Way.LOW_CONFIDENCE
    assert decide(table, found("a", 0.5), a_document(page_count=2), now=NOW).way is Way.UNROUTED


@given(st.one_of(st.none(), st.text()), st.floats(allow_nan=True))
def test_deciding_always_gives_one_of_the_ways_and_never_nothing_to_do(name: str | None, confidence: float) -> None:
    plan = decide(TABLE, found(name, confidence), a_document(), now=NOW)
    assert plan.way in {Way.MATCHED, Way.NO_MATCH, Way.LOW_CONFIDENCE, Way.UNROUTED}
    assert plan.to or plan.review
    assert plan.reason


def test_the_version_follows_the_meaning_of_the_table() -> None:
    assert a_table(INVOICE, CONTRACT).version == TABLE.version
    assert a_table(CONTRACT, INVOICE).version != TABLE.version
    assert a_table(INVOICE, CONTRACT, failed=Fallback(review=True)).version != TABLE.version


def test_the_version_is_hashed_once_however_much_is_decided(monkeypatch: pytest.MonkeyPatch) -> None:
    table, hashed = a_table(INVOICE, CONTRACT), Mock(return_value={})
    monkeypatch.setattr(route, "_as_data", hashed)
    plans = [decide(table, found("invoice", 0.9), a_document(), now=NOW) for _ in range(20)]
    plans.append(decide_failed(table, "locked", now=NOW))
    assert {plan.table for plan in plans} == {table.version}
    hashed.assert_called_once_with(table)


def test_a_table_names_each_destination_once() -> None:
    table = a_table(INVOICE, INVOICE, packet=Fallback(to=(CONTRACTS, INVOICES)))
    assert table.targets() == (INVOICES, UNSORTED, FAILED, CONTRACTS)


def test_what_a_table_may_say_since_then_changes_no_fingerprint_of_one_that_does_not_say_it() -> None:
    """`mailroom replay --table` finds what an earlier Mailroom decided by this very table."""
    table = RouteTable(
        routes=(Route(name="a", types=("a",), to=(Target(url="s3://a/"),)),),
        no_match=Fallback(review=True), low_confidence=Fallback(review=True), failed=Fallback(review=True),
    )  # fmt: skip
    assert table.version == "8769a6cbbe7e"
    assert replace(table, mail=Fallback(review=True)).version != table.version
    (row,) = table.routes
    for other in (
        replace(row, goes_on=True),
        replace(row, when=When(duplicate=False)),
        replace(row, when=When(metadata={"a": ("b",)})),
    ):
        assert replace(table, routes=(other,)).version != table.version
