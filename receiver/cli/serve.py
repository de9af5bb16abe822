"""mailroom serve: receiver, worker and sweep in one process."""

import asyncio
import contextlib
import functools
import logging
import socket
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from types import MappingProxyType

import click
import uvicorn

from receiver.bootstrap import App
from receiver.cli.listeners import Listeners, address_of, listening
from receiver.cli.numbers import WholeNumber
from receiver.cli.running import refuse_strange_spool, with_app, worker_of
from receiver.core.errors import Misconfigured, StoreBusy
from receiver.core.timers import WORK_SHARE
from receiver.destination_traits import prepare
from receiver.http.limits import ConnectionLimits, descriptors, operator_size, public_size
from receiver.http.operator import operator_app
from receiver.http.own_host import under_own_names
from receiver.http.public import public_app
from receiver.http.readiness import Readiness
from receiver.http.server import Server, server_config
from receiver.http.stream import ChangeStreams
from receiver.log import log_line
from receiver.ports import Store
from receiver.reload import keep_current
from receiver.reload_signal import ReloadRequests
from receiver.renewal import keep_fresh
from receiver.stopping import Stopping
from receiver.supervisor import Background, Supervisor

log = logging.getLogger("mailroom.serve")
START_PAUSES = (0.5, 1.0, 2.0, 4.0)
"""Seconds between checks at startup whether the store accepts writes."""


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on for LlamaCloud's events.")
@click.option(
    "--port",
    default=8080,
    show_default=True,
    type=WholeNumber(0, 65535),
    help="Port to listen on; 0 picks a free one.",
)
@click.option("--worker/--no-worker", default=True, help="Also process tasks; if not, run `mailroom worker`.")
def serve(host: str, port: int, worker: bool) -> None:
    """Run the receiver, a worker and the sweep in one process."""
    with_app(lambda app: _serve(app, host, port, worker=worker), log=True)


async def _serve(app: App, host: str, port: int, *, worker: bool) -> None:
    refuse_unreachable(app)
    with listening((host, port), app.settings.operator_listens()) as listeners:
        stop = Stopping(app.settings.stop_seconds).on_signals()
        await serve_until(
            stop,
            app,
            listeners,
            announce=lambda: _announce(app, listeners),
            worker=worker,
            background=changing(app, stop),
        )


def refuse_unreachable(app: App) -> None:
    """Raises Misconfigured where LlamaCloud is told of no receiver: results would only come with the sweep, late."""
    if not app.settings.gets_webhooks:
        raise Misconfigured(
            "MAILROOM_PUBLIC_URL=none: LlamaCloud sends no events",
            fix="run `mailroom listen`, which asks for results; or set MAILROOM_PUBLIC_URL to the receiver's URL",
        )


def changing(app: App, stop: Stopping) -> dict[str, Background]:
    """The background tasks that reload secrets and mailroom.yaml."""
    requests = ReloadRequests().on_signal(stop)
    table = {"table": lambda: keep_current(app, requests=requests)} if app.read_table or app.read_shadow else {}
    return {"secrets": lambda: keep_fresh(app, requests=requests), **table}


async def until_ready(store: Store) -> None:
    """Waits a few seconds for a busy store, so that a short outage at startup does not end the process.

    Raises StoreBusy if the store stays busy, Misconfigured if waiting cannot help.
    """
    for seconds in START_PAUSES:
        try:
            return await _opened(store)
        except StoreBusy as error:
            log_line(log, logging.WARNING, "store.waiting", error=str(error), fix=error.fix)
            await asyncio.sleep(seconds)
    return await _opened(store)


async def _opened(store: Store) -> None:
    await store.open()
    await store.ready()


def _announce(app: App, listeners: Listeners) -> None:
    log_line(
        log, logging.INFO, "serve.listening",
        address=address_of(listeners.public), operator=listeners.operator and address_of(listeners.operator),
        **app.settings.summary(),
    )  # fmt: skip


async def serve_until(
    stop: Stopping,
    app: App,
    listeners: Listeners,
    *,
    announce: Callable[[], None],
    worker: bool = True,
    background: Mapping[str, Background] = MappingProxyType({}),
) -> None:
    """Serves until ``stop``. Then it accepts no new requests, answers those in flight, and finishes running tasks."""
    await until_ready(app.context.store)
    await refuse_strange_spool(app)
    supervisor = Supervisor(app.context.meter)
    readiness = Readiness(app.context.store.ready, down=supervisor.down)
    await readiness.look()
    streams = ChangeStreams(app.context)
    servers = _servers(app, listeners, readiness, streams)
    async with (
        supervisor.running({"readiness": readiness.keep_looking, **background}),
        working(app, supervisor, stop) if worker else contextlib.nullcontext(),
    ):
        announce()
        stopping = asyncio.create_task(_stop(servers, stop, streams))
        if not servers:
            await stop.wait()
        await asyncio.gather(*(server.serve(sockets=[listener]) for server, listener in servers.items()))
        stopping.cancel()


def _servers(
    app: App, listeners: Listeners, readiness: Readiness, streams: ChangeStreams
) -> dict["_Server", socket.socket]:
    """Each server and its listener."""
    meter, free = app.context.meter, descriptors()
    config = functools.partial(server_config, grace_seconds=app.settings.stop_seconds * WORK_SHARE)
    servers = dict[_Server, socket.socket]()
    if listeners.public is not None:
        size = public_size(free)
        limits = ConnectionLimits(size.connections, listener="public", meter=meter)
        servers[_Server(config(public_app(app, readiness), limits, backlog=size.backlog))] = listeners.public
    if listeners.operator is not None:
        size = operator_size(free)
        limits = ConnectionLimits(size.connections, listener="operator", meter=meter)
        inside = under_own_names(operator_app(app, readiness, streams=streams), listeners.operator, app.settings)
        servers[_Server(config(inside, limits, backlog=size.backlog))] = listeners.operator
    return servers


class _Server(Server):
    """uvicorn without its signal handlers: an event tells it when to stop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _stop(servers: Iterable[uvicorn.Server], stop: Stopping, streams: ChangeStreams) -> None:
    await stop.wait()
    streams.end()
    for server in servers:
        server.should_exit = True


@contextlib.asynccontextmanager
async def working(app: App, supervisor: Supervisor, stop: Stopping) -> AsyncIterator[None]:
    """Runs the worker, the sweep and the pollers of inboxes for the duration of the block."""
    feeds = {f"feed {number}": functools.partial(feed, app) for number, feed in enumerate(app.feeds, 1)}
    async with worker_of(app).running(supervisor, stop), supervisor.running(feeds):
        preparing = asyncio.create_task(prepare(app.context.config.table.targets(), app.context.destinations))
        try:
            yield
        finally:
            preparing.cancel()
