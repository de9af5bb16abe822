"""Who gets which notices, and on which terms: rows of ``alerts`` and ``alerting`` in mailroom.yaml."""

from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from receiver.core.alert import Severity
from receiver.core.channel import Ceiling
from receiver.core.quiet import QuietHours

SAMPLE = 10
"""Documents from which on a percentage of them means something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRule:
    """Who gets which notices, and on which terms."""

    kinds: tuple[str, ...]
    """Kinds of KINDS, or shell patterns over them: ``job.*``."""
    to: str
    """The channel's name (core/channel_name.py): safe to show and to keep."""
    channel: str = field(repr=False)
    """The channel with ``env:`` values filled in: may hold a secret, so it is neither shown nor kept."""
    options: dict[str, str] = field(default_factory=dict, repr=False)
    """The channel's own options, filled in likewise."""
    window_seconds: float = 600
    """After a notice of an incident that is over, the next one of its fingerprint waits this long."""
    repeat_seconds: float | None = 4 * 3600
    """How often the channel is reminded of an incident that goes on; None: never."""
    ceiling: Ceiling = field(default_factory=Ceiling)
    min_severity: Severity = Severity.INFO
    quiet_hours: QuietHours | None = None
    """When it gets critical notices only."""
    where: str = field(default="", compare=False)
    """Where mailroom.yaml names the channel: ``alerts[0].to``."""
    after_seconds: float = 0.0
    """How long somebody on another channel may take to acknowledge it before this channel gets it."""

    def wants(self, kind: str, severity: Severity = Severity.CRITICAL) -> bool:
        """Whether incidents of this kind and severity go to this channel."""
        return severity.rank >= self.min_severity.rank and any(fnmatchcase(kind, pattern) for pattern in self.kinds)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeverityRule:
    """A severity for some kinds; with a rate, only while they happen that often."""

    kinds: tuple[str, ...]
    severity: Severity
    more_than: int | None = None
    """Occurrences of one cause within ``seconds``."""
    percent: float | None = None
    """Occurrences of one cause, as a percentage of the documents received within ``seconds``."""
    seconds: float = 600

    @property
    def rated(self) -> bool:
        """Whether it holds only above a rate."""
        return self.more_than is not None or self.percent is not None

    def holds(self, kind: str, *, count: int, received: int) -> bool:
        """Whether it holds for a kind that happened ``count`` times among ``received`` documents of its time span."""
        if not any(fnmatchcase(kind, pattern) for pattern in self.kinds):
            return False
        if not self.rated:
            return True
        many = self.more_than is not None and count > self.more_than
        share = self.percent is not None and received >= SAMPLE and 100 * count > self.percent * received
        return many or share
