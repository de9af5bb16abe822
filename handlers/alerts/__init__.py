"""Every alert channel, by the scheme of its URL.

Adding one: its module, its contract test, its part of docs/alerts.md. Importing this imports no client library.
"""

from handlers.aws import Aws
from receiver.core.errors import Misconfigured
from receiver.ports import AlertChannel

SCHEMES = ("log", "sns")


def open_channel(url: str, *, aws: Aws) -> AlertChannel:
    """The channel that ``url`` names (``env:NAME`` is resolved by the caller). Raises Misconfigured."""
    scheme, _, rest = url.partition(":")
    if scheme == "log":
        from handlers.alerts.log import Log

        return Log()
    if scheme == "sns":
        from handlers.alerts.sns import Sns

        return Sns(rest, aws)
    raise Misconfigured(f"no alert channel {scheme!r}; known are {', '.join(SCHEMES)}")
