"""Reports a clock that is wrong, or was set. Nothing depends on it, but it misleads whoever reads our times."""

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
"""Seconds by which a clock was set, and did not just run a little fast."""
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

    @property
    def title(self) -> str:
        """In words for a person."""
        amount, ahead = f"{abs(self.seconds):.0f} s", self.seconds > 0
        if self.against == BEFORE:
            return f"a machine's clock was set {'ahead' if ahead else 'back'} by {amount}, or the machine was suspended"
        other = "LlamaCloud's" if self.against == LLAMACLOUD else "the times that other machines wrote to the store"
        return f"a machine's clock is {amount} {'ahead of' if ahead else 'behind'} {other}"


class SkewMonitor:
    """What one process knows of its clock, and has reported."""

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

    def compared(self, context: Context) -> Skew | None:
        """By how much it differs from LlamaCloud's, if it does, and this was not reported within the last hour."""
        skew, now = apart(context), self._clock()
        if skew is None:
            self._alerted.pop(LLAMACLOUD, None)
        if skew is None or now - self._alerted.get(LLAMACLOUD, -ALERT_EVERY) < ALERT_EVERY:
            return None
        self._alerted[LLAMACLOUD] = now
        return skew


def apart(context: Context) -> Skew | None:
    """By how much this machine's clock differs from LlamaCloud's, if it does."""
    ahead = context.cloud.clock_ahead or 0.0
    return Skew(LLAMACLOUD, -ahead) if abs(ahead) >= APART else None


async def alert_of_skew(skew: Skew, owner: str, context: Context) -> None:
    """A line in the log, and an alert, for each machine once in an hour."""
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


def _alert(skew: Skew, owner: str, now: float) -> Alert:
    return Alert(
        kind="clock.skewed",
        cause=skew.against,
        title=skew.title,
        detail=f"{owner}: the times it writes (history, alerts, signatures) are wrong by the same amount",
        fix=FIX,
        at=now,
    )
