"""Runs a command's coroutine on the application that the environment describes."""

import asyncio
import logging
import os
import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from receiver.bootstrap import App, anothers, existing_store, refuse_anothers, refuse_missing_store
from receiver.core.errors import MailroomError
from receiver.load_app import load_app
from receiver.log import log_line, set_up
from receiver.pipeline.installation import our_spool
from receiver.ports import Store
from receiver.read_settings import from_environ, one_of
from receiver.tracing import exporting, record_receive

if TYPE_CHECKING:
    from receiver.worker import Worker

T = TypeVar("T")
log = logging.getLogger("mailroom.serve")


def run(main: Coroutine[Any, Any, T]) -> T:
    """The coroutine's result. It runs on uvloop if that is installed."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(main)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    import uvloop

    return uvloop.new_event_loop


def refuse_server() -> None:
    """Raises Misconfigured if a server is named: what works on the store of this machine would work on another."""
    if one_of(os.environ, "server"):
        from receiver.cli.server import needs_store

        raise needs_store("this command")


def with_app(work: Callable[[App], Awaitable[T]], *, log: bool = False, existing: bool = False) -> T:
    """What ``work`` returns, given the open application. With ``log`` the log is written to standard error.

    ``existing`` refuses to make a store where there is none: what the command is about cannot be in a new one.
    """
    refuse_server()
    settings = from_environ()
    if existing:
        refuse_missing_store(settings)
    set_up(settings.log_level if log else "error", together=log, layout=settings.log_format)
    app = load_app(settings)

    async def opened() -> T:
        async with app.opened():
            with exporting() as traced:
                if traced and app.receiver is not None:
                    app.receiver.record = record_receive
                return await work(app)

    return run(opened())


def with_store(work: Callable[[Store], Awaitable[T]]) -> T:
    """Opens only the store, and returns what ``work`` returns: reading needs no key, secret or table."""
    refuse_server()
    settings = from_environ()
    set_up("error", layout=settings.log_format)
    store = existing_store(settings)

    async def opened() -> T:
        try:
            await refuse_anothers(store, settings)
            return await work(store)
        finally:
            await store.close()

    return run(opened())


async def refuse_strange_spool(app: App) -> None:
    """Raises Misconfigured if the spool belongs to another store; called by every command that ingests or processes.

    An empty spool of another store is refused, too: its content could not be shown later. With a store in memory there
    is no check, because it is a new store at each start.
    """
    if app.settings.store.startswith("memory:"):
        return
    try:
        ours = await our_spool(app.context)
    except MailroomError as error:  # not reachable, or not accessible to this process
        log_line(log, logging.WARNING, "spool.unreadable", error=str(error), fix=error.fix)
        return
    if not ours:
        raise anothers(app.settings)


def worker_of(app: App) -> "Worker":
    """The worker for these settings. Its module is imported here because most commands need none."""
    from receiver.worker import Worker

    settings = app.settings
    return Worker(
        app.context,
        concurrency=settings.concurrency,
        lease_seconds=settings.lease_seconds,
        step_seconds=settings.step_seconds,
        sweep_seconds=settings.sweep_seconds,
    )
