"""Where a result would go, and why."""

from typing import Any

import pytest

from receiver.core.document import Classification
from receiver.core.explain import explain
from receiver.core.plan import Target, Way
from receiver.core.route import Fallback, Route, RouteTable
from receiver.core.when import When
from tests.builders import NOW, a_document

TABLE = RouteTable(
    routes=(
        Route(name="big", types=("invoice",), when=When(min_pages=10), to=(Target(url="sqs://big"),)),
        Route(name="sure", types=("invoice",), min_confidence=0.8, to=(Target(url="s3://mail/{type}/{yyyy}/"),)),
        Route(name="rest", types=("invoice", "bill"), min_confidence=0.2, review=True),
    ),
    no_match=Fallback(review=True),
    low_confidence=Fallback(to=(Target(url="s3://mail/low/"),), review=True),
    failed=Fallback(to=(Target(url="s3://mail/failed/"),)),
)


def verdicts(name: str | None, confidence: float, **fields: Any) -> tuple[str, dict[str, str]]:
    found = explain(TABLE, Classification(type=name, confidence=confidence), a_document(**fields), now=NOW)
    return found.plan.way, {row.route: ("+" if row.matched else "-") + row.why for row in found.rows}


def test_each_row_says_why_and_only_one_matches() -> None:
    way, rows = verdicts("invoice", 0.9, page_count=3)
    assert way == Way.MATCHED
    assert rows == {
        "big": "-3 pages are fewer than 10",
        "sure": "+type 'invoice' with confidence 0.90, at least 0.80",
        "rest": "-matches too, but sure is above it",
    }


def test_low_confidence_shows_how_near_each_row_was() -> None:
    way, rows = verdicts("bill", 0.1)
    assert way == Way.LOW_CONFIDENCE
    assert rows["rest"] == "-confidence 0.10 is below 0.20"
    assert rows["sure"] == "-type 'bill' is not invoice"


def test_what_nobody_knows_is_said() -> None:
    way, rows = verdicts("invoice", 0.9)
    assert way == Way.UNDECIDED
    assert rows["big"] == "-would depend on the number of pages, which is unknown"
    assert rows["sure"].startswith("+type")


def test_rows_are_not_asked_when_there_is_no_type_or_no_result() -> None:
    way, rows = verdicts(None, 0.9)
    assert way == Way.NO_MATCH
    assert set(rows.values()) == {"-not asked: no rule matches this document"}
    failed = explain(TABLE, "the file is encrypted", a_document(), now=NOW)
    assert failed.plan.way is Way.FAILED
    assert {row.why for row in failed.rows} == {"not asked: the file is encrypted"}


@pytest.mark.parametrize(
    ("name", "confidence", "place"),
    [
        ("invoice", 0.9, "s3://mail/invoice/2027/doc_1/a.pdf"),
        ("invoice", 0.1, "s3://mail/low/doc_1/a.pdf"),
    ],
)
def test_places_have_their_fields_filled_in(name: str, confidence: float, place: str) -> None:
    document = a_document(id="doc_1", name="../a.pdf", page_count=1)
    found = explain(TABLE, Classification(type=name, confidence=confidence), document, now=NOW)
    assert found.places == (place,)
