"""Whether and when to try again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.core.errors import CloudBusy, CutOff, FileGone, OutOfTime, ReaderDied, StoreBusy, Uncuttable
from receiver.core.retry import ASKED_LIMIT, SCHEDULE, GiveUp, RetryAt, next_attempt

SPREAD = st.floats(0, 1)
ATTEMPTS = st.integers(1, len(SCHEDULE))


@given(ATTEMPTS, SPREAD)
def test_a_transient_error_is_tried_again_within_its_step_of_the_schedule(attempt: int, spread: float) -> None:
    decision = next_attempt(StoreBusy(), attempt=attempt, now=1000, spread=spread)
    assert isinstance(decision, RetryAt)
    assert SCHEDULE[attempt - 1] / 2 <= decision.at - 1000 <= SCHEDULE[attempt - 1]


@pytest.mark.parametrize(("spread", "part"), [(0.0, 0.5), (0.5, 0.75), (1.0, 1.0)])
def test_a_crowd_that_failed_together_is_spread_over_half_of_the_step(spread: float, part: float) -> None:
    for attempt, step in enumerate(SCHEDULE, 1):
        assert next_attempt(StoreBusy(), attempt=attempt, now=0, spread=spread) == RetryAt(step * part)


@given(ATTEMPTS, SPREAD, st.floats(0, ASKED_LIMIT))
def test_a_time_that_the_other_side_named_is_never_undercut(attempt: int, spread: float, asked: float) -> None:
    decision = next_attempt(CloudBusy(retry_after=asked), attempt=attempt, now=0, spread=spread)
    assert isinstance(decision, RetryAt)
    assert decision.at >= asked


def test_a_time_beyond_reason_holds_nothing_up() -> None:
    assert next_attempt(CloudBusy(retry_after=1e9), attempt=1, now=0, spread=0.5) == RetryAt(ASKED_LIMIT)


@pytest.mark.parametrize("error", [FileGone("the file is gone"), Uncuttable("it is locked")])
def test_a_permanent_error_is_given_up_at_once(error: Exception) -> None:
    assert next_attempt(error, attempt=1, now=0, spread=0.5) == GiveUp()


def test_a_step_that_is_out_of_time_is_given_up_after_few_attempts() -> None:
    last = OutOfTime.most_attempts
    assert last is not None
    assert last < len(SCHEDULE)
    assert isinstance(next_attempt(OutOfTime(), attempt=last - 1, now=0, spread=1), RetryAt)
    assert isinstance(next_attempt(OutOfTime(), attempt=last, now=0, spread=1), GiveUp)


@given(ATTEMPTS, SPREAD)
def test_an_attempt_that_was_cut_off_is_repeated_soon_for_as_often_as_any_other(attempt: int, spread: float) -> None:
    decision = next_attempt(CutOff(), attempt=attempt, now=0, spread=spread)
    assert isinstance(decision, RetryAt)
    assert decision.at <= 30
    assert isinstance(next_attempt(CutOff(), attempt=len(SCHEDULE) + 1, now=0, spread=spread), GiveUp)


def test_an_error_that_nobody_foresaw_is_tried_again() -> None:
    assert isinstance(next_attempt(KeyError("x"), attempt=1, now=0, spread=0.5), RetryAt)


def test_it_is_over_after_the_schedule() -> None:
    last = len(SCHEDULE)
    assert isinstance(next_attempt(StoreBusy("busy"), attempt=last, now=0, spread=1), RetryAt)
    given_up = next_attempt(StoreBusy("busy"), attempt=last + 1, now=0, spread=1)
    assert given_up == GiveUp()


def test_a_schedule_of_its_own_is_followed() -> None:
    assert next_attempt(StoreBusy(), attempt=1, now=0, spread=1, schedule=[7]) == RetryAt(7)
    assert isinstance(next_attempt(StoreBusy(), attempt=2, now=0, spread=1, schedule=[7]), GiveUp)


def test_the_schedule_ends_well_before_a_parse_source_expires() -> None:
    assert sum(SCHEDULE) < 24 * 3600


@given(ATTEMPTS, SPREAD)
def test_a_reader_that_died_is_tried_again_soon_whatever_failed_before(attempt: int, spread: float) -> None:
    decision = next_attempt(ReaderDied(), attempt=attempt, now=1000, spread=spread)
    assert isinstance(decision, RetryAt)
    assert decision.at - 1000 <= SCHEDULE[0]
