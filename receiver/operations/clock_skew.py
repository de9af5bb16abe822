"""Reports a clock that is wrong, or was set. Nothing depends on it, but the times that people read are wrong."""

import contextlib
import logging
import time
from dataclasses import dataclass, replace

from receiver.alerting.alert import incident_part, task_for
from receiver.core.alert import Alert
from receiver.core.change import InsertIfAbsent, Replace
from receiver.core.errors import Conflict
from receiver.core.incident import Incident, Status
from receiver.pipeline.context import Context
from receiver.ports import Clock

log = logging.getLogger("mailroom.clock")
STEP = 5.0
"""Minimum seconds between two clock values that mean that the clock was set; smaller differences are drift."""
APART = 10.0
"""Seconds between two clocks that are worth a report; an HTTP date has whole seconds, and takes a moment to arrive."""
ALERT_EVERY = 3600.0
FIX = "synchronize this machine's clock by NTP; check it with timedatectl or chronyc tracking"
LLAMACLOUD, STORE, BEFORE = "llamacloud", "store", "step"
"""What a clock is compared with: LlamaCloud's, the times of others in the store, and its own value a moment before."""


@dataclass(frozen=True, slots=True)
class Skew:
    """By how many seconds this machine's clock is ahead of another, or was set ahead."""

    against: str
    seconds: float
    other: str = ""
    """The worker that this one was compared with, where that is known."""

    @property
    def title(self) -> str:
        """In words for a person."""
        amount, ahead = f"{abs(self.seconds):.0f} s", self.seconds > 0
        if self.against == BEFORE:
            return f"a machine's clock was set {'ahead' if ahead else 'back'} by {amount}, or the machine was suspended"
        other = "LlamaCloud's" if self.against == LLAMACLOUD else "the times that other machines wrote to the store"
        return f"a machine's clock is {amount} {'ahead of' if ahead else 'behind'} {other}"


class SkewMonitor:
    """The skews that one process has seen and reported."""

    def __init__(self, *, clock: Clock = time.monotonic) -> None:
        """``clock`` is a monotonic one."""
        self._clock = clock
        self._before: tuple[float, float] | None = None
        self._alerted: dict[str, float] = {}

    def check(self, context: Context) -> Skew | None:
        """By how much the clock was set since the last check, if it was."""
        now, seconds = context.clock(), self._clock()
        wall, passed = self._before or (now, seconds)
        self._before = (now, seconds)
        step = (now - wall) - (seconds - passed)
        return Skew(BEFORE, step) if abs(step) >= STEP else None

    def unreported(self, lasting: Skew | None) -> Skew | None:
        """The current skew, unless there is none or it was reported within the last hour."""
        against, now = lasting.against if lasting else "", self._clock()
        self._alerted = {item: at for item, at in self._alerted.items() if item == against and now - at < ALERT_EVERY}
        if lasting is None or against in self._alerted:
            return None
        self._alerted[against] = now
        return lasting


async def apart(context: Context, *, ahead_of_other: float = 0.0, other: str = "") -> Skew | None:
    """By how much this machine's clock differs from LlamaCloud's, or else from that of the worker ``other``.

    A worker that sends LlamaCloud no requests does not learn its time; then the other worker reports the difference.
    """
    ahead = context.cloud.clock_ahead or 0.0
    if abs(ahead) >= APART:
        return Skew(LLAMACLOUD, -ahead)
    if abs(ahead_of_other) < APART:
        return None
    incident = await context.store.get(Incident, _alert(Skew(LLAMACLOUD, 0.0), "", 0.0).fingerprint)
    known = incident is not None and incident.status is Status.FIRING
    return None if known else Skew(STORE, ahead_of_other, other)


async def alert_of_skew(skew: Skew, owner: str, context: Context) -> None:
    """Logs the skew and raises an alert; at most once an hour for each machine."""
    facts = {"seconds": round(skew.seconds, 1), "against": skew.against, "fix": FIX}
    log.warning("clock.skewed", extra={"facts": facts})
    alert = _alert(skew, owner, context.clock())
    task = task_for(alert, owner, f"{alert.at // ALERT_EVERY:.0f}", await incident_part(alert, context))
    await context.store.apply(InsertIfAbsent(task))
    await context.enqueue(task.id)
    await still(skew, owner, context)


async def still(skew: Skew, owner: str, context: Context) -> None:
    """Clears a skew for the sweep, which considers each one gone after a while: only the machine itself can see its
    clock.

    So an incident that several machines share is over when none of them finds its clock wrong any more.
    """
    incident = await context.store.get(Incident, _alert(skew, owner, context.clock()).fingerprint)
    if incident is not None and incident.status is Status.FIRING and incident.gone_since is not None:
        with contextlib.suppress(Conflict):  # the next check clears it again
            await context.store.apply(Replace(replace(incident, gone_since=None)))


def _consequence(skew: Skew) -> str:
    if skew.against == STORE:
        machine = skew.other or "another machine"
        return f"it or {machine} writes times (history, alerts, signatures) that are wrong by this amount"
    return "the times it writes (history, alerts, signatures) are wrong by the same amount"


def _alert(skew: Skew, owner: str, now: float) -> Alert:
    return Alert(
        kind="clock.skewed",
        cause=skew.against,
        title=skew.title,
        detail=f"{owner}: {_consequence(skew)}",
        fix=FIX,
        at=now,
    )
