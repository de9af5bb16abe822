"""A share that goes up is noticed when chance does not explain it, and only then."""

import pytest

from receiver.core.document import Classification
from receiver.core.plan import Plan, Way
from receiver.core.quality import Share, shares, worse
from tests.builders import a_document


@pytest.mark.parametrize(
    ("now", "before", "noticed"),
    [
        (Share(30, 100), Share(5, 100), True),
        (Share(5, 100), Share(30, 100), False),  # better is no alarm
        (Share(30, 100), Share(30, 100), False),
        (Share(8, 19), Share(0, 100), False),  # too few
        (Share(20, 40), Share(0, 19), False),
        (Share(600, 10_000), Share(100, 10_000), False),  # certain, and small
        (Share(4, 20), Share(1, 20), False),  # chance
        (Share(20, 20), Share(0, 20), True),
        (Share(20, 20), Share(20, 20), False),
    ],
)
def test_only_a_notable_and_certain_rise_is_noticed(now: Share, before: Share, noticed: bool) -> None:
    assert bool(worse({"no_match": now}, {"no_match": before})) is noticed


def test_what_was_not_there_before_is_no_rise() -> None:
    assert worse({"low_confidence:form": Share(50, 50)}, {}) == []


def test_uncertain_ones_are_counted_by_type_and_unmatched_ones_among_all() -> None:
    def decided(type_: str | None, way: Way) -> object:
        found = Classification(type=type_, confidence=0.5)
        return a_document(classification=found, plan=Plan(way=way, route=way, reason=""))

    documents = [
        decided("invoice", Way.MATCHED),
        decided("invoice", Way.LOW_CONFIDENCE),
        decided("letter", Way.MATCHED),
        decided(None, Way.NO_MATCH),
        a_document(),  # not decided yet
    ]
    assert shares(documents) == {  # type: ignore[arg-type]
        "no_match": Share(1, 4),
        "low_confidence:invoice": Share(1, 2),
        "low_confidence:letter": Share(0, 1),
    }
