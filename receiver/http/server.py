"""uvicorn as the receiver needs it."""

import gc
import socket

import uvicorn
from starlette.types import ASGIApp

from receiver.http.guard import REST_SECONDS, Config
from receiver.http.room import BACKLOG, Room
from receiver.http.short_way import EventProtocol

GRACE_SECONDS = 30
"""How long requests in flight may take after a signal to stop; LlamaCloud waits 30 s for an answer."""


class Server(uvicorn.Server):
    """uvicorn; the garbage collector looks neither at what was loaded before, nor at each few requests in flight."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        gc.collect()
        gc.freeze()
        gc.set_threshold(10_000, 20, 20)


def server_config(app: ASGIApp, room: Room, *, backlog: int = BACKLOG) -> Config:
    """The server's configuration. The log is Mailroom's own, so uvicorn writes none."""
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
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    config.room = room
    return config
