"""``slack:``: a notice as a message with blocks, in the colour of the incident's state.

``slack:URL`` posts to an incoming webhook of Slack or of a compatible service (Mattermost, Rocket.Chat, Discord's
``/slack``); these get the older format that they support. ``slack:TOKEN/CHANNEL`` posts as a bot, which updates the
first message of an incident and adds later ones to its thread. An incoming webhook cannot do that.

Source: Slack API: incoming webhooks; chat.postMessage, chat.update, auth.test; Block Kit (a section has 3,000
characters at most, a field 2,000, a header 150); ``& < >`` are escaped. Text from outside is sent as plain text:
mrkdwn cannot escape asterisks, backticks and links, so a vendor's message could pass for ours. URL and token are
secrets and never shown.
"""

import json
import re
from typing import Any
from urllib.parse import urlsplit

from handlers.alerts import text
from handlers.http_client import LOOPBACK, Outbound, refuse_unclean
from receiver.core.errors import AccessDenied, DestinationBusy, MailroomError, Misconfigured, Unroutable
from receiver.core.notice import Notice, NoticeStatus
from receiver.ports import AlertChannel

API = "https://slack.com/api"
TOKEN = "xoxb-"
ANSWER_BYTES = 256 * 1024
"""Maximum size of a response, which repeats the message."""
_ESCAPES = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"))
RED, AMBER, BLUE, GREEN, GREY = "#b3261e", "#d98a00", "#1c5fb8", "#1c7040", "#666a70"
_SIGNS = {RED: ":red_circle:", AMBER: ":large_orange_circle:", BLUE: ":large_blue_circle:", GREEN: ":white_check_mark:",
          GREY: ":white_circle:"}  # fmt: skip
_DENIED = frozenset(
    {"not_authed", "invalid_auth", "account_inactive", "token_revoked", "token_expired", "missing_scope"}
)
_BUSY = frozenset(
    {"ratelimited", "rate_limited", "internal_error", "fatal_error", "request_timeout", "service_unavailable"}
)


def colour(notice: Notice) -> str:
    """The colour of the state."""
    if notice.over:
        return GREEN
    if notice.status in (NoticeStatus.ACKNOWLEDGED, NoticeStatus.TEST):
        return BLUE
    if notice.status is NoticeStatus.QUIET:
        return GREY
    return RED if notice.severity in ("critical", "error") else AMBER


class SlackWebhook:
    """``slack:URL``: one incoming webhook."""

    tracks = False

    def __init__(self, url: str, outbound: Outbound) -> None:
        """Raises Misconfigured for anything but an https URL."""
        refuse_unclean(url, "slack")  # write slack:env:NAME, since the address is a secret
        self._url, self._outbound = url, outbound
        host = urlsplit(url).hostname or ""
        self._blocks = host in LOOPBACK or host.endswith(("slack.com", "slack-gov.com"))

    async def notify(self, notice: Notice) -> str:
        """Posts the notice. Raises DestinationBusy, AccessDenied, Unroutable."""
        message = message_of(text.fit(notice), blocks=self._blocks)
        body = json.dumps(message).encode()
        headers = {"Content-Type": "application/json"}
        await self._outbound.post(self._url, what="slack", body=body, headers=headers, then="")
        return ""  # Slack returns no id of the message, so nothing can be added to it later

    async def probe(self) -> None:
        """Not possible: only a message would show whether the webhook works."""
        return


class SlackBot:
    """``slack:xoxb-TOKEN/CHANNEL``: a bot that was invited to the channel."""

    tracks = True

    def __init__(self, api: str, token: str, channel: str, outbound: Outbound) -> None:
        self._api, self._token, self._channel, self._outbound = api, token, channel, outbound

    async def notify(self, notice: Notice) -> str:
        """Posts the notice, or updates the first one and replies in its thread. Returns the thread. Raises like the
        webhook."""
        message = {"channel": self._channel, **message_of(text.fit(notice), blocks=True), "unfurl_links": False}
        if not notice.thread:
            return str((await self._call("chat.postMessage", message))["ts"])
        await self._call("chat.postMessage", {**message, "thread_ts": notice.thread})
        await self._call("chat.update", {**message, "ts": notice.thread})
        return notice.thread

    async def probe(self) -> list[str]:
        """Whether Slack accepts the token."""
        try:
            await self._call("auth.test", {})
        except MailroomError as error:
            return [f"{error}; {error.fix}" if error.fix else str(error)]
        return []

    async def _call(self, method: str, message: dict[str, Any]) -> dict[str, Any]:
        headers = {"Content-Type": "application/json; charset=utf-8", "Authorization": f"Bearer {self._token}"}
        body = json.dumps(message).encode()
        url = f"{self._api}/{method}"
        answer = await self._outbound.post(
            url, what="slack", body=body, headers=headers, then="", keep=ANSWER_BYTES
        )  # fmt: skip
        try:
            reply = json.loads(answer)
        except ValueError as error:
            raise DestinationBusy(f"slack: the response to {method} is not JSON") from error
        if not isinstance(reply, dict) or reply.get("ok") is not True:
            raise _refused(method, str(reply.get("error", "")) if isinstance(reply, dict) else "", self._channel)
        return reply


def open_slack(rest: str, outbound: Outbound) -> AlertChannel:
    """The channel for what follows ``slack:``. Raises Misconfigured, without showing the secret."""
    base, found, bot = rest.rpartition(f"/{TOKEN}") if f"/{TOKEN}" in rest else ("", "", rest)
    token = f"{TOKEN}{bot}" if found else bot
    if not token.startswith(TOKEN):
        return SlackWebhook(rest, outbound)
    token, _, channel = token.partition("/")
    if not channel:
        raise Misconfigured("slack: a bot's token needs its channel: write slack:env:SLACK_TOKEN/C024BE91L")
    if base:
        refuse_unclean(base, "slack")
    return SlackBot(base or API, token, channel, outbound)


def _refused(method: str, code: str, channel: str) -> MailroomError:
    reason = f"slack: {method} returned {code or 'not ok'}"
    if code in _BUSY:
        return DestinationBusy(reason)
    if code in _DENIED:
        return AccessDenied(reason, fix="give the bot the scope chat:write, and Mailroom its current token")
    if code in ("not_in_channel", "channel_not_found"):
        return Unroutable(reason, fix=f"invite the bot to the channel {channel}, or correct its id in mailroom.yaml")
    return Unroutable(reason, fix="look up this error in Slack's documentation")


def message_of(notice: Notice, *, blocks: bool) -> dict[str, Any]:
    """The message: with blocks for Slack itself, with an attachment's fields for compatible services."""
    shade = colour(notice)
    fallback = _escaped(text.headline(notice))
    if not blocks:
        fields = [
            {"title": name, "value": _calm(_escaped(value)), "short": len(value) < 40}
            for name, value in text.notice_fields(notice)
        ]
        title = _calm(text.headline(notice))
        attachment = {"color": shade, "fallback": _calm(fallback), "title": title, "fields": fields}
        attachment |= {"title_link": notice.link} if notice.link else {}
        return {"text": "", "attachments": [attachment | {"text": _commands(notice), "mrkdwn_in": ["text"]}]}
    attachment = {"color": shade, "fallback": fallback, "blocks": _blocks(notice, shade)}
    return {"text": fallback, "mrkdwn": False, "attachments": [attachment]}


def _blocks(notice: Notice, shade: str) -> list[dict[str, Any]]:
    head = _plain(f"{_SIGNS[shade]} {text.label(notice)}: {notice.title}", 150)
    title = {"type": "header", "text": {**head, "emoji": True}}
    shown = dict(text.notice_fields(notice))
    short = [f"*{name}*\n{_escaped(shown[name])}" for name in ("Status", "Count", "When", "Kind") if name in shown]
    blocks: list[dict[str, Any]] = [title]
    if short:
        blocks.append({"type": "section", "fields": [_mrkdwn(item, 2000) for item in short]})
    for name in ("Worst", "Example", "Message", "Tried", "Fix"):
        if name in shown:
            blocks.append({"type": "context", "elements": [_mrkdwn(f"*{name}*", 2000)]})
            blocks.append({"type": "section", "text": _plain(shown[name], 3000)})
    if notice.commands:
        blocks.append({"type": "section", "text": _mrkdwn(_commands(notice), 3000)})
    links = [("Open the incident", notice.link), ("Open the document", notice.document_link)]
    buttons = [
        {"type": "button", "text": {"type": "plain_text", "text": name}, "url": link} for name, link in links if link
    ]
    if buttons:
        blocks.append({"type": "actions", "elements": buttons})
    if notice.site:
        blocks.append({"type": "context", "elements": [_mrkdwn(_escaped(f"Mailroom {notice.site}"), 2000)]})
    return blocks


def _commands(notice: Notice) -> str:
    return "```" + _escaped("\n".join(notice.commands)).replace("```", "'''") + "```" if notice.commands else ""


def _mrkdwn(content: str, limit: int) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": _cut(content, limit)}


def _plain(content: str, limit: int) -> dict[str, Any]:
    """Text without formatting, links or mentions."""
    return {"type": "plain_text", "text": _cut(_escaped(content), limit)}


def _cut(content: str, limit: int) -> str:
    return content if len(content) <= limit else content[: limit - 1] + "…"


def _escaped(content: str) -> str:
    for character, escape in _ESCAPES:
        content = content.replace(character, escape)
    return content


def _calm(content: str) -> str:
    """Text for compatible services, which read Markdown: ``@all`` mentions nobody, and no link hides its URL."""
    return re.sub(r"(?<![\w.])@(?=\w)", "@\u200b", content).replace("](", "]\u200b(")


_: tuple[type[AlertChannel], ...] = (SlackWebhook, SlackBot)
