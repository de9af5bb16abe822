"""Alerts: something a person should know.

An alert is one occurrence. Occurrences of the same kind and cause form an incident (core/incident.py).
"""

from dataclasses import dataclass
from enum import StrEnum

from receiver.core.ids import short_hash

KINDS: dict[str, str] = {
    "job.failed": "LlamaCloud could not classify or split a document",
    "task.parked": "a task is out of attempts and waits for a person",
    "delivery.failed": "a destination permanently rejected a document",
    "delivery.conflict": "something else is stored at a document's destination",
    "document.overdue": "a document is past its deadline",
    "source.expiring": "a source file is about to expire at LlamaCloud",
    "packet.held": "pages of a packet are missing, overlapping or doubtful",
    "mail.held": "a mail, or a part of one, waits for a person: it cannot be opened or exceeds a limit",
    "submission.paused": "LlamaCloud refuses Mailroom's requests: the key, credits, or a setting; documents wait",
    "balance.off": "the totals do not balance: received is not routed + in review + failed + open",
    "secret.refused": "a renewed secret was rejected; the previous one stays in use",
    "table.refused": "a changed mailroom.yaml was rejected; the previous one stays in use",
    "shadow.refused": "the shadow table was rejected; mailroom.yaml stays in use",
    "quality.changed": "more documents than usual match no rule or are uncertain",
    "clock.skewed": "a machine's clock is wrong, or was set by more than a few seconds",
    "queue.silent": "the queue accepts messages but delivers none; the sweep starts the tasks",
    "webhooks.missing": "LlamaCloud's webhooks do not arrive; results are found by asking, seconds late",
    "channel.failing": "an alert channel rejects notices or failed its check; all other channels are notified",
}
"""Every kind of alert with its meaning. A rule for any other kind is rejected as a typing error."""


class Severity(StrEnum):
    """The severity, in the words of PagerDuty and others."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """Higher is worse."""
        return list(Severity).index(self)


TITLE_KEPT = 120
"""Maximum characters of a reason in an alert's title."""

SEVERITIES: dict[str, Severity] = {
    "submission.paused": Severity.CRITICAL,
    "balance.off": Severity.CRITICAL,
    "source.expiring": Severity.WARNING,
    "packet.held": Severity.WARNING,
    "mail.held": Severity.WARNING,
    "quality.changed": Severity.WARNING,
    "shadow.refused": Severity.WARNING,
    "clock.skewed": Severity.WARNING,
}
"""Kind -> its severity, unless a rule changes it. Other kinds have the severity error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Something a person should know.

    Channels subscribe to a ``kind`` (job.failed, task.parked, delivery.failed, …). ``cause`` is what documents that
    fail for the same reason have in common, without ids, numbers and names (``cause_of``).
    """

    kind: str
    cause: str
    title: str
    detail: str
    subject: str = ""
    """The document, job or task that is the example."""
    name: str = ""
    """The document's name."""
    job_id: str = ""
    task_id: str = ""
    """The task that gave up."""
    delivery_id: str = ""
    as_of: str = ""
    """What else distinguishes this occurrence from the next: the deadline that passed, the file that expires."""
    tried: str = ""
    """What Mailroom tried before it gave up."""
    fix: str = ""
    """What to do, in words."""
    commands: tuple[str, ...] = ()
    """Commands that fix it, or show more, ready to be pasted."""
    at: float

    @property
    def fingerprint(self) -> str:
        """The fingerprint of this kind and cause."""
        return short_hash(self.kind, self.cause)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertState:
    """The record of a group of alerts and a channel in old releases without incidents (alerting/convert_alerts.py)."""

    id: str
    kind: str
    first_at: float
    last_at: float
    notified_at: float | None = None
    count: int = 0
    suppressed: int = 0
    example: str = ""
    title: str = ""
    fix: str = ""
    resolved_at: float | None = None
    expires_at: float | None = None
    """When the record is removed; the next alert is then the first of its group again."""
    version: int = 0


def state_parts(state_id: str) -> tuple[str, str]:
    """The group and the channel from an old record's id. A group may contain any text, even LlamaCloud's."""
    group, _, channel = state_id.rpartition(">")
    return group, channel.replace("%3E", ">").replace("%25", "%")
