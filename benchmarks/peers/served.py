"""How the Python peers are served: by uvicorn, on a socket that they inherit."""

import socket
import sys
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp


def arguments() -> tuple[socket.socket, Path]:
    """The listening socket and the folder that this peer was given."""
    return socket.socket(fileno=int(sys.argv[1])), Path(sys.argv[2])


def serve(app: ASGIApp, listener: socket.socket) -> None:
    """Serves with uvicorn as it is (uvloop, httptools), but for its access log, until it is told to stop."""
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", backlog=2048)
    uvicorn.Server(config).run(sockets=[listener])
