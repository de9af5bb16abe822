"""Alerts: one per cause and window, with the first example and the fix; then silence, then "resolved"."""

from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

KINDS: dict[str, str] = {
    "job.failed": "LlamaCloud could not classify or split a document",
    "task.parked": "a task gave up and waits for a person",
    "delivery.failed": "a destination refused a document for good",
    "delivery.conflict": "something else lies where a document belongs",
    "document.overdue": "a document is past its deadline",
    "source.expiring": "a source file is about to expire at LlamaCloud",
    "packet.held": "pages of a packet are missing, overlapping or doubtful",
    "mail.held": "a mail, or a part of one, waits for a person: it cannot be opened or exceeds a bound",
    "submission.paused": "LlamaCloud refuses us: the key, credits, or a setting of ours; documents wait",
    "balance.off": "taken in is not routed + in review + failed + open",
    "secret.refused": "a renewed secret was refused; the one before stays in use",
    "quality.changed": "more documents than usual match no rule or are uncertain",
}
"""Every kind of alert that there is, and what it says; a rule for another one is refused as a slip of the pen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Something a person should know.

    ``kind`` is what channels subscribe to (job.failed, task.parked, delivery.failed, …); ``cause`` is what is grouped:
    many documents that fail of one cause are one alert.
    """

    kind: str
    cause: str
    title: str
    detail: str
    subject: str = ""
    """The document, job or task that is the example."""
    fix: str = ""
    """The command or deed that mends it."""
    at: float

    @property
    def group(self) -> str:
        """What this alert is counted under."""
        return f"{self.kind}:{self.cause}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRule:
    """Who is told of what, and how often at most."""

    kinds: tuple[str, ...]
    """Kinds of KINDS, or shell patterns over them: ``job.*``."""
    to: str
    """The channel as mailroom.yaml names it (``slack:env:NAME``): safe to show and to keep."""
    channel: str = field(repr=False)
    """The channel with ``env:`` values filled in: may hold a secret, so it is neither shown nor kept."""
    window_seconds: float = 600

    def wants(self, kind: str) -> bool:
        """Whether alerts of this kind go to this channel."""
        return any(fnmatchcase(kind, pattern) for pattern in self.kinds)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertState:
    """What we remember of a group of alerts that one channel is told of; ``id`` is its ``state_id``."""

    id: str
    kind: str
    first_at: float
    last_at: float
    notified_at: float | None = None
    count: int = 0
    suppressed: int = 0
    """How many came since the last notice."""
    example: str = ""
    title: str = ""
    fix: str = ""
    resolved_at: float | None = None
    expires_at: float | None = None
    """From when on the group is forgotten: what comes then is the first of its kind again."""
    version: int = 0


def state_id(group: str, channel: str) -> str:
    """The id of what is remembered of a group for one channel, as mailroom.yaml names it."""
    return f"{group}>{channel.replace('%', '%25').replace('>', '%3E')}"


def state_parts(state_id: str) -> tuple[str, str]:
    """The group and the channel of a state's id. A group may hold anything, LlamaCloud's own words too."""
    group, _, channel = state_id.rpartition(">")
    return group, channel.replace("%3E", ">").replace("%25", "%")


def weigh(alert: Alert, state: AlertState | None, *, window_seconds: float) -> tuple[AlertState, bool]:
    """The group's new state, and whether to notify now.

    The first of a group is told at once; more within the window are only counted; the first one after it is told
    with the count of those that were held back.
    """
    if state is None:
        state = AlertState(id=alert.group, kind=alert.kind, first_at=alert.at, last_at=alert.at)
    if state.resolved_at is not None:
        state = replace(state, resolved_at=None, notified_at=None, first_at=alert.at, suppressed=0)
    due = state.notified_at is None or alert.at - state.notified_at >= window_seconds
    return (
        replace(
            state,
            last_at=alert.at,
            count=state.count + 1,
            notified_at=alert.at if due else state.notified_at,
            suppressed=0 if due else state.suppressed + 1,
            example=alert.subject or state.example,
            title=alert.title,
            fix=alert.fix,
        ),
        due,
    )
