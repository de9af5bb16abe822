"""mailroom worker: a worker and the sweep, without the receiver."""

import logging

import click

from receiver.bootstrap import App
from receiver.cli.running import refuse_strange_spool, with_app
from receiver.cli.serve import changing, refuse_unreachable, until_ready, working
from receiver.log import log_line
from receiver.stopping import Stopping
from receiver.supervisor import Supervisor

log = logging.getLogger("mailroom.serve")


@click.command()
def worker() -> None:
    """Run a worker and the sweep, without the receiver. Several workers can share one store and queue."""
    with_app(_work, log=True)


async def _work(app: App) -> None:
    """Works until the process is told to stop; running tasks are finished."""
    refuse_unreachable(app)
    stop = Stopping(app.settings.stop_seconds).on_signals()
    await until_ready(app.context.store)
    await refuse_strange_spool(app)
    supervisor = Supervisor(app.context.meter)
    async with supervisor.running(changing(app, stop)), working(app, supervisor, stop):
        log_line(log, logging.INFO, "worker.ready", **app.settings.summary())
        await stop.wait()
