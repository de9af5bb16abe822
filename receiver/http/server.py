"""uvicorn as the receiver needs it."""

import gc
import socket

import uvicorn
from starlette.types import ASGIApp

from receiver.core.timers import STOP, WORK_SHARE
from receiver.http.guard import REST_SECONDS, Config
from receiver.http.room import BACKLOG, Room
from receiver.http.short_way import EventProtocol


class Server(uvicorn.Server):
    """uvicorn; the garbage collector looks neither at what was loaded before, nor at each few requests in flight."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        gc.collect()
        gc.freeze()
        gc.set_threshold(10_000, 20, 20)


def server_config(
    app: ASGIApp, room: Room, *, backlog: int = BACKLOG, grace_seconds: float = STOP * WORK_SHARE
) -> Config:
    """The server's configuration; requests in flight have ``grace_seconds`` after a signal to stop.

    The log is Mailroom's own, so uvicorn writes none.
    """
    config = Config(
        app,
        http=EventProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        backlog=backlog,
        timeout_keep_alive=REST_SECONDS,
        timeout_graceful_shutdown=max(1, int(grace_seconds)),
    )
    config.room = room
    return config
