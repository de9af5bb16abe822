"""What one channel was told of one incident."""

from dataclasses import dataclass

from receiver.core.alert import Severity

TOLD_FIRING = "firing"
ACKNOWLEDGED = "acknowledged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One incident (by fingerprint) and one channel. Records outlast an incident, so that the next one knows them."""

    id: str
    incident_id: str
    channel: str
    """The ``to`` of its rules: the channel's name."""
    due_at: float | None = None
    """When to look whether the channel must be told something; None: when the incident changes."""
    # The names told, telling and owed are stored: they stay (docs/decisions.md).
    told: str = ""
    """firing, acknowledged, resolved or quiet; "" when it was told nothing."""
    number: int = 0
    """Of which incident of the fingerprint it was told; 0 when that is not known."""
    telling: str = ""
    """What it was being told when this was written: after a crash or a timeout it may have heard that, or not."""
    telling_since: int = 0
    """The record's version when it began to be told that: a repeat has the same notice's id by it."""
    told_at: float | None = None
    severity: Severity = Severity.INFO
    """The severity at which it was told."""
    held_since: float | None = None
    """Since when it is one of the "other causes" beyond the channel's ceiling."""
    thread: str = ""
    """What the channel returned for the first notice: later ones are added to that."""
    tries: int = 0
    """Failed attempts at the present notice."""
    owed: tuple[str, ...] = ()
    """Addresses of the channel that did not take yet what the others were told last."""
    owed_at: float | None = None
    """When to try these again; the others need not wait for that."""
    owed_tries: int = 0
    error: str = ""
    """Why the channel did not take it."""
    expires_at: float | None = None
    version: int = 0

    @property
    def notified(self) -> bool:
        """Whether the channel's last word was that it goes on."""
        return self.told in (TOLD_FIRING, ACKNOWLEDGED)

    @property
    def may_be_notified(self) -> bool:
        """Whether it may be that the channel heard that it goes on, and not surely that it ended."""
        return self.notified or bool(self.telling)

    def notified_of(self, number: int) -> bool:
        """Whether it is sure that the channel's last word was that this incident goes on."""
        return self.notified and self.number in (0, number) and self.telling in ("", TOLD_FIRING, ACKNOWLEDGED)


def notification_id(incident_id: str, channel: str) -> str:
    """The id of what is remembered of a fingerprint for one channel."""
    return f"{incident_id}>{channel}"
