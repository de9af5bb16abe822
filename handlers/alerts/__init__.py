"""Every alert channel, by the scheme of its URL.

Adding one: its module, its contract test, its part of docs/alerts.md. Importing this imports no client library.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from handlers.aws import Aws
from handlers.outbound import Outbound
from receiver.core.errors import Misconfigured
from receiver.ports import AlertChannel


@dataclass(frozen=True)
class Lines:
    """What channels talk through."""

    aws: Aws
    outbound: Outbound
    smtp_url: str = field(default="", repr=False)


def open_channel(url: str, *, smtp_url: str = "", aws: Aws | None = None) -> AlertChannel:
    """The channel that ``url`` names, its ``env:NAME`` already resolved. Raises Misconfigured, naming no secret."""
    scheme = url.partition(":")[0]
    if scheme not in CHANNELS:
        raise Misconfigured(f"no alert channel is called {scheme!r}; known are {', '.join(CHANNELS)}")
    return CHANNELS[scheme](url, Lines(aws or Aws(), Outbound(), smtp_url))


def _log(_url: str, _lines: Lines) -> AlertChannel:
    from handlers.alerts.log import Log

    return Log()


def _sns(url: str, lines: Lines) -> AlertChannel:
    from handlers.alerts.sns import Sns

    return Sns(url.removeprefix("sns:"), lines.aws)


def _slack(url: str, lines: Lines) -> AlertChannel:
    from handlers.alerts.slack import Slack

    return Slack(url.removeprefix("slack:"), lines.outbound)


def _email(url: str, lines: Lines) -> AlertChannel:
    from handlers.alerts.email import Email

    return Email(url.removeprefix("mailto:"), lines.smtp_url)


def _http(url: str, lines: Lines) -> AlertChannel:
    from handlers.alerts.http import HttpAlerts

    return HttpAlerts(url, lines.outbound)


CHANNELS: dict[str, Callable[[str, Lines], AlertChannel]] = {
    "log": _log,
    "sns": _sns,
    "slack": _slack,
    "mailto": _email,
    "https": _http,
    "http": _http,
}
"""Scheme -> how such a channel is made."""
