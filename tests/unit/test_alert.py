"""One notice per cause and window, with the count of those that were held back."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receiver.core.alert import KINDS, Alert, AlertRule, AlertState, state_id, state_parts, weigh


def an_alert_at(at: float, subject: str = "doc_1") -> Alert:
    return Alert(
        kind="job.failed", cause="encrypted", title="encrypted", detail="…", subject=subject, fix="mend", at=at
    )


def test_the_first_of_a_cause_is_told_at_once() -> None:
    state, due = weigh(an_alert_at(10), None, window_seconds=60)
    assert due
    assert (state.id, state.count, state.suppressed, state.notified_at) == ("job.failed:encrypted", 1, 0, 10)
    assert (state.example, state.fix) == ("doc_1", "mend")


def test_more_within_the_window_are_only_counted() -> None:
    state, _ = weigh(an_alert_at(10), None, window_seconds=60)
    for at in (11, 40, 69.9):
        state, due = weigh(an_alert_at(at), state, window_seconds=60)
        assert not due
    assert (state.count, state.suppressed, state.notified_at, state.last_at) == (4, 3, 10, 69.9)


def test_the_first_after_the_window_is_told_again() -> None:
    state, _ = weigh(an_alert_at(10), None, window_seconds=60)
    state, _ = weigh(an_alert_at(20), state, window_seconds=60)
    state, due = weigh(an_alert_at(70, subject="doc_9"), state, window_seconds=60)
    assert due
    assert (state.suppressed, state.notified_at, state.example) == (0, 70, "doc_9")


def test_what_comes_back_after_it_was_resolved_is_told_at_once() -> None:
    state, _ = weigh(an_alert_at(10), None, window_seconds=60)
    state, due = weigh(an_alert_at(12), replace(state, resolved_at=11), window_seconds=60)
    assert due
    assert (state.resolved_at, state.first_at) == (None, 12)


@given(st.lists(st.floats(0, 500), min_size=1, max_size=60), st.floats(1, 100))
def test_notices_of_a_cause_are_never_closer_than_the_window_and_none_is_uncounted(
    moments: list[float], window: float
) -> None:
    state: AlertState | None = None
    told: list[float] = []
    for at in sorted(moments):
        state, due = weigh(an_alert_at(at), state, window_seconds=window)
        if due:
            told.append(at)
    assert state is not None
    assert all(later - earlier >= window for earlier, later in pairwise(told))
    assert state.count == len(moments)
    assert told[0] == min(moments)


@pytest.mark.parametrize(
    ("kinds", "wanted"),
    [
        (("job.failed",), {"job.failed"}),
        (("delivery.*",), {"delivery.failed", "delivery.conflict"}),
        (("*",), set(KINDS)),
    ],
)
def test_a_rule_wants_the_kinds_that_it_names(kinds: tuple[str, ...], wanted: set[str]) -> None:
    rule = AlertRule(kinds=kinds, to="log", channel="log")
    assert {kind for kind in KINDS if rule.wants(kind)} == wanted


def test_a_rule_does_not_show_its_channel() -> None:
    rule = AlertRule(kinds=("*",), to="slack:env:HOOK", channel="slack:https://hooks.example/secret")
    assert "secret" not in repr(rule)


TEXT = st.text(st.sampled_from(">%3E25:a"), max_size=6)


@settings(deadline=None)
@given(TEXT, TEXT)
def test_what_is_remembered_of_a_group_says_which_group_and_channel_it_is(group: str, channel: str) -> None:
    assert state_parts(state_id(group, channel)) == (group, channel)
    assert state_id("job.failed:broken", "slack:env:TEAM") == "job.failed:broken>slack:env:TEAM"
