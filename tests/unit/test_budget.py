"""A small rate for what outsiders can cause: kept whatever the order, and nobody is put off for ever."""

from hypothesis import given
from hypothesis import strategies as st

from receiver.core.budget import LONGEST, Budget

RATE, BURST = 4.0, 3


@given(st.lists(st.tuples(st.floats(0, 2), st.booleans()), max_size=60))
def test_no_stretch_of_time_sees_more_than_the_rate_and_one_burst(asks: list[tuple[float, bool]]) -> None:
    budget, now, went = Budget(per_second=RATE, burst=BURST), 1_000.0, list[float]()
    for pause, again in asks:
        now += pause
        if budget.take(now, again=again) == 0:
            went.append(now)
    for first, begin in enumerate(went):
        for last in range(first, len(went)):
            assert last - first + 1 <= BURST + RATE * (went[last] - begin) + 1e-6


@given(st.integers(1, 200))
def test_who_comes_back_when_told_to_goes_in_the_end(crowd: int) -> None:
    budget, begun = Budget(per_second=RATE, burst=BURST), 1_000.0
    due = [(begun, False)] * crowd
    went = list[float]()
    while due:
        now, again = due.pop(0)
        wait = budget.take(now, again=again)
        if wait == 0:
            went.append(now)
        else:
            due = sorted([*due, (now + wait, True)])
    assert len(went) == crowd
    assert max(went) - begun <= 2 * crowd / RATE


def test_who_comes_first_stands_behind_those_who_were_told_to_come_back() -> None:
    budget = Budget(per_second=1, burst=1)
    assert budget.take(100.0) == 0
    assert budget.take(100.0) == 1.0
    assert budget.take(101.0, again=True) == 0
    assert budget.take(101.5) > 0


def test_a_clock_that_is_set_back_stops_nobody() -> None:
    budget = Budget(per_second=1, burst=2)
    assert [budget.take(90_000.0) for _ in range(3)][:2] == [0, 0]
    assert budget.take(10.0, again=True) <= LONGEST + 1
    assert budget.take(11.5, again=True) == 0


def test_nobody_is_told_to_stay_away_for_long() -> None:
    budget = Budget(per_second=1, burst=1)
    assert max(budget.take(100.0) for _ in range(5000)) <= LONGEST + 1
