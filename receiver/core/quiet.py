"""Quiet hours: the part of each day in which only what is critical is told."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietHours:
    """From ``begin`` to ``end`` of each day in ``zone``; over midnight when ``begin`` is the later one."""

    begin: time
    end: time
    zone: str = "UTC"

    def until(self, now: float) -> float | None:
        """When the quiet hours that ``now`` lies in are over; None outside of them."""
        here = datetime.fromtimestamp(now, UTC).astimezone(ZoneInfo(self.zone))
        clock = here.time()
        over_midnight = self.begin > self.end
        inside = (clock >= self.begin or clock < self.end) if over_midnight else self.begin <= clock < self.end
        if not inside:
            return None
        day = here.date() + timedelta(days=1) if over_midnight and clock >= self.begin else here.date()
        return datetime.combine(day, self.end, here.tzinfo).timestamp()
