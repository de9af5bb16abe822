"""How long each kind of record is kept. The defaults are defined here only; ``mailroom.yaml`` changes them."""

from dataclasses import dataclass

DAY = 86400.0
LONGEST_DAYS = 36_500
"""A hundred years: longer values are typing errors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """Days from the end of a record's use until it is removed."""

    events_days: float = 30
    """From the arrival of an event: its id is known for so long, and a repetition is a duplicate."""
    tasks_days: float = 30
    """From the end of a task, or its parking if it is about no document. Any other parked task stays for a person."""
    alerts_days: float = 90
    """From the last time that an alert of a group came; what comes later is the first of its kind again."""
    content_days: float = 30
    """From the last change of a routed or failed document; bytes that are still needed stay."""
    documents_days: float | None = None
    """The same for its record, with its jobs; None keeps it forever."""

    @property
    def events_seconds(self) -> float:
        return self.events_days * DAY

    @property
    def tasks_seconds(self) -> float:
        return self.tasks_days * DAY

    @property
    def alerts_seconds(self) -> float:
        return self.alerts_days * DAY

    @property
    def content_seconds(self) -> float:
        return self.content_days * DAY

    @property
    def documents_seconds(self) -> float | None:
        return None if self.documents_days is None else self.documents_days * DAY
