"""Who is told of what: kinds, severities, rates, and hours in which only what is critical is told."""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receiver.core.alert import KINDS, SEVERITIES, Severity, state_parts
from receiver.core.alert_rule import AlertRule, SeverityRule
from receiver.core.incident import NATURES
from receiver.core.quiet import QuietHours


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


def test_a_rule_wants_what_is_severe_enough() -> None:
    rule = AlertRule(kinds=("*",), to="log", channel="log", min_severity=Severity.ERROR)
    assert [item for item in Severity if rule.wants("job.failed", item)] == [Severity.ERROR, Severity.CRITICAL]


def test_a_rule_does_not_show_its_channel_and_its_options() -> None:
    secret = {"secret": "whsec_secret", "header X-Key": "secret"}
    rule = AlertRule(kinds=("*",), to="https", channel="https://hooks.example/secret", options=secret)
    assert "secret" not in repr(rule)


def test_severities_are_of_kinds_that_exist() -> None:
    assert set(SEVERITIES) <= set(KINDS)


def test_of_every_kind_it_is_said_how_its_end_is_known() -> None:
    assert set(NATURES) == set(KINDS)


@pytest.mark.parametrize(
    ("count", "received", "holds"),
    [(5, 1000, False), (6, 1000, True), (3, 9, False), (2, 10, False), (3, 10, True), (1, 0, False)],
)
def test_a_rate_is_a_number_or_a_share_of_enough_documents(count: int, received: int, holds: bool) -> None:
    rule = SeverityRule(kinds=("job.*",), severity=Severity.CRITICAL, more_than=5, percent=20)
    assert rule.holds("job.failed", count=count, received=received) is holds
    assert not rule.holds("packet.held", count=count, received=received)


def test_a_severity_without_a_rate_always_holds() -> None:
    assert SeverityRule(kinds=("*",), severity=Severity.INFO).holds("job.failed", count=0, received=0)


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2027-01-15T18:59", None),
        ("2027-01-15T19:00", "2027-01-16T06:00"),  # 20:00 in Berlin, in winter
        ("2027-01-16T05:59", "2027-01-16T06:00"),
        ("2027-01-16T06:00", None),
        ("2027-07-15T18:00", "2027-07-16T05:00"),  # and in summer
        ("2027-03-27T22:00", "2027-03-28T05:00"),  # the night in which the clocks go forward
    ],
)
def test_quiet_hours_over_midnight_are_those_of_their_zone(now: str, until: str | None) -> None:
    hours = QuietHours(begin=time(20), end=time(7), zone="Europe/Berlin")
    assert hours.until(at(now)) == (at(until) if until else None)


def test_quiet_hours_within_a_day() -> None:
    hours = QuietHours(begin=time(12), end=time(13))
    assert hours.until(at("2027-01-15T11:59")) is None
    assert hours.until(at("2027-01-15T12:30")) == at("2027-01-15T13:00")


@given(st.times(), st.times(), st.floats(0, 4e9))
def test_when_quiet_hours_are_over_they_are_over(begin: time, end: time, now: float) -> None:
    hours = QuietHours(begin=begin, end=end, zone="America/New_York")
    until = hours.until(now)
    if until is not None and begin != end:
        assert now < until <= now + 25 * 3600
        assert hours.until(until) is None


ZONES = st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/St_Johns", "Asia/Tokyo"])
QUARTERS = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30, 45]))


@settings(max_examples=300)
@given(ZONES, QUARTERS, QUARTERS, st.integers(0, 365 * 96))
def test_quiet_hours_are_over_at_the_moment_from_which_clocks_say_so(
    zone: str, begin: time, end: time, quarter: int
) -> None:
    """Two of these zones' clocks change at night, by an hour or half of one, in both directions."""
    hours, now = QuietHours(begin=begin, end=end, zone=zone), at("2027-01-01T00:00") + 900 * quarter
    until = hours.until(now)
    if until is None:
        return
    assert now < until
    assert hours.until(until) is None
    between = [now + 900 * step for step in range(1, int((until - now) // 900))]
    early = [moment for moment in between if hours.until(moment) is None]
    assert len(early) <= 4  # the hour that the clocks skipped, when it holds the end
    assert early == [] or end != datetime.fromtimestamp(until, ZoneInfo(zone)).time()


def test_an_end_that_comes_twice_in_a_night_lies_ahead_each_time() -> None:
    hours = QuietHours(begin=time(20), end=time(2, 30), zone="Europe/Berlin")
    assert hours.until(at("2027-10-31T00:10")) == at("2027-10-31T00:30")  # 02:10, for the first time
    assert hours.until(at("2027-10-31T00:40")) is None
    assert hours.until(at("2027-10-31T01:10")) == at("2027-10-31T01:30")  # 02:10, for the second time


def test_the_id_of_an_old_state_names_its_group_and_channel() -> None:
    assert state_parts("job.failed:a>b>sns:x%3Ey%25") == ("job.failed:a>b", "sns:x>y%")
