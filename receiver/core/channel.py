"""The record of an alert channel: whether it works, how many notices it got lately, and which task holds it."""

from dataclasses import dataclass, replace

from receiver.core.alert import Severity

MOST_NOTICES = 200
"""The highest ceiling."""
REMEMBERED = 2 * MOST_NOTICES
"""Notices whose times are stored for the ceiling; critical notices may use the ceiling twice."""
RETRY_SECONDS = (2.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0)
"""Pauses after failures of a channel; the last one repeats while it fails. No notice is given up because of that."""
LAG_SECONDS = 1.0
"""How much later than others a refused notice is due when the channel is tried again."""
RECOVERING_SECONDS = RETRY_SECONDS[-1] + 60
"""For so long after its own failure a channel gets no notice about other failing ones: the cause may be the same."""
HOLD_SECONDS = 300.0
"""How long a task may hold the channel without renewing that; longer than a run with its last notice."""
FAILURES_TOLD = 3
"""Consecutive failures after which the other channels are alerted; one is enough if it is permanent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceiling:
    """At most so many notices in so many seconds; the rest are reported together."""

    notices: int = 20
    seconds: float = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """``id`` is the ``to`` of its rules: the channel's name."""

    id: str
    holder: str = ""
    """The task that holds the channel: one at a time, so that notices keep their order."""
    held_until: float = 0.0
    calls: int = 0
    """How often another task needed the channel while it was held."""
    failures: int = 0
    """In a row."""
    failing_since: float | None = None
    error: str = ""
    fix: str = ""
    partly: bool = False
    """It fails for some of its addresses only; the others get their notices."""
    found_by_probe: bool = False
    """A probe found the fault, so only a probe can find it fixed: a topic accepts notices that nobody gets."""
    refused: bool = False
    """It refused a notice or a test for good: that it answers a probe does not show that it accepts one."""
    retry_at: float | None = None
    well_since: float | None = None
    """When it accepted a notice again after it had failed."""
    told_at: tuple[float, ...] = ()
    """When it got something new, for the ceiling."""
    last_told_at: float | None = None
    digest_at: float | None = None
    """When to send the next digest of other causes; None when nothing about them is new."""
    digest_count: int = 0
    """How many other causes the last digest reported."""
    digest_telling: bool = False
    """Whether a digest was being sent when this was written: after a crash or a timeout the channel may have it."""
    digest_owed: tuple[str, ...] = ()
    """The addresses that deferred the last digest, and get it again at ``digest_at``."""
    digest_tries: int = 0
    """How often they deferred it."""
    thread: str = ""
    """What the channel returned for the first digest of a row."""
    version: int = 0

    @property
    def trying_since(self) -> float | None:
        """Since when a task has had it without reporting how that went; None when none has."""
        return self.held_until - HOLD_SECONDS if self.holder and self.failing_since is None else None

    def room(self, ceiling: Ceiling, now: float, severity: Severity = Severity.ERROR) -> bool:
        """Whether the ceiling allows one more notice of this severity now.

        Warnings leave a quarter of it to errors, which they could hide. Critical notices may reach it once more.
        """
        recent = sum(now - ceiling.seconds < at <= now for at in self.told_at)
        if severity.rank < Severity.ERROR.rank:
            return recent < ceiling.notices - ceiling.notices // 4
        return recent < ceiling.notices * (2 if severity is Severity.CRITICAL else 1)

    def probe_due(self, now: float) -> bool:
        """Whether it fails, and is to be tried again now. A time that is further ahead than the longest pause came from
        a wrong clock.
        """
        return self.failing_since is not None and not 0 < (self.retry_at or 0.0) - now <= RETRY_SECONDS[-1]

    def notified(self, now: float, *, counts: bool, all_addresses: bool = True) -> "Channel":
        """The channel after it accepted a notice; ``counts`` says whether it counts against the ceiling."""
        moments = (*(at for at in self.told_at if at <= now), now)[-REMEMBERED:] if counts else self.told_at
        return replace(self.taking(now) if all_addresses else self, told_at=moments, last_told_at=now)

    def taking(self, now: float) -> "Channel":
        """The channel, which accepts notices: that ends a failure that a notice found, not one that a probe found."""
        return replace(self, refused=False) if self.found_by_probe else self.well(now)

    def probed(self, now: float) -> "Channel":
        """The channel after a probe found no fault: that does not end what a refused notice showed."""
        return replace(self, found_by_probe=False) if self.refused else self.well(now)

    def well(self, now: float) -> "Channel":
        """The channel, no longer failing."""
        since = self.well_since if self.failing_since is None else now
        return replace(
            self,
            failures=0,
            failing_since=None,
            error="",
            fix="",
            partly=False,
            found_by_probe=False,
            refused=False,
            retry_at=None,
            well_since=since,
        )

    def failed(
        self, error: str, fix: str, now: float, *, partly: bool = False, by_probe: bool = False, certain: bool = False
    ) -> "Channel":
        """The channel after one more failure; ``certain`` when trying again cannot help."""
        pause = RETRY_SECONDS[min(self.failures, len(RETRY_SECONDS) - 1)]
        since = now if self.failing_since is None else min(self.failing_since, now)
        return replace(
            self,
            failures=max(self.failures + 1, FAILURES_TOLD if certain else 0),
            failing_since=since,
            error=error[:500],
            fix=fix[:300],
            partly=partly,
            found_by_probe=by_probe or self.found_by_probe,
            refused=self.refused or (certain and not partly and not by_probe),
            retry_at=now + pause,
        )
