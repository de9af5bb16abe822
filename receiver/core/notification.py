"""What one channel got about one incident."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from receiver.core.alert import Severity
from receiver.core.incident import Incident, Status

TOLD_FIRING = "firing"
ACKNOWLEDGED = "acknowledged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One incident (by fingerprint) and one channel. Records outlast an incident, so that the next one finds them."""

    id: str
    incident_id: str
    channel: str
    """The ``to`` of its rules: the channel's name."""
    due_at: float | None = None
    """When to check whether the channel must get a notice; None: when the incident changes."""
    # The names told, telling and owed are stored: they stay (docs/decisions.md).
    told: str = ""
    """The state that the channel got last: firing, acknowledged, resolved or quiet; "" for nothing."""
    number: int = 0
    """The number of the last incident of this fingerprint that it got; 0 if that is unknown."""
    telling: str = ""
    """The state that is being sent. After a crash or a timeout it may have arrived, or not."""
    telling_since: int = 0
    """The record's version when sending began, so that a repeated notice has the same id."""
    told_at: float | None = None
    severity: Severity = Severity.INFO
    """The severity of the last notice."""
    held_since: float | None = None
    """Since when it is one of the "other causes" beyond the channel's ceiling."""
    thread: str = ""
    """What the channel returned for the first notice: later ones are added to that."""
    tries: int = 0
    """Failed attempts at the current notice."""
    owed: tuple[str, ...] = ()
    """Addresses of the channel that have not taken the last notice yet."""
    owed_at: float | None = None
    """When to retry these; other addresses do not wait for that."""
    owed_tries: int = 0
    uninformed: tuple[str, ...] = ()
    """Addresses of the channel that have not taken any notice of this incident: they do not get its end either."""
    error: str = ""
    """Why the channel refused it."""
    expires_at: float | None = None
    version: int = 0

    @property
    def notified(self) -> bool:
        """Whether the last notice said that the incident is active."""
        return self.told in (TOLD_FIRING, ACKNOWLEDGED)

    @property
    def may_be_notified(self) -> bool:
        """Whether the channel may know that the incident is active, and may not know its end."""
        return self.notified or bool(self.telling)

    def notified_of(self, number: int) -> bool:
        """Whether the last notice certainly said that this incident is active."""
        return self.notified and self.number in (0, number) and self.telling in ("", TOLD_FIRING, ACKNOWLEDGED)


def notification_id(incident_id: str, channel: str) -> str:
    """The id of the notification of a fingerprint to one channel."""
    return f"{incident_id}>{channel}"


def woken(notification: Notification, at: float) -> Notification:
    """The notification, due for a check at that time because something has changed."""
    return replace(notification, due_at=at, tries=0, expires_at=None)


def after_notice_of(
    known: Notification, incident: Incident, word: str, *, now: float, thread: str, missed: Sequence[str]
) -> Notification:
    """The notification after the channel took a notice of this state of the incident, except its addresses ``missed``.

    ``thread`` is what the channel returned.
    """
    over = word in (Status.RESOLVED, Status.QUIET)
    return replace(
        known,
        held_since=None,
        told=word,
        number=incident.number,
        telling="",
        told_at=now,
        severity=incident.severity,
        tries=0,
        error="",
        thread="" if over else thread or known.thread,
        owed=(),
        uninformed=() if over else _uninformed(known, word, missed),
    )


def _uninformed(known: Notification, word: str, missed: Sequence[str]) -> tuple[str, ...]:
    """The addresses that have got no beginning since the last end they got."""
    if known.notified:
        return tuple(item for item in known.uninformed if word != TOLD_FIRING or item in missed)
    return tuple(item for item in missed if item not in known.owed)  # those still lack the end of an earlier incident


def maybe_informed(known: Notification) -> Notification:
    """The notification while the last notice is sent to the addresses that lack it: after a crash they may have it."""
    return replace(known, uninformed=tuple(item for item in known.uninformed if item not in known.owed))


def after_remaining(known: Notification, missed: Sequence[str]) -> Notification:
    """The notification after the last notice went to the addresses that still lacked it; ``missed`` still do."""
    informed = set(known.owed) - set(missed)
    return replace(known, uninformed=tuple(item for item in known.uninformed if item not in informed))


def reconciled(mine: Notification, known: Notification, fresh: Notification) -> Notification:
    """Merges ``mine``, which was computed from ``known``, with ``fresh``, which another process wrote meanwhile.

    The last notice counts: mine if I sent one, or if the other process only woke the channel. Otherwise the other
    one's, which I had not seen when I decided that nothing was to be sent. Addresses that took an older notice from me
    after that lack the present state.
    """
    if _told(fresh) == _told(known):
        return replace(mine, version=fresh.version)
    if _told(mine) != _told(known):
        return replace(mine, version=fresh.version, uninformed=_uninformed(fresh, mine.told, mine.uninformed))
    late = [item for item in known.owed if item not in mine.owed and item not in fresh.owed]
    return replace(fresh, owed=(*fresh.owed, *late), owed_at=None) if late else fresh


def _told(item: Notification) -> tuple[str, int, float | None]:
    return item.told, item.number, item.told_at
