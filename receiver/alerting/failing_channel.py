"""The alert about a failing channel, which all other channels get."""

import re
from shlex import quote

from receiver.core.alert import Alert
from receiver.core.channel import Channel

REPLAY = re.compile(r"[,;]? then: mailroom replay --parked$")
"""The end of fixes that channels share with destinations."""


def failing(channel: Channel, now: float) -> Alert:
    """The alert of a channel that does not accept notices, or whose notices reach nobody."""
    return Alert(
        kind="channel.failing",
        cause=channel.id,
        title=f"alert channel {channel.id} {_what_fails(channel)}",
        detail=channel.error,
        # Notices are retried automatically, so there is nothing to replay.
        fix=REPLAY.sub("", channel.fix) or "fix the channel; Mailroom sends the missed notices when it works again",
        commands=(f"mailroom alerts test {quote(channel.id)}",),
        at=now,
    )


def _what_fails(channel: Channel) -> str:
    if channel.partly:
        return "does not reach all of its addresses"
    if channel.found_by_probe:
        return "failed its check: its notices may reach nobody"  # a topic without a subscription accepts them
    return "does not accept notices"
