"""``pagerduty:KEY``: a notice as an event of PagerDuty's Events API v2, which triggers and resolves an alert.

``pagerduty:https://events.eu.pagerduty.com/KEY`` is the EU's service region. The deduplication key is the
incident's fingerprint with the name of this Mailroom: an incident that comes back triggers a new alert at PagerDuty.

Source: PagerDuty Developer Documentation, Events API v2: ``/v2/enqueue``, answered 202; ``summary`` has up to 1,024
characters, ``dedup_key`` up to 255; 400 for an invalid event, 429 for too many.
"""

import json
from typing import Any

from handlers.alerts import text
from handlers.http_client import Outbound, refuse_unclean
from receiver.core.errors import Misconfigured
from receiver.core.notice import Notice, NoticeStatus
from receiver.ports import AlertChannel

API = "https://events.pagerduty.com"
SUMMARY, DEDUP_KEY = 1024, 255


class PagerDuty:
    """The ``pagerduty:`` channel: one integration key of a service."""

    tracks = True

    def __init__(self, rest: str, outbound: Outbound) -> None:
        """Raises Misconfigured for an invalid integration key, without showing it."""
        base, _, key = rest.rpartition("/")
        if not (key.isascii() and key.isalnum() and len(key) == 32):
            raise Misconfigured(
                "pagerduty: needs the integration key of a service, 32 letters and digits: pagerduty:env:PAGERDUTY_KEY"
            )
        if base:
            refuse_unclean(base, "pagerduty")
        self._url, self._key, self._outbound = f"{base or API}/v2/enqueue", key, outbound

    async def notify(self, notice: Notice) -> str:
        """Enqueues the event. Raises DestinationBusy, AccessDenied, Unroutable."""
        body = json.dumps({"routing_key": self._key, **event_of(text.fit(notice))}).encode()
        headers = {"Content-Type": "application/json"}
        await self._outbound.post(self._url, what="pagerduty", body=body, headers=headers, then="")
        return ""

    async def probe(self) -> None:
        """Not possible: only an event would show whether the key is valid."""
        return


def event_of(notice: Notice) -> dict[str, Any]:
    """The event, without its routing key."""
    event: dict[str, Any] = {"event_action": _action(notice), "dedup_key": _dedup_key(notice)}
    if event["event_action"] != "trigger":
        return event
    title = f"{text.label(notice)}: {notice.title}" if notice.status is not NoticeStatus.FIRING else notice.title
    counted = f" ({notice.count} times)" if notice.status is NoticeStatus.FIRING and notice.count > 1 else ""
    return event | {
        "payload": {
            "summary": title[: SUMMARY - len(counted)] + counted,
            "source": notice.site or "mailroom",
            # A quiet incident must not page again: all that is known is that nothing new happened.
            "severity": "info" if notice.status in (NoticeStatus.QUIET, NoticeStatus.TEST) else str(notice.severity),
            "timestamp": text.iso_seconds(notice.opened_at),
            "component": "mailroom",
            "group": notice.kind,
            "class": notice.cause[:SUMMARY] or notice.kind,
            "custom_details": text.facts(notice),
        },
        "links": [
            {"href": link, "text": name}
            for name, link in (("The incident", notice.link), ("The document", notice.document_link))
            if link
        ],
        "client": "Mailroom",
        **({"client_url": notice.link} if notice.link else {}),
    }


def _action(notice: Notice) -> str:
    if notice.over:
        return "resolve"
    return "acknowledge" if notice.status is NoticeStatus.ACKNOWLEDGED else "trigger"


def _dedup_key(notice: Notice) -> str:
    tail = f":{notice.key}"
    return f"mailroom:{notice.site}"[: DEDUP_KEY - len(tail)] + tail


_: type[AlertChannel] = PagerDuty
