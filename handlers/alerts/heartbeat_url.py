"""MAILROOM_HEARTBEAT_URL: a URL that is called after each sweep; its watchdog raises the alarm when the calls stop.

healthchecks.io, Uptime Kuma, Cronitor, Dead Man's Snitch and others call it a ping or push URL.
"""

from handlers.http_client import Outbound, private
from receiver.core.errors import Misconfigured, Unroutable

WHAT = "MAILROOM_HEARTBEAT_URL"
SECONDS = 10.0
"""The sweep waits for it."""


class HeartbeatUrl:
    """Calls the URL, which is a secret and never shown."""

    def __init__(self, url: str) -> None:
        """Raises Misconfigured for anything but an https URL."""
        if not private(url):
            raise Misconfigured(f"{WHAT} needs an https:// address")
        self._url, self._outbound = url, Outbound(seconds=SECONDS)

    async def __call__(self) -> None:
        """Raises DestinationBusy if there is no response, Unroutable for one that is not 2xx."""
        answer = await self._outbound.ask("GET", self._url, what=WHAT, headers={"User-Agent": "Mailroom"})
        if not answer.is_success:
            raise Unroutable(
                f"{WHAT} answered {answer.status_code} {answer.reason_phrase}".rstrip(), fix="use its current address"
            )
