"""Renews secrets while the process runs: their files, and other sources, are read again periodically.

So a rotation needs no restart, and no event is rejected meanwhile. Secrets may change, but not which proofs are
required: a renewal that cannot be read, or would remove a proof, is rejected as a whole and raises an alert.
"""

import asyncio
import logging
import time
from collections.abc import Callable

from receiver.bootstrap import App, renew
from receiver.core.errors import Misconfigured
from receiver.log import log_line
from receiver.read_settings import from_environ
from receiver.refused_change import AGAIN_SECONDS, SECRETS, log
from receiver.reload_signal import ReloadRequests
from receiver.settings import Secret, Settings

EVERY_SECONDS = 2.0
"""How soon a changed secret is noticed."""
RENEWED = ("llama_cloud_api_key", "webhook_headers", "token_secrets", "signing_secrets", "admin_token", "operators")
"""The settings that are renewed; any other needs a restart."""


async def keep_fresh(
    app: App,
    *,
    every_seconds: float = EVERY_SECONDS,
    read: Callable[[], Settings] = from_environ,
    requests: ReloadRequests | None = None,
) -> None:
    """Replaces the application's secrets whenever they have changed; never returns.

    If a renewal is rejected, the present ones stay in use.
    """
    known, told_at, cleared_at = secrets_of(app.settings), float("-inf"), float("-inf")
    request = (requests or ReloadRequests()).waiter()
    while True:
        if await request.wait(every_seconds):
            told_at = float("-inf")  # who asks is answered at once
        try:
            settings = await asyncio.to_thread(read)
            if (found := secrets_of(settings)) != known:
                renew(app, settings)
                known = found
                log_line(log, logging.INFO, "secrets.renewed")
            told_at = float("-inf")
            if time.monotonic() - cleared_at >= AGAIN_SECONDS:
                await SECRETS.clear(app.context)
                cleared_at = time.monotonic()
        except Misconfigured as error:
            if time.monotonic() - told_at >= AGAIN_SECONDS:
                await SECRETS.alert(error, app.context)
                told_at = time.monotonic()


def secrets_of(settings: Settings) -> dict[str, Secret]:
    """The renewable secrets of these settings."""
    return {name: getattr(settings, name) for name in RENEWED}
