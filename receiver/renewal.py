"""Secrets that change while we run: files (and what else settings can read them from) are read again now and then.

So a rotation needs no restart, and no event is refused while it lasts. What may change is a secret, never what is
required: a renewal that cannot be read, or would take a proof away, is refused as a whole, and a person is told.
"""

import asyncio
import logging
import time
from collections.abc import Callable

from receiver.bootstrap import App, renew
from receiver.core.errors import Misconfigured
from receiver.environment import from_environ
from receiver.log import log_line
from receiver.refused_change import AGAIN_SECONDS, SECRETS, log
from receiver.settings import Secret, Settings

EVERY_SECONDS = 2.0
"""How soon a changed secret is noticed."""
RENEWED = ("llama_cloud_api_key", "webhook_headers", "token_secrets", "signing_secrets", "admin_token")
"""The settings that are exchanged; any other takes a restart."""


async def keep_fresh(
    app: App, *, every_seconds: float = EVERY_SECONDS, read: Callable[[], Settings] = from_environ
) -> None:
    """Exchanges the application's secrets whenever they are others than before; never returns.

    A renewal that is refused leaves the present ones in force.
    """
    known, told_at, cleared_at = secrets_of(app.settings), float("-inf"), float("-inf")
    while True:
        await asyncio.sleep(every_seconds)
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
    """The secrets that are exchanged, as these settings have them."""
    return {name: getattr(settings, name) for name in RENEWED}
