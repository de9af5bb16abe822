"""Alert rules: which channel gets which notices, and when (``alerts`` and ``alerting`` in mailroom.yaml)."""

from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from receiver.core.alert import Severity
from receiver.core.channel import Ceiling
from receiver.core.quiet import QuietHours

SAMPLE = 10
"""Minimum number of documents for a meaningful percentage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRule:
    """Which notices one channel gets, and when."""

    kinds: tuple[str, ...]
    """Names from KINDS, or shell patterns for them: ``job.*``."""
    to: str
    """The channel's name (core/channel_name.py), which is safe to show and store."""
    channel: str = field(repr=False)
    """The channel with ``env:`` values filled in. It may contain a secret, so it is neither shown nor stored."""
    options: dict[str, str] = field(default_factory=dict, repr=False)
    """The channel's options, with ``env:`` values filled in."""
    window_seconds: float = 600
    """How long after an incident's last notice the next incident of its fingerprint is not notified."""
    repeat_seconds: float | None = 4 * 3600
    """How often the channel is reminded of an active incident; None: never."""
    ceiling: Ceiling = field(default_factory=Ceiling)
    min_severity: Severity = Severity.INFO
    quiet_hours: QuietHours | None = None
    """When the channel gets critical notices only."""
    where: str = field(default="", compare=False)
    """The place of the channel in mailroom.yaml: ``alerts[0].to``."""
    after_seconds: float = 0.0
    """How long an incident may stay unacknowledged on other channels before this channel gets it."""

    def wants(self, kind: str, severity: Severity = Severity.CRITICAL) -> bool:
        """Whether the channel gets incidents of this kind and severity."""
        return severity.rank >= self.min_severity.rank and any(fnmatchcase(kind, pattern) for pattern in self.kinds)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeverityRule:
    """A severity for some kinds of incidents; with a rate, only while they happen that often."""

    kinds: tuple[str, ...]
    severity: Severity
    more_than: int | None = None
    """Occurrences of one cause within ``seconds``."""
    percent: float | None = None
    """Occurrences of one cause, as a percentage of the documents received within ``seconds``."""
    seconds: float = 600

    @property
    def rated(self) -> bool:
        """Whether the rule has a rate."""
        return self.more_than is not None or self.percent is not None

    def holds(self, kind: str, *, count: int, received: int) -> bool:
        """Whether the rule applies to a kind with ``count`` occurrences among ``received`` documents in its time
        span."""
        if not any(fnmatchcase(kind, pattern) for pattern in self.kinds):
            return False
        if not self.rated:
            return True
        many = self.more_than is not None and count > self.more_than
        share = self.percent is not None and received >= SAMPLE and 100 * count > self.percent * received
        return many or share
