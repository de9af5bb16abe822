"""uvicorn, configured for the receiver."""

import asyncio
import functools
import gc
import logging
import socket

import uvicorn
from starlette.types import ASGIApp

from receiver.core.timers import STOP, WORK_SHARE
from receiver.http.limits import BACKLOG, REST_SECONDS, ConnectionLimits
from receiver.http.server_config import ServerConfig
from receiver.log import log_line

log = logging.getLogger("mailroom.http")


class Server(uvicorn.Server):
    """uvicorn, with a garbage collector that ignores what was loaded before the start, and runs less often."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        gc.collect()
        gc.freeze()
        gc.set_threshold(10_000, 20, 20)


def server_config(
    app: ASGIApp, limits: ConnectionLimits, *, backlog: int = BACKLOG, grace_seconds: float = STOP * WORK_SHARE
) -> ServerConfig:
    """The server's configuration. After a signal to stop, requests in flight have ``grace_seconds``.

    Mailroom writes the log, so uvicorn writes none. Without the fast path uvicorn's own protocol serves, which answers
    503 when there are too many connections, and closes none of them.
    """
    protocol = fast_path()
    config = ServerConfig(
        app,
        http=protocol or "auto",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        backlog=backlog,
        limit_concurrency=None if protocol else limits.connections,
        timeout_keep_alive=REST_SECONDS,
        timeout_graceful_shutdown=max(1, int(grace_seconds)),
    )
    config.limits = limits
    return config


@functools.cache
def fast_path() -> type[asyncio.Protocol] | None:
    """The protocol of the fast path; None, with a line in the log, if it was not written for this uvicorn."""
    try:
        from receiver.http.fast_path import FastPathProtocol
    except ImportError as error:
        log_line(
            log, logging.WARNING, "fast_path.unavailable", error=str(error),
            fix="events are handled more slowly, with uvicorn's limits; install the uvicorn version that Mailroom "
            "requires",
        )  # fmt: skip
        return None
    return FastPathProtocol
