"""A sandbox inside the test's own process: it starts at once, where a program of its own takes a second or two."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any

import httpx

from sandbox.app import create_app
from sandbox.options import Options
from sandbox.parts import Parts
from sandbox.server import serving


@contextmanager
def nearby(clock: Callable[[], float] = time.time, **options: Any) -> Iterator[str]:
    """The base URL of a sandbox with these options and this clock, in a thread, for as long as the block lasts."""
    chosen = Options(**options)
    ready: SimpleQueue[tuple[str, asyncio.AbstractEventLoop, asyncio.Event]] = SimpleQueue()

    async def life() -> None:
        stop = asyncio.Event()
        async with serving(chosen, create_app(chosen, Parts(chosen, clock=clock))) as url:
            ready.put((url, asyncio.get_running_loop(), stop))
            await stop.wait()

    thread = threading.Thread(target=asyncio.run, args=(life(),), daemon=True)
    thread.start()
    url, loop, stop = ready.get(timeout=20)
    try:
        yield url
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(20)


@contextmanager
def a_caller(url: str, key: str = "llx-1") -> Iterator[httpx.Client]:
    """Plain HTTP with a key."""
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}) as http:
        yield http
