"""Every alert channel, by the scheme of its URL.

CONTRIBUTING.md says how to add one. Importing this imports no client library.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from handlers.http_client import Outbound
from receiver.aws.boto import Aws
from receiver.core.errors import Misconfigured
from receiver.ports import AlertChannel

KIND_CHARS = 20
"""A longer text before the colon is not a scheme, and may be a secret."""


@dataclass(frozen=True)
class Lines:
    """The clients that channels use, and the options of the channel that is opened."""

    aws: Aws
    outbound: Outbound
    smtp_url: str = field(default="", repr=False)
    options: Mapping[str, str] = field(default_factory=dict, repr=False)


def open_channel(
    url: str, *, smtp_url: str = "", aws: Aws | None = None, options: Mapping[str, str] | None = None
) -> AlertChannel:
    """The channel that ``url`` names, its ``env:NAME`` already resolved. Raises Misconfigured, naming no secret."""
    scheme = url.partition(":")[0]
    if scheme not in CHANNELS:
        called = repr(scheme) if url.startswith(f"{scheme}:") and len(scheme) < KIND_CHARS else "that"
        raise Misconfigured(f"no alert channel is called {called}; known channels: {', '.join(CHANNELS)}")
    if options and scheme not in ("http", "https"):
        raise Misconfigured(f"alerts: secret and headers are only for https:// channels, not for {scheme}:")
    return CHANNELS[scheme](url, Lines(aws or Aws(), Outbound(), smtp_url, options or {}))


def _log(_url: str, _lines: Lines) -> AlertChannel:
    from handlers.alerts.log import Log

    return Log()


def _pagerduty(url: str, lines: Lines) -> AlertChannel:
    from handlers.alerts.pagerduty import PagerDuty

    return PagerDuty(url.removeprefix("pagerduty:"), lines.outbound)


def _slack(url: str, lines: Lines) -> AlertChannel:
    from handlers.alerts.slack import open_slack

    return open_slack(url.removeprefix("slack:"), lines.outbound)


def _teams(url: str, lines: Lines) -> AlertChannel:
    from handlers.alerts.teams import Teams

    return Teams(url.removeprefix("teams:"), lines.outbound)


def _email(url: str, lines: Lines) -> AlertChannel:
    from handlers.alerts.email import Email

    return Email(url.removeprefix("mailto:"), lines.smtp_url)


def _sns(url: str, lines: Lines) -> AlertChannel:
    from handlers.alerts.sns import Sns

    return Sns(url.removeprefix("sns:"), lines.aws)


def _events(url: str, lines: Lines) -> AlertChannel:
    from handlers.alerts.events import Events

    return Events(url.removeprefix("events:"), lines.aws)


def _http(url: str, lines: Lines) -> AlertChannel:
    from handlers.alerts.http import HttpAlerts

    return HttpAlerts(url, lines.outbound, lines.options)


CHANNELS: dict[str, Callable[[str, Lines], AlertChannel]] = {
    "log": _log,
    "pagerduty": _pagerduty,
    "slack": _slack,
    "teams": _teams,
    "mailto": _email,
    "sns": _sns,
    "events": _events,
    "https": _http,
    "http": _http,
}
"""Scheme -> the function that opens such a channel."""
