"""Incidents: one record for all of one cause that is wrong at the same time, and one for each occurrence of it.

                     an occurrence                    nothing stands any more
        (nothing) ---------------------> FIRING ------------------------------> RESOLVED
                                           ^  |                                    |
                                           |  +---- nothing new for a while --> QUIET
                                           +------------- an occurrence -----------+

An incident is *resolved* when that is known: each of its documents was mended, dismissed or superseded, or looks found
the condition gone. Where nobody can know, it is only *quiet*. What comes afterwards opens the next incident.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from receiver.core.alert import Alert, Severity
from receiver.core.document import DeliveryState, Document, DocumentState
from receiver.core.ids import DOCUMENT
from receiver.core.plan import Way

EXAMPLES = 5
"""Examples kept on the incident; all occurrences have records of their own."""
DETAIL_KEPT = 2000
RATE_MINUTES = 60
"""For how many minutes an incident remembers how many occurrences each had."""


NEW_AT_MOST, NEW_SECONDS = 20, 3600.0
"""Causes of one kind that may have their first incident in so many seconds. Texts and names from outside make causes:
without a bound, whoever sends mail could have incidents without end, and hide others behind a channel's ceiling."""
OTHERS = "others"
"""The cause of those that come beyond that."""


class Status(StrEnum):
    """Whether an incident is going on."""

    FIRING = "firing"
    RESOLVED = "resolved"
    QUIET = "quiet"


class Nature(StrEnum):
    """How the end of an incident of a kind is known."""

    FAILURE = "failure"
    """It is about documents: over when each of them was mended, dismissed or superseded."""
    CONDITION = "condition"
    """It is looked for: over when looks find it gone."""
    EVENT = "event"
    """It happened, and nobody can see whether it would happen again: quiet after a while."""


NATURES: dict[str, Nature] = {
    "job.failed": Nature.FAILURE,
    "task.parked": Nature.FAILURE,
    "delivery.failed": Nature.FAILURE,
    "delivery.conflict": Nature.FAILURE,
    "document.overdue": Nature.FAILURE,
    "source.expiring": Nature.FAILURE,
    "packet.held": Nature.FAILURE,
    "mail.held": Nature.FAILURE,
    "submission.paused": Nature.CONDITION,
    "balance.off": Nature.CONDITION,
    "quality.changed": Nature.CONDITION,
    "channel.failing": Nature.CONDITION,
    "secret.refused": Nature.CONDITION,
    "table.refused": Nature.CONDITION,
    "shadow.refused": Nature.CONDITION,
    "clock.skewed": Nature.CONDITION,
    "queue.silent": Nature.CONDITION,
    "webhooks.missing": Nature.CONDITION,
}
"""Kind of alert -> how its end is known; a kind of an application of its own, which is not named here, is an event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One occurrence, as it is shown with the incident."""

    at: float
    document_id: str = ""
    name: str = ""
    job_id: str = ""
    detail: str = ""
    """The message itself, ids and all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """Everything of one cause. ``id`` is the fingerprint: the next incident of the cause takes this record over."""

    id: str
    kind: str
    cause: str
    title: str
    detail: str = ""
    fix: str = ""
    commands: tuple[str, ...] = ()
    tried: str = ""
    """What Mailroom did by itself before it gave up."""
    severity: Severity
    """The highest that it had; it does not fall while the incident goes on."""
    status: Status = Status.FIRING
    number: int = 1
    """Which incident of this fingerprint it is."""
    opened_at: float
    last_at: float
    """When the last occurrence came, or a look found the condition again."""
    closed_at: float | None = None
    gone_since: float | None = None
    """Since when looks find the condition gone."""
    count: int = 0
    """Occurrences in this incident."""
    unmended: int = 0
    """Those of them that still stand."""
    looked_to: str = ""
    """The cursor at which the next look at its occurrences begins; "" for the beginning."""
    examples: tuple[Example, ...] = ()
    recent: tuple[tuple[int, int], ...] = ()
    """Minutes since 1970, and how many occurrences each had; the newest last."""
    acknowledged_at: float | None = None
    acknowledged_by: str = ""
    silenced_until: float | None = None
    """A silence is the fingerprint's: it outlasts the incident."""
    silenced_by: str = ""
    silenced_why: str = ""
    expires_at: float | None = None
    """From when on an incident that is over may be forgotten."""
    version: int = 0

    @property
    def nature(self) -> Nature:
        """How its end is known."""
        return NATURES.get(self.kind, Nature.EVENT)

    @property
    def standing_since(self) -> float | None:
        """Since when it is going on; None when it is over (a sparse index rests on this)."""
        return self.opened_at if self.status is Status.FIRING else None

    @property
    def part(self) -> str:
        """What its occurrences are found by."""
        return f"{self.id}.{self.number}"

    def within(self, seconds: float, now: float) -> int:
        """Occurrences in the last ``seconds``, to the minute."""
        since = (now - seconds) / 60
        return sum(count for minute, count in self.recent if since < minute <= now / 60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """One time that it happened, to one document as a rule. ``id`` is the alert task's: a repeat is the same one."""

    id: str
    part: str
    """``Incident.part`` of the incident that it belongs to."""
    at: float
    kind: str
    document_id: str = ""
    name: str = ""
    job_id: str = ""
    task_id: str = ""
    delivery_id: str = ""
    as_of: str = ""
    """What else tells it apart: the deadline that passed, the file that expires."""
    detail: str = ""
    ended_at: float | None = None
    """When it was found mended, dismissed or superseded."""
    expires_at: float | None = None
    version: int = 0

    @property
    def unmended_part(self) -> str | None:
        """``part`` while it stands, else None (a sparse index rests on this)."""
        return self.part if self.ended_at is None else None


def opened_incident(alert: Alert, severity: Severity, known: Incident | None, *, now: float) -> Incident:
    """A new incident with this alert as its first occurrence; ``known`` is the record of the one before."""
    first = Incident(
        id=alert.fingerprint,
        kind=alert.kind,
        cause=alert.cause,
        title=alert.title,
        severity=severity,
        opened_at=now,
        last_at=now,
    )
    before = known or first
    fresh = replace(
        before,
        number=before.number + (known is not None),
        severity=severity,
        status=Status.FIRING,
        opened_at=now,
        closed_at=None,
        gone_since=None,
        count=0,
        unmended=0,
        looked_to="",
        examples=(),
        recent=(),
        acknowledged_at=None,
        acknowledged_by="",
        expires_at=None,
    )
    return happened(fresh, alert, now=now)


def counted_with_others(alert: Alert) -> Alert:
    """The alert as one of the others of its kind, where too many causes of it are new."""
    title = f"{alert.kind} has over {NEW_AT_MOST} new causes in an hour; further ones are counted here: {alert.title}"
    return replace(alert, cause=OTHERS, title=title)


def happened(incident: Incident, alert: Alert, *, now: float) -> Incident:
    """The incident with one more occurrence. Its title and first example stay, because people were sent them."""
    example = Example(
        at=now,
        document_id=alert.subject if alert.subject.startswith(DOCUMENT) else "",
        name=alert.name,
        job_id=alert.job_id,
        detail=alert.detail[:DETAIL_KEPT],
    )
    first, *rest = (*incident.examples, example)
    stands = incident.nature is Nature.FAILURE
    return replace(
        incident,
        title=incident.title if incident.count else alert.title,
        detail=alert.detail[:DETAIL_KEPT],
        fix=alert.fix,
        commands=alert.commands,
        tried=alert.tried,
        last_at=max(now, incident.last_at),
        gone_since=None,
        count=incident.count + 1,
        unmended=incident.unmended + stands,
        examples=(first, *rest[-(EXAMPLES - 1) :]),
        recent=_counted(incident.recent, int(now // 60)),
    )


def _counted(recent: tuple[tuple[int, int], ...], minute: int) -> tuple[tuple[int, int], ...]:
    """One more in this minute; minutes that are long ago, or have not come yet (a clock was set back), are dropped."""
    counts = {at: count for at, count in recent if minute - RATE_MINUTES < at <= minute}
    counts[minute] = counts.get(minute, 0) + 1
    return tuple(sorted(counts.items()))


def occurrence(alert: Alert, incident: Incident, occurrence_id: str, *, now: float, keep: float) -> Occurrence:
    """The record of this alert in this incident; only those about documents must be looked at again."""
    stands = incident.nature is Nature.FAILURE
    return Occurrence(
        id=occurrence_id,
        part=incident.part,
        at=now,
        kind=alert.kind,
        document_id=alert.subject,
        name=alert.name,
        job_id=alert.job_id,
        task_id=alert.task_id,
        delivery_id=alert.delivery_id,
        as_of=alert.as_of,
        detail=alert.detail[:DETAIL_KEPT],
        ended_at=None if stands else now,
        expires_at=None if stands else now + keep,
    )


def closed_incident(incident: Incident, status: Status, *, now: float, keep: float) -> Incident:
    """The incident, over; its record may be forgotten after ``keep`` seconds, or when its silence ends."""
    expires_at = max(now + keep, incident.silenced_until or 0.0)
    return replace(incident, status=status, closed_at=now, unmended=0, expires_at=expires_at)


def stands(item: Occurrence, document: Document | None) -> bool:
    """Whether this occurrence still holds: its document was neither fixed nor dismissed nor superseded.

    A document that is being worked on again is not mended yet; one that was dismissed has a plan that says so.
    """
    if document is None:
        return False
    match item.kind:
        case "document.overdue":
            return document.state is DocumentState.OPEN and str(document.deadline) == item.as_of
        case "source.expiring":
            return document.state is DocumentState.OPEN and document.file_id == item.as_of
        case "packet.held" | "mail.held":
            return document.state in (DocumentState.OPEN, DocumentState.REVIEW)
        case "delivery.failed" | "delivery.conflict":
            delivery = document.delivery(item.delivery_id)
            return delivery is not None and delivery.state is not DeliveryState.DELIVERED
        case _:
            return _without_result(document, item.job_id)


def _without_result(document: Document, job_id: str) -> bool:
    """Whether the document still has nothing better than this job that failed ("" for a job that never came to be)."""
    if document.state is DocumentState.OPEN:
        return True
    untold = document.without_result and document.state is DocumentState.REVIEW
    failed = document.plan is not None and document.plan.way is Way.FAILED
    return document.job_id == job_id and (untold or failed)
