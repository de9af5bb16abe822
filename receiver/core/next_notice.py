"""Decides which notice a channel must get next about an incident, from the incident and the channel's last notice.

The next notice follows from the present state and the last notice. So an outdated state is never sent, a channel that
was down gets the present state, and no channel gets the end of an incident whose beginning it never got.
"""

from dataclasses import dataclass
from typing import NamedTuple

from receiver.core.alert import Severity
from receiver.core.alert_rule import AlertRule
from receiver.core.incident import Incident, Status
from receiver.core.notification import ACKNOWLEDGED, TOLD_FIRING, Notification


class Send(NamedTuple):
    """Send a notice now."""

    status: str
    """firing, acknowledged, resolved or quiet"""
    reminder: bool = False


class Wait(NamedTuple):
    """Nothing to send now. Check again at ``until``, or if that is None when the incident changes."""

    until: float | None = None


class Hold(NamedTuple):
    """The channel's ceiling is reached: report the incident with other causes in a digest."""


class Release(NamedTuple):
    """The incident was one of the other causes, and is over."""


Decision = Send | Wait | Hold | Release


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What the decision depends on besides the incident and the last notice."""

    now: float
    wait_seconds: float = 0.0
    """How long the first notice waits for further occurrences."""
    inhibited: bool = False
    """Whether the incident follows from another active one."""
    room: bool = True
    """Whether the channel's ceiling allows one more notice of such an incident."""
    wants_acknowledgements: bool = False


INHIBITED_SECONDS = 60.0
"""Seconds until an inhibited incident is checked again."""


def next_notice(incident: Incident, known: Notification, rule: AlertRule | None, around: Circumstances) -> Decision:
    """What to send the channel now. ``rule`` is the rule for this incident; None if the channel does not get it."""
    if incident.status is not Status.FIRING:
        return _at_its_end(incident, known)
    urgent = incident.severity is Severity.CRITICAL and around.room
    if rule is None or (known.held_since is not None and not urgent):
        return Wait()
    if known.notified_of(incident.number) and not (known.told == ACKNOWLEDGED and incident.acknowledged_at is None):
        return _while_it_lasts(incident, known, rule, around)
    return _at_its_beginning(incident, known, rule, around)


def remaining_notice(incident: Incident, known: Notification) -> str:
    """The state to send to the addresses that did not take the channel's last notice; "" if it is outdated, and the
    channel itself has not got the present one yet.
    """
    if incident.status is not Status.FIRING:
        return str(incident.status)
    return known.told if known.notified_of(incident.number) else ""


def _at_its_end(incident: Incident, known: Notification) -> Decision:
    # A channel that may have got the beginning must get the end, even if a crash between sending and writing made the
    # incident one of the other causes: an alert that never ends is worse than an extra end.
    if known.may_be_notified:
        return Send(str(incident.status))
    return Release() if known.held_since is not None else Wait()


def _at_its_beginning(incident: Incident, known: Notification, rule: AlertRule, around: Circumstances) -> Decision:
    if rule.after_seconds and incident.acknowledged_at is not None:
        return Wait()  # somebody acknowledged it before it had to be escalated
    soonest = _from(incident.opened_at, around.wait_seconds, around.now)
    if rule.after_seconds:
        soonest = max(soonest, _tellable(incident, rule, around.now) + rule.after_seconds)
    if known.told_at is not None and known.told not in (ACKNOWLEDGED, ""):
        soonest = max(soonest, _from(known.told_at, rule.window_seconds, around.now))
    if around.now < soonest:
        return Wait(soonest)
    if (until := _hushed(incident, rule, around)) is not None:
        return Wait(until)
    return Send(TOLD_FIRING) if around.room else Hold()


def _tellable(incident: Incident, rule: AlertRule, now: float) -> float:
    """The first time at which somebody could be notified of it, and acknowledge it."""
    since = max(min(incident.opened_at, now), incident.silenced_until or 0.0)
    if rule.quiet_hours is None or incident.severity is Severity.CRITICAL:
        return since
    return rule.quiet_hours.until(since) or since


def _while_it_lasts(incident: Incident, known: Notification, rule: AlertRule, around: Circumstances) -> Decision:
    if incident.acknowledged_at is not None:
        news = known.told != ACKNOWLEDGED and around.wants_acknowledgements
        worse = incident.severity.rank > known.severity.rank
        return Send(ACKNOWLEDGED) if news else _repeated(incident, rule, around) if worse else Wait()
    if incident.severity.rank > known.severity.rank:
        return _repeated(incident, rule, around)
    if rule.repeat_seconds is None or known.told_at is None:
        return Wait()
    again = _from(known.told_at, rule.repeat_seconds, around.now)
    return Wait(again) if around.now < again else _repeated(incident, rule, around, reminder=True)


def _repeated(incident: Incident, rule: AlertRule, around: Circumstances, *, reminder: bool = False) -> Decision:
    if (until := _hushed(incident, rule, around)) is not None:
        return Wait(until)
    return Send(TOLD_FIRING, reminder) if around.room else Wait(around.now + rule.ceiling.seconds / 2)


def _hushed(incident: Incident, rule: AlertRule, around: Circumstances) -> float | None:
    """Until when no notice of the active incident may be sent; None if one may."""
    now = around.now
    if incident.silenced_until is not None and incident.silenced_until > now:
        return incident.silenced_until
    if around.inhibited:
        return now + INHIBITED_SECONDS
    if rule.quiet_hours is not None and incident.severity is not Severity.CRITICAL:
        return rule.quiet_hours.until(now)
    return None


def _from(moment: float, seconds: float, now: float) -> float:
    """``seconds`` after a time. A time in the future (a clock was set back) counts as now."""
    return min(moment, now) + seconds
