"""How long each kind of record is kept. The defaults stand here and nowhere else; ``mailroom.yaml`` changes them."""

from dataclasses import dataclass

DAY = 86400.0
LONGEST_DAYS = 36_500
"""A hundred years: longer ones are slips of the pen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """Days from the end of a record's use until it is forgotten."""

    events_days: float = 30
    """From the moment an event came: so long its id is known, and a repetition is a duplicate."""
    tasks_days: float = 30
    """From the moment a task was done, or parked about no document. Any other that is parked stays for a person."""
    alerts_days: float = 90
    """From the last time that an alert of a group came; what comes later is the first of its kind again."""
    content_days: float = 30
    """From the last thing that happened to a routed or failed document; bytes that anybody still needs stay."""
    documents_days: float | None = None
    """The same for its record, with its jobs; None keeps it for ever."""

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
