"""mailroom listen: a worker for a machine that LlamaCloud cannot reach. It asks for results instead."""

import asyncio
import logging

import click

from receiver.background import log_error
from receiver.bootstrap import App
from receiver.cli.listeners import Listeners, address_of, operator_listening
from receiver.cli.numbers import Number
from receiver.cli.running import with_app
from receiver.cli.serve import changing, serve_until
from receiver.core.errors import MailroomError, Misconfigured
from receiver.log import log_line
from receiver.operations.missed_webhooks import ask_open
from receiver.pipeline.context import Context
from receiver.stopping import Stopping

log = logging.getLogger("mailroom.serve")


@click.command(short_help="Work without a public address: ask LlamaCloud for results.")
@click.option(
    "--every", default=3.0, show_default=True, type=Number(0.1, 3600), help="Seconds between two requests for results."
)
def listen(every: float) -> None:
    """Run a worker and the operator's page, and ask LlamaCloud which jobs are finished.

    For a machine that LlamaCloud cannot reach, such as a laptop: set MAILROOM_PUBLIC_URL=none. Jobs are then created
    without a webhook. While jobs are open, one request asks about up to a hundred of them. Documents are processed,
    delivered and counted as with `mailroom serve`, only later by up to --every seconds.
    """
    with_app(lambda app: _listen(app, every), log=True)


async def _listen(app: App, every: float) -> None:
    if app.settings.gets_webhooks:
        raise Misconfigured(
            f"MAILROOM_PUBLIC_URL={app.settings.public_url}: jobs send their events there",
            fix="run `mailroom serve`; or set MAILROOM_PUBLIC_URL=none, to ask for results instead",
        )
    with operator_listening(app.settings.operator_listens()) as listeners:
        stop = Stopping(app.settings.stop_seconds).on_signals()
        await serve_until(
            stop,
            app,
            listeners,
            announce=lambda: _announce(app, listeners, every),
            background={"results": lambda: _keep_asking(app.context, every), **changing(app, stop)},
        )


def _announce(app: App, listeners: Listeners, every: float) -> None:
    operator = address_of(listeners.operator)
    log_line(log, logging.INFO, "listen.ready", every_seconds=every, operator=operator, **app.settings.summary())


async def _keep_asking(context: Context, every: float) -> None:
    """Asks about open jobs periodically, even while LlamaCloud is busy; never returns."""
    while True:
        try:
            found = await ask_open(context)
        except MailroomError as error:
            log_error("results.failed", error)
        else:
            if found.finished:
                log_line(log, logging.INFO, "results.found", finished=found.finished, asked=found.asked)
        await asyncio.sleep(every)
