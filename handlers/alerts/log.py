"""``log``: a notice as one line of Mailroom's own log, from the logger ``mailroom.alert``."""

import logging

from handlers.alerts import text
from receiver.core.alert import Severity
from receiver.core.notice import Notice, NoticeStatus
from receiver.ports import AlertChannel

_log = logging.getLogger("mailroom.alert")
_LEVELS = {Severity.INFO: logging.INFO, Severity.WARNING: logging.WARNING}


class Log:
    """The ``log`` channel, which cannot fail."""

    tracks = False

    async def notify(self, notice: Notice) -> str:
        """Logs one line at the level of the severity; at level info if the incident is over."""
        goes_on = notice.status is NoticeStatus.FIRING or (notice.status is NoticeStatus.DIGEST and not notice.over)
        level = _LEVELS.get(notice.severity, logging.ERROR) if goes_on else logging.INFO
        _log.log(level, "%s", text.notice_line(text.fit(notice)))
        return ""

    async def probe(self) -> list[str]:
        """Nothing to check."""
        return []


_: type[AlertChannel] = Log
