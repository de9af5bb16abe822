"""A real server for tests, in a thread of this process and on a free port."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

ROOT = Path(__file__).parent.parent
STOP_SECONDS = 10


@contextmanager
def serve(app: ASGIApp) -> Iterator[str]:
    """The base URL of a server for this application, in a thread of this process for as long as the block lasts."""
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listening:
        config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=1, lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(STOP_SECONDS)
