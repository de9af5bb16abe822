"""Secrets that change while we run: files (and what else settings can read them from) are read again now and then.

So a rotation needs no restart, and no event is refused while it lasts.
"""

import asyncio
import logging
from collections.abc import Callable

from receiver.bootstrap import App, renew
from receiver.core.errors import Misconfigured
from receiver.log import line
from receiver.settings import Secret, Settings, from_environ

log = logging.getLogger("mailroom.serve")
EVERY_SECONDS = 2.0
"""How soon a changed secret is noticed."""


async def keep_fresh(
    app: App, *, every_seconds: float = EVERY_SECONDS, read: Callable[[], Settings] = from_environ
) -> None:
    """Exchanges the application's secrets whenever they are others than before; never returns.

    A secret that cannot be read, or a set that would not start, leaves the present ones in force.
    """
    known = secrets_of(app.settings)
    while True:
        await asyncio.sleep(every_seconds)
        try:
            settings = await asyncio.to_thread(read)
            if (found := secrets_of(settings)) == known:
                continue
            renew(app, settings)
        except Misconfigured as error:
            line(log, logging.ERROR, "secrets.unreadable", error=str(error))
            continue
        known = found
        line(log, logging.INFO, "secrets.renewed")


def secrets_of(settings: Settings) -> dict[str, Secret]:
    """The secrets among the settings."""
    values = {name: getattr(settings, name) for name in Settings.__struct_fields__}
    return {name: value for name, value in values.items() if isinstance(value, Secret)}
