"""What a channel is told next follows from how things are and from what it heard last, and from nothing else."""

from dataclasses import replace
from datetime import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receiver.core.alert import Severity
from receiver.core.alert_rule import AlertRule
from receiver.core.channel import Ceiling
from receiver.core.incident import Incident, Status
from receiver.core.next_notice import Circumstances, Hold, Release, Send, Wait, next_notice
from receiver.core.notification import ACKNOWLEDGED, TOLD_FIRING, Notification
from receiver.core.quiet import QuietHours
from tests.builders import NOW, a_notification, an_incident

RULE = AlertRule(kinds=("*",), to="log", channel="log", window_seconds=600, repeat_seconds=4 * 3600)
FIRING = an_incident()
UNTOLD = a_notification()
TOLD = a_notification(told="firing", told_at=NOW, severity=Severity.ERROR)


def around(now: float = NOW, **fields: object) -> Circumstances:
    return Circumstances(now=now, **{"wait_seconds": 10.0, **fields})  # type: ignore[arg-type]


def over(status: Status = Status.RESOLVED) -> Incident:
    return replace(FIRING, status=status, closed_at=NOW + 50)


def test_the_first_notice_gathers_what_comes_at_once() -> None:
    assert next_notice(FIRING, UNTOLD, RULE, around()) == Wait(NOW + 10)
    assert next_notice(FIRING, UNTOLD, RULE, around(NOW + 10)) == Send("firing")


@pytest.mark.parametrize("status", [Status.RESOLVED, Status.QUIET])
def test_what_is_over_is_told_by_its_own_word_to_who_heard_of_it(status: Status) -> None:
    assert next_notice(over(status), TOLD, RULE, around()) == Send(str(status))
    assert next_notice(over(status), replace(TOLD, told="acknowledged"), RULE, around()) == Send(str(status))


def test_nobody_hears_the_end_of_what_he_never_heard_of() -> None:
    assert next_notice(over(), UNTOLD, RULE, around()) == Wait()


def test_an_end_is_told_once() -> None:
    assert next_notice(over(), replace(TOLD, told="resolved"), RULE, around()) == Wait()


def test_it_is_told_to_who_heard_of_it_though_his_rule_is_gone() -> None:
    assert next_notice(over(), TOLD, None, around()) == Send("resolved")
    assert next_notice(FIRING, UNTOLD, None, around()) == Wait()


def test_what_goes_on_is_repeated_after_its_time() -> None:
    assert next_notice(FIRING, TOLD, RULE, around(NOW + 60)) == Wait(NOW + 4 * 3600)
    assert next_notice(FIRING, TOLD, RULE, around(NOW + 4 * 3600)) == Send("firing", reminder=True)
    assert next_notice(FIRING, TOLD, replace(RULE, repeat_seconds=None), around(NOW + 1e6)) == Wait()


def test_what_becomes_worse_is_told_at_once() -> None:
    worse = replace(FIRING, severity=Severity.CRITICAL)
    assert next_notice(worse, TOLD, RULE, around(NOW + 60)) == Send("firing")


def test_what_comes_back_soon_waits_for_the_window() -> None:
    before = replace(TOLD, told="resolved", told_at=NOW - 100)
    assert next_notice(FIRING, before, RULE, around(NOW + 10)) == Wait(NOW + 500)
    assert next_notice(FIRING, before, RULE, around(NOW + 500)) == Send("firing")


def test_an_acknowledged_incident_is_not_repeated() -> None:
    taken = replace(FIRING, acknowledged_at=NOW + 5, acknowledged_by="Ada")
    assert next_notice(taken, TOLD, RULE, around(NOW + 1e6)) == Wait()
    wants = around(NOW + 60, wants_acknowledgements=True)
    assert next_notice(taken, TOLD, RULE, wants) == Send("acknowledged")
    assert next_notice(taken, replace(TOLD, told="acknowledged"), RULE, wants) == Wait()


def test_the_next_incident_is_not_acknowledged_by_the_last_ones_word() -> None:
    taken = replace(TOLD, told="acknowledged")
    assert next_notice(FIRING, taken, RULE, around(NOW + 10, wants_acknowledgements=True)) == Send("firing")


def test_an_escalation_waits_and_is_spared_by_an_acknowledgement() -> None:
    rule = replace(RULE, after_seconds=900)
    assert next_notice(FIRING, UNTOLD, rule, around(NOW + 10)) == Wait(NOW + 900)
    assert next_notice(FIRING, UNTOLD, rule, around(NOW + 900)) == Send("firing")
    assert next_notice(replace(FIRING, acknowledged_at=NOW + 60), UNTOLD, rule, around(NOW + 900)) == Wait()


def test_an_escalation_gives_its_time_to_who_is_told_after_quiet_hours_or_a_silence() -> None:
    quiet = replace(RULE, after_seconds=900, quiet_hours=QuietHours(begin=time(0), end=time(9)))  # NOW is 08:00
    assert next_notice(FIRING, UNTOLD, quiet, around(NOW + 1000)) == Wait(NOW + 3600 + 900)
    assert next_notice(FIRING, UNTOLD, quiet, around(NOW + 3600 + 900)) == Send("firing")
    silent = replace(FIRING, silenced_until=NOW + 7200)
    rule = replace(RULE, after_seconds=900)
    assert next_notice(silent, UNTOLD, rule, around(NOW + 7200)) == Wait(NOW + 7200 + 900)
    assert next_notice(silent, UNTOLD, rule, around(NOW + 7200 + 900)) == Send("firing")


def test_a_silence_holds_everything_back_until_it_is_over() -> None:
    silent = replace(FIRING, silenced_until=NOW + 7200, severity=Severity.CRITICAL)
    assert next_notice(silent, UNTOLD, RULE, around(NOW + 60)) == Wait(NOW + 7200)
    assert next_notice(silent, UNTOLD, RULE, around(NOW + 7200)) == Send("firing")


def test_quiet_hours_hold_back_what_is_not_critical() -> None:
    rule = replace(RULE, quiet_hours=QuietHours(begin=time(0), end=time(9)))  # NOW is 08:00
    assert next_notice(FIRING, UNTOLD, rule, around(NOW + 60)) == Wait(NOW + 3600)
    assert next_notice(replace(FIRING, severity=Severity.CRITICAL), UNTOLD, rule, around(NOW + 60)) == Send("firing")
    assert next_notice(over(), TOLD, rule, around(NOW + 60)) == Send("resolved")


def test_what_follows_from_something_else_waits() -> None:
    assert next_notice(FIRING, UNTOLD, RULE, around(NOW + 60, inhibited=True)) == Wait(NOW + 120)


def test_beyond_the_ceiling_causes_are_told_together_and_released_together() -> None:
    assert next_notice(FIRING, UNTOLD, RULE, around(NOW + 60, room=False)) == Hold()
    held = replace(UNTOLD, held_since=NOW)
    assert next_notice(FIRING, held, RULE, around(NOW + 60)) == Wait()
    assert next_notice(over(), held, RULE, around(NOW + 60)) == Release()
    perhaps = replace(held, telling="firing")  # its process died between sending and writing
    assert next_notice(over(), perhaps, RULE, around(NOW + 60)) == Send("resolved")


def test_an_end_is_told_though_the_ceiling_is_reached() -> None:
    assert next_notice(over(), TOLD, RULE, around(room=False)) == Send("resolved")


def test_a_moment_that_has_not_come_yet_counts_as_now() -> None:
    """A clock was set back by a year: nobody waits so long."""
    ahead = NOW + 365 * 86400
    assert next_notice(replace(FIRING, opened_at=ahead), UNTOLD, RULE, around()) == Wait(NOW + 10)
    assert next_notice(FIRING, replace(TOLD, told_at=ahead), RULE, around()) == Wait(NOW + 4 * 3600)
    before = replace(TOLD, told="resolved", told_at=ahead)
    assert next_notice(FIRING, before, RULE, around()) == Wait(NOW + 600)


MOMENTS = st.floats(NOW - 1e6, NOW + 1e6)
INCIDENTS = st.builds(
    an_incident,
    status=st.sampled_from(Status),
    severity=st.sampled_from(Severity),
    opened_at=MOMENTS,
    last_at=MOMENTS,
    acknowledged_at=st.none() | MOMENTS,
    silenced_until=st.none() | MOMENTS,
)
KNOWN = st.builds(
    a_notification,
    told=st.sampled_from(["", "firing", "acknowledged", "resolved", "quiet"]),
    told_at=MOMENTS,
    severity=st.sampled_from(Severity),
    held_since=st.none() | MOMENTS,
)
RULES = st.none() | st.builds(
    AlertRule,
    kinds=st.just(("*",)),
    to=st.just("log"),
    channel=st.just("log"),
    window_seconds=st.floats(1, 1e5),
    repeat_seconds=st.none() | st.floats(60, 1e5),
    ceiling=st.just(Ceiling()),
    after_seconds=st.just(0.0) | st.floats(1, 1e5),
    quiet_hours=st.none() | st.builds(QuietHours, begin=st.just(time(20)), end=st.just(time(7))),
)
AROUND = st.builds(
    Circumstances,
    now=MOMENTS,
    wait_seconds=st.floats(0, 600),
    inhibited=st.booleans(),
    room=st.booleans(),
    wants_acknowledgements=st.booleans(),
)


@settings(max_examples=400)
@given(INCIDENTS, KNOWN, RULES, AROUND)
def test_every_decision_is_true_and_comes_to_rest(
    incident: Incident, known: Notification, rule: AlertRule | None, circumstances: Circumstances
) -> None:
    decision = next_notice(incident, known, rule, circumstances)
    if isinstance(decision, Wait):
        assert decision.until is None or decision.until > circumstances.now
    if isinstance(decision, Send):
        if decision.status in ("resolved", "quiet"):
            assert known.notified
            assert incident.status == decision.status
        else:
            assert incident.status is Status.FIRING
        told = replace(
            known, told=decision.status, told_at=circumstances.now, severity=incident.severity, held_since=None
        )
        then = next_notice(incident, told, rule, circumstances)
        if then == Send(ACKNOWLEDGED):  # whoever hears of it only now must hear of it before its acknowledgement
            assert decision.status == TOLD_FIRING
            then = next_notice(incident, replace(told, told=ACKNOWLEDGED), rule, circumstances)
        assert isinstance(then, Wait)  # and not told once more


@pytest.mark.parametrize("status", [Status.RESOLVED, Status.QUIET])
def test_who_may_have_heard_of_it_hears_its_end(status: Status) -> None:
    assert next_notice(over(status), replace(UNTOLD, telling="firing"), RULE, around()) == Send(str(status))
    before = replace(TOLD, told="resolved", telling="firing")
    assert next_notice(over(status), before, RULE, around()) == Send(str(status))


def test_who_may_have_heard_the_end_hears_that_it_goes_on() -> None:
    assert next_notice(FIRING, replace(TOLD, telling="resolved"), RULE, around(NOW + 600)) == Send("firing")
    assert next_notice(FIRING, replace(TOLD, telling="firing"), RULE, around(NOW + 600)) == Wait(NOW + 4 * 3600)


def test_who_was_away_when_one_incident_ended_and_the_next_began_hears_of_the_next() -> None:
    following = replace(FIRING, number=2)
    assert next_notice(following, replace(TOLD, number=1), RULE, around(NOW + 600)) == Send("firing")
    assert next_notice(following, replace(TOLD, number=2), RULE, around(NOW + 600)) == Wait(NOW + 4 * 3600)


def test_what_becomes_critical_does_not_wait_with_the_others_beyond_the_ceiling() -> None:
    held, critical = replace(UNTOLD, held_since=NOW), replace(FIRING, severity=Severity.CRITICAL)
    assert next_notice(FIRING, held, RULE, around(NOW + 60)) == Wait()
    assert next_notice(critical, held, RULE, around(NOW + 60)) == Send("firing")
    assert next_notice(critical, held, RULE, around(NOW + 60, room=False)) == Wait()
