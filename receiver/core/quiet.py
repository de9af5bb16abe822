"""Quiet hours: the part of each day in which only critical notices are sent."""

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
        """When the quiet hours around ``now`` end; None outside of them.

        If clocks are set back over ``end``, that time comes twice, and the next one counts. If they are set forward
        over it, it does not come that night, and the quiet hours end as long after the change as ``end`` would have
        been.
        """
        if not self._inside(now):
            return None
        zone, today = ZoneInfo(self.zone), self._here(now).date()
        days = [datetime.combine(today + timedelta(days=day), self.end, zone) for day in range(3)]
        ends = [day.replace(fold=fold).timestamp() for day in days for fold in (0, 1)]
        return min(at for at in ends if at > now and not self._inside(at))

    def _inside(self, now: float) -> bool:
        clock = self._here(now).time()
        if self.begin > self.end:
            return clock >= self.begin or clock < self.end
        return self.begin <= clock < self.end

    def _here(self, now: float) -> datetime:
        return datetime.fromtimestamp(now, UTC).astimezone(ZoneInfo(self.zone))
