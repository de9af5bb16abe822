"""Alerts: one per cause and window, with the first example and the fix; then silence, then "resolved"."""

from dataclasses import dataclass, replace


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
class AlertState:
    """What we remember of a group of alerts; ``id`` is the group."""

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
    version: int = 0


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
