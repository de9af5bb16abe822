"""Runs a command's coroutine on the application that the environment describes."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from receiver.bootstrap import App, existing_store, load_app, refuse_anothers
from receiver.log import set_up
from receiver.ports import Store
from receiver.settings import from_environ

T = TypeVar("T")


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
    set_up(settings.log_level if log else "error", together=log)
    app = load_app(settings)

    async def opened() -> T:
        async with app.opened():
            return await work(app)

    return run(opened())


def with_store(work: Callable[[Store], Awaitable[T]]) -> T:
    """What ``work`` returns, given the store alone: who only reads needs no key, no secret and no table."""
    set_up("error")
    settings = from_environ()
    store = existing_store(settings)

    async def opened() -> T:
        try:
            await refuse_anothers(store, settings)
            return await work(store)
        finally:
            await store.close()

    return run(opened())
