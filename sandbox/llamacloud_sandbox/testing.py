"""Sandboxes for tests: one in a thread of the test's own process, one as a program of its own."""

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from queue import SimpleQueue
from typing import IO, Any

from llamacloud_sandbox.app import create_app
from llamacloud_sandbox.options import Options
from llamacloud_sandbox.parts import Parts
from llamacloud_sandbox.server import serving

STOP_SECONDS = 10


@contextmanager
def sandbox_in_thread(clock: Callable[[], float] = time.time, **options: Any) -> Iterator[str]:
    """The base URL of a sandbox that runs in a thread for as long as the block lasts. It starts in milliseconds.

    ``options`` are the fields of ``Options``; ``clock`` gives Unix seconds. Raises what kept the sandbox from starting.
    """
    chosen = Options(**options)
    ready: SimpleQueue[tuple[str, asyncio.AbstractEventLoop, asyncio.Event] | None] = SimpleQueue()

    async def life() -> None:
        stop = asyncio.Event()
        async with serving(chosen, create_app(chosen, Parts(chosen, clock=clock))) as url:
            ready.put((url, asyncio.get_running_loop(), stop))
            await stop.wait()

    with ThreadPoolExecutor(1, "llamacloud-sandbox") as pool:
        running = pool.submit(lambda: asyncio.run(life()))
        running.add_done_callback(lambda _: ready.put(None))
        started = ready.get()
        if started is None:
            running.result()
            raise RuntimeError("the sandbox stopped before it listened")
        url, loop, stop = started
        try:
            yield url
        finally:
            loop.call_soon_threadsafe(stop.set)
            running.result()


@dataclass(frozen=True)
class RunningSandbox:
    """A sandbox in a process of its own."""

    url: str
    process: subprocess.Popen[str]


@contextmanager
def start_sandbox(*args: str) -> Iterator[RunningSandbox]:
    """A sandbox as a program with these arguments, on a free port; it is ready when the block starts, stopped after it.

    ``args`` are those of the command line. Raises RuntimeError, with what the program said, when it does not start.
    """
    with tempfile.TemporaryFile("w+") as complaints:
        process = subprocess.Popen(
            [sys.executable, "-m", "llamacloud_sandbox", "--host", "127.0.0.1", "--port", "0", "--json", *args],
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
        )
        try:
            yield RunningSandbox(_ready_url(process, complaints), process)
        finally:
            _stop(process)


def _ready_url(process: subprocess.Popen[str], complaints: IO[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        process.wait(STOP_SECONDS)
        complaints.seek(0)
        raise RuntimeError(f"the sandbox did not start (exit {process.returncode}): {complaints.read()[-2000:]}")
    return str(json.loads(line)["url"])


def _stop(process: subprocess.Popen[str]) -> None:
    """Ends this one process, politely first."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(STOP_SECONDS)
    if process.stdout is not None:
        process.stdout.close()
