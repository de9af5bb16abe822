"""What is remembered of an alert channel: how it fares, how much it was told lately, and who is telling it now."""

from dataclasses import dataclass, replace

from receiver.core.alert import Severity

MOST_NOTICES = 200
"""The highest ceiling."""
REMEMBERED = 2 * MOST_NOTICES
"""Notices whose moments are remembered for the ceiling, which what is critical may reach once more."""
RETRY_SECONDS = (2.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0)
"""Pauses after failures of a channel; the last one for as long as it fails. A notice is never given up for that."""
RECOVERING_SECONDS = RETRY_SECONDS[-1] + 60
"""So long after it failed a channel is not told of other failing ones: what ailed it may have ailed them."""
HOLD_SECONDS = 300.0
"""For how long a task may have the channel to itself without a word; longer than a turn with its last notice."""
FAILURES_TOLD = 3
"""Failures in a row from which on the other channels are told; one is enough when the channel will never take it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceiling:
    """At most so many notices in so many seconds; the rest are told together."""

    notices: int = 20
    seconds: float = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """``id`` is the ``to`` of its rules: the channel's name."""

    id: str
    holder: str = ""
    """The task that tells it now: one at a time, so that its notices keep their order."""
    held_until: float = 0.0
    calls: int = 0
    """Counts up when somebody wanted it told while it was being told."""
    failures: int = 0
    """In a row, until now."""
    failing_since: float | None = None
    error: str = ""
    fix: str = ""
    partly: bool = False
    """It fails for some of its addresses only: the others hear what it is told."""
    found_by_probe: bool = False
    """A probe found what ails it, so only a probe can find that gone: a topic takes notices that nobody hears."""
    retry_at: float | None = None
    well_since: float | None = None
    """When it took a notice again after it had failed."""
    told_at: tuple[float, ...] = ()
    """When it was told of something new, for the ceiling."""
    last_told_at: float | None = None
    digest_at: float | None = None
    """When to tell of the other causes; None when there is nothing new about them."""
    digest_count: int = 0
    """How many other causes the last digest told of."""
    thread: str = ""
    """What the channel returned for the first digest of a row."""
    version: int = 0

    @property
    def trying_since(self) -> float | None:
        """Since when somebody has been telling it, and has not said how that went; None while nobody does."""
        return self.held_until - HOLD_SECONDS if self.holder and self.failing_since is None else None

    def room(self, ceiling: Ceiling, now: float, severity: Severity = Severity.ERROR) -> bool:
        """Whether the ceiling allows one more notice of this severity now.

        Warnings leave a quarter of it to errors, which they could hide. What is critical may reach it once more.
        """
        recent = sum(now - ceiling.seconds < at <= now for at in self.told_at)
        if severity.rank < Severity.ERROR.rank:
            return recent < ceiling.notices - ceiling.notices // 4
        return recent < ceiling.notices * (2 if severity is Severity.CRITICAL else 1)

    def probe_due(self, now: float) -> bool:
        """Whether it fails, and is to be asked again now; a moment further off was written by a wrong clock."""
        return self.failing_since is not None and not 0 < (self.retry_at or 0.0) - now <= RETRY_SECONDS[-1]

    def notified(self, now: float, *, counts: bool, all_addresses: bool = True) -> "Channel":
        """The channel after it took a notice; ``counts`` tells whether against the ceiling."""
        moments = (*(at for at in self.told_at if at <= now), now)[-REMEMBERED:] if counts else self.told_at
        return replace(self.taking(now) if all_addresses else self, told_at=moments, last_told_at=now)

    def taking(self, now: float) -> "Channel":
        """The channel, which takes notices: that ends what a notice found, and not what a probe found."""
        return self if self.found_by_probe else self.well(now)

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
            retry_at=now + pause,
        )
