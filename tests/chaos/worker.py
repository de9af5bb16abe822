"""A second worker on the same store: what ``mailroom serve`` runs beside its receiver, in a process of its own."""

import asyncio
import signal

import click

from receiver.bootstrap import App
from receiver.cli.running import with_app
from receiver.cli.serve import worker_of


@click.command()
def worker() -> None:
    """Run a worker and the sweep, without a receiver."""
    with_app(_work, log=True)


async def _work(app: App) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with worker_of(app).running():
        await stop.wait()
