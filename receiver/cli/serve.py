"""mailroom serve: receiver, worker and sweep in one process."""

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator

import click
import uvicorn

from receiver.bootstrap import App
from receiver.cli.running import with_app
from receiver.core.errors import Misconfigured, StoreBusy
from receiver.http.app import create_app
from receiver.http.server import Server, server_config
from receiver.log import line
from receiver.ports import Store
from receiver.renewal import keep_fresh
from receiver.runner import Worker

log = logging.getLogger("mailroom.serve")
START_PAUSES = (0.5, 1.0, 2.0, 4.0)
"""Seconds between the looks whether the store can write, at the start."""


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    default=8080,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port to listen on; 0 takes a free one.",
)
@click.option("--worker/--no-worker", default=True, help="Whether to work on tasks too; if not, run `mailroom worker`.")
def serve(host: str, port: int, worker: bool) -> None:
    """Run the receiver, a worker and the sweep in one process."""
    with_app(lambda app: _serve(app, host, port, worker=worker), log=True)


async def _serve(app: App, host: str, port: int, *, worker: bool) -> None:
    listener, stop = listen(host, port), until_told()
    renewing = asyncio.create_task(keep_fresh(app))
    await serve_until(stop, app, listener, announce=lambda: _announce(app, listener), worker=worker)
    renewing.cancel()


def until_told() -> asyncio.Event:
    """Set when the process is told to stop (SIGINT, SIGTERM)."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


async def until_ready(store: Store) -> None:
    """Waits a few seconds for a store that is busy: who starts during an outage need not be started again.

    Raises StoreBusy when it lasts.
    """
    for seconds in START_PAUSES:
        try:
            return await store.ready()
        except StoreBusy as error:
            line(log, logging.WARNING, "store.waiting", error=str(error), fix=error.fix)
            await asyncio.sleep(seconds)
    return await store.ready()


def _announce(app: App, listener: socket.socket) -> None:
    host, port = listener.getsockname()[:2]
    line(log, logging.INFO, "serve.listening", address=f"http://{host}:{port}", **app.settings.summary())


async def serve_until(
    stop: asyncio.Event, app: App, listener: socket.socket, *, announce: Callable[[], None], worker: bool = True
) -> None:
    """Serves until ``stop``: then no new requests, those in flight are answered, tasks in hand are finished."""
    await until_ready(app.tools.store)
    server = _Server(server_config(create_app(app)))
    async with working(app) if worker else contextlib.nullcontext():
        announce()
        stopping = asyncio.create_task(_stop(server, stop))
        await server.serve(sockets=[listener])
        stopping.cancel()


class _Server(Server):
    """uvicorn without its signal handlers: when to stop is said by an event."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _stop(server: uvicorn.Server, stop: asyncio.Event) -> None:
    await stop.wait()
    server.should_exit = True


@contextlib.asynccontextmanager
async def working(app: App) -> AsyncIterator[None]:
    """The worker, the sweep, and the ways in that must be asked, while the block lasts."""
    async with worker_of(app).running():
        feeds = [asyncio.create_task(feed(app)) for feed in app.feeds]
        try:
            yield
        finally:
            for feed in feeds:
                feed.cancel()
            await asyncio.gather(*feeds, return_exceptions=True)


def worker_of(app: App) -> Worker:
    """The worker that these settings describe."""
    settings = app.settings
    return Worker(
        app.tools,
        concurrency=settings.concurrency,
        lease_seconds=settings.lease_seconds,
        step_seconds=settings.step_seconds,
        sweep_seconds=settings.sweep_seconds,
    )


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises Misconfigured when the address is taken or not ours."""
    try:
        return socket.create_server((host, port), backlog=2048)
    except OSError as error:
        reason = (error.strerror or str(error)).partition(" (while")[0]  # Python repeats the address
        raise Misconfigured(f"cannot listen on {host}:{port}: {reason}", fix="choose another --port") from error
