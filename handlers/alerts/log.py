"""``log``: an alert as one line of our own log, by the logger ``mailroom.alert``."""

import logging

from handlers.alerts import text
from receiver.core.alert import Alert
from receiver.ports import AlertChannel

_log = logging.getLogger("mailroom.alert")


class Log:
    """The ``log`` channel: it cannot fail, so every table of alerts may end in it."""

    async def notify(self, alert: Alert, *, count: int, suppressed: int) -> None:
        """One line at level error."""
        _log.error("%s", text.line(alert, count=count, suppressed=suppressed))


_: type[AlertChannel] = Log
