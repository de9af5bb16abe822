"""``slack:URL``: an alert as a message to an incoming webhook of Slack, or of anything that speaks like it.

Source: Slack API, incoming webhooks: JSON with ``text``, where ``& < >`` are escaped. The URL is the secret: it is
never shown.
"""

import json

from handlers.alerts import text
from handlers.outbound import Outbound, private
from receiver.core.alert import Alert
from receiver.core.errors import Misconfigured
from receiver.ports import AlertChannel

_ESCAPES = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"))


class Slack:
    """The ``slack:`` channel: one incoming webhook."""

    def __init__(self, url: str, outbound: Outbound) -> None:
        """Raises Misconfigured for what is no https address."""
        if not private(url):
            raise Misconfigured("slack: needs an https:// address; write slack:env:NAME, since the address is a secret")
        self._url, self._outbound = url, outbound

    async def notify(self, alert: Alert, *, count: int, suppressed: int) -> None:
        """Posts the alert. Raises DestinationBusy, AccessDenied, Unroutable."""
        said = text.body(alert, count=count, suppressed=suppressed)
        for character, escape in _ESCAPES:
            said = said.replace(character, escape)
        title, _, rest = said.partition("\n")
        body = json.dumps({"text": f":rotating_light: *{title}*\n```{rest.strip()}```"}).encode()
        await self._outbound.post(self._url, what="slack", body=body, headers={"Content-Type": "application/json"})


_: type[AlertChannel] = Slack
