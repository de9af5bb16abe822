"""``teams:URL``: a notice as an Adaptive Card, posted to a workflow webhook of Microsoft Teams.

Source: Microsoft, "Create incoming webhooks with Workflows for Microsoft Teams": a POST of a message whose attachment
is an Adaptive Card, answered with 202; a message may have 28 KB. The URL is a secret and never shown.
"""

import json
from typing import Any

from handlers.alerts import text
from handlers.http_client import Outbound, refuse_unclean
from receiver.core.notice import Notice, NoticeStatus
from receiver.ports import AlertChannel

CARD = "application/vnd.microsoft.card.adaptive"
LIMIT = 28 * 1024


class Teams:
    """The ``teams:`` channel: one workflow."""

    tracks = False

    def __init__(self, url: str, outbound: Outbound) -> None:
        """Raises Misconfigured for anything but an https URL."""
        refuse_unclean(url, "teams")  # write teams:env:NAME, since the address is a secret
        self._url, self._outbound = url, outbound

    async def notify(self, notice: Notice) -> str:
        """Posts the notice. Raises DestinationBusy, AccessDenied, Unroutable."""
        body = json.dumps(message_of(text.fit(notice)), ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json"}
        await self._outbound.post(self._url, what="teams", body=body, headers=headers, then="")
        return ""

    async def probe(self) -> None:
        """Not possible: only a message would show whether the workflow runs."""
        return


def message_of(notice: Notice) -> dict[str, Any]:
    """The message with its card."""
    card = {
        "type": "AdaptiveCard",
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "version": "1.4",
        "fallbackText": text.headline(notice),
        "msteams": {"width": "Full"},
        "body": _body(notice),
        "actions": _actions(notice),
    }
    return {"type": "message", "attachments": [{"contentType": CARD, "contentUrl": None, "content": card}]}


def style(notice: Notice) -> str:
    """The state as a style of Adaptive Cards."""
    if notice.over:
        return "good"
    if notice.status in (NoticeStatus.ACKNOWLEDGED, NoticeStatus.TEST, NoticeStatus.QUIET):
        return "accent"
    return "attention" if notice.severity in ("critical", "error") else "warning"


def _body(notice: Notice) -> list[dict[str, Any]]:
    shown = text.notice_fields(notice)
    head = {
        "type": "TextBlock",
        "text": _plain(text.headline(notice)),
        "weight": "Bolder",
        "size": "Medium",
        "wrap": True,
    }
    body: list[dict[str, Any]] = [{"type": "Container", "style": style(notice), "bleed": True, "items": [head]}]
    if shown:
        facts = [{"title": name, "value": _plain(value)} for name, value in shown]
        body.append({"type": "FactSet", "facts": facts})
    body += [
        {"type": "TextBlock", "text": _plain(command), "fontType": "Monospace", "wrap": True, "spacing": "Small"}
        for command in notice.commands
    ]
    if notice.site:
        body.append({"type": "TextBlock", "text": _plain(f"Mailroom {notice.site}"), "isSubtle": True, "size": "Small"})
    return body


def _actions(notice: Notice) -> list[dict[str, str]]:
    links = [("Open the incident", notice.link), ("Open the document", notice.document_link)]
    return [{"type": "Action.OpenUrl", "title": name, "url": link} for name, link in links if link]


def _plain(content: str) -> str:
    """Text that Teams does not format as Markdown: links, emphasis and lists are escaped."""
    return "".join(f"\\{c}" if c in "\\*_[]()#~`>" else c for c in content).replace("\n", "\n\n")


_: type[AlertChannel] = Teams
