"""Serves the application on a socket: as a program of its own, or inside a running loop for tests and demos."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator

import uvicorn
from starlette.applications import Starlette

from llamacloud_sandbox.app import create_app
from llamacloud_sandbox.options import Options


def bound(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises OSError if the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=2048)


def address(listening: socket.socket) -> str:
    """The base URL of a listening socket."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def server(app: Starlette) -> uvicorn.Server:
    """A server for the application, with no access log."""
    config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=3, lifespan="on")
    return uvicorn.Server(config)


@contextlib.asynccontextmanager
async def serving(options: Options, app: Starlette | None = None) -> AsyncIterator[str]:
    """The base URL of a sandbox that runs in this loop for as long as the block does."""
    with bound("127.0.0.1", 0) as listening:
        running = _Guest(server(app or create_app(options)).config)
        task = asyncio.create_task(running.serve([listening]))
        while not running.started:
            if task.done():
                task.result()
                raise RuntimeError("the sandbox stopped before it listened")
            await asyncio.sleep(0.005)
        try:
            yield address(listening)
        finally:
            running.should_exit = True
            await task


class _Guest(uvicorn.Server):
    """A server that leaves the signals to its host."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
