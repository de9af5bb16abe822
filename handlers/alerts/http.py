"""``https://…``: an alert as JSON, posted to an endpoint of yours."""

import json

from handlers.alerts import text
from handlers.outbound import Outbound, private, without_secrets
from receiver.core.alert import Alert
from receiver.core.errors import Misconfigured
from receiver.ports import AlertChannel


class HttpAlerts:
    """The ``https:`` channel: one endpoint."""

    def __init__(self, url: str, outbound: Outbound) -> None:
        """Raises Misconfigured for an address that anybody on the way can listen to."""
        if not private(url):
            raise Misconfigured(f"{without_secrets(url)}: alerts go by https:// (http:// to this machine only)")
        self._url, self._outbound = url, outbound

    async def notify(self, alert: Alert, *, count: int, suppressed: int) -> None:
        """Posts the alert. Raises DestinationBusy, AccessDenied, Unroutable."""
        body = json.dumps(text.facts(alert, count=count, suppressed=suppressed), ensure_ascii=False).encode()
        what = f"the alert endpoint {without_secrets(self._url)}"
        await self._outbound.post(self._url, what=what, body=body, headers={"Content-Type": "application/json"})


_: type[AlertChannel] = HttpAlerts
