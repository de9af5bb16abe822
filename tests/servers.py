"""Real servers for tests: each in a process or thread of its own, on a free port, and stopped by its own pid."""

import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import uvicorn
from starlette.types import ASGIApp

from sandbox.server import address, bound

ROOT = Path(__file__).parent.parent
STOP_SECONDS = 10


@dataclass(frozen=True)
class RunningSandbox:
    """A LlamaCloud-compatible server in a process of its own."""

    url: str
    process: subprocess.Popen[str]


@contextmanager
def start_sandbox(*args: str) -> Iterator[RunningSandbox]:
    """A sandbox with these options (``python -m sandbox --help``), ready when the block starts, stopped after it."""
    with tempfile.TemporaryFile("w+") as complaints:
        process = subprocess.Popen(
            [sys.executable, "-m", "sandbox", "--host", "127.0.0.1", "--port", "0", "--json", *args],
            cwd=ROOT,
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
    """End this one process, politely first."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(STOP_SECONDS)
    if process.stdout is not None:
        process.stdout.close()


@contextmanager
def serve(app: ASGIApp) -> Iterator[str]:
    """The base URL of a server for this application, in a thread of this process for as long as the block lasts."""
    with bound("127.0.0.1", 0) as listening:
        config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=1, lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        try:
            yield address(listening)
        finally:
            server.should_exit = True
            thread.join(STOP_SECONDS)
