"""Secrets that change while we run: files (and what else settings can read them from) are read again now and then.

So a rotation needs no restart, and no event is refused while it lasts. What may change is a secret, never what is
required: a renewal that cannot be read, or would take a proof away, is refused as a whole, and a person is told.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable

from receiver.bootstrap import App, renew
from receiver.core.alert import Alert
from receiver.core.change import Ensure
from receiver.core.errors import MailroomError, Misconfigured
from receiver.core.incident import Incident
from receiver.core.naming import fingerprint
from receiver.flow.alert import task_for
from receiver.flow.tools import Tools
from receiver.flow.watch import found_gone
from receiver.log import line
from receiver.settings import Secret, Settings, from_environ

log = logging.getLogger("mailroom.serve")
EVERY_SECONDS = 2.0
"""How soon a changed secret is noticed."""
AGAIN_SECONDS = 60.0
"""How often a person is told of a renewal that is refused still; the alert's own window decides what is sent."""
KIND, CAUSE = "secret.refused", "renewal"
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
                line(log, logging.INFO, "secrets.renewed")
            told_at = float("-inf")
            if time.monotonic() - cleared_at >= AGAIN_SECONDS:
                await clear(app.tools)
                cleared_at = time.monotonic()
        except Misconfigured as error:
            if time.monotonic() - told_at >= AGAIN_SECONDS:
                await tell(error, app.tools)
                told_at = time.monotonic()


async def tell(error: Misconfigured, tools: Tools) -> None:
    """Tells of a renewal that was refused: a line in the log, and an alert."""
    line(log, logging.ERROR, "secrets.refused", error=str(error), fix=error.fix)
    alert = Alert(
        kind=KIND,
        cause=CAUSE,
        title="a renewed secret was refused; the one before stays in use",
        detail=str(error),
        fix=error.fix,
        at=tools.clock(),
    )
    task = task_for(alert, "renewal", alert.at)
    try:
        await tools.store.apply(Ensure(task))
    except MailroomError as trouble:  # it is told again before long
        line(log, logging.ERROR, "secrets.untold", error=str(trouble), fix=trouble.fix)
    else:
        await tools.ring(task.id)


async def clear(tools: Tools) -> None:
    """Says that the secrets are read as they should be, where somebody was told otherwise."""
    with contextlib.suppress(MailroomError):  # it is looked at again before long
        if (incident := await tools.store.get(Incident, fingerprint(KIND, CAUSE))) and incident.standing_since:
            await found_gone(incident, tools)


def secrets_of(settings: Settings) -> dict[str, Secret]:
    """The secrets that are exchanged, as these settings have them."""
    return {name: getattr(settings, name) for name in RENEWED}
