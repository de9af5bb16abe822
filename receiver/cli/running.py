"""Runs a command's coroutine on the application that the environment describes."""

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from receiver.bootstrap import App, anothers, existing_store, load_app, refuse_anothers
from receiver.core.errors import MailroomError
from receiver.environment import from_environ
from receiver.log import log_line, set_up
from receiver.pipeline.installation import our_spool
from receiver.ports import Store

if TYPE_CHECKING:
    from receiver.worker import Worker

T = TypeVar("T")
log = logging.getLogger("mailroom.serve")


def run(main: Coroutine[Any, Any, T]) -> T:
    """The coroutine's result, on uvloop where there is one."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(main)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    import uvloop

    return uvloop.new_event_loop


def with_app(work: Callable[[App], Awaitable[T]], *, log: bool = False) -> T:
    """What ``work`` returns, given the open application. With ``log`` the log is written to standard error."""
    settings = from_environ()
    set_up(settings.log_level if log else "error", together=log, layout=settings.log_format)
    app = load_app(settings)

    async def opened() -> T:
        async with app.opened():
            return await work(app)

    return run(opened())


def with_store(work: Callable[[Store], Awaitable[T]]) -> T:
    """What ``work`` returns, given the store alone: a command that only reads needs no key, secret or table."""
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
    """Raises Misconfigured for the spool of another store, for all that takes documents in or works on them.

    Also for an empty one: what was put there could not be shown afterwards. One beside a store in memory is always
    another's.
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
    """The worker that these settings describe. Not imported by commands that have none."""
    from receiver.worker import Worker

    settings = app.settings
    return Worker(
        app.context,
        concurrency=settings.concurrency,
        lease_seconds=settings.lease_seconds,
        step_seconds=settings.step_seconds,
        sweep_seconds=settings.sweep_seconds,
    )
