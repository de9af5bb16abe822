"""Load by wrk: one round against one peer, and the requests for it."""

import os
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks import events

HERE = Path(__file__).parent
PATH = "/webhooks/llamacloud"
CONNECTIONS, THREADS = 64, 2
_RESULT = re.compile(r"RESULT (\d+) (\d+) (\d+) (\d+) (\d+)")


class TooFewError(Exception):
    """Fewer requests were prepared than the peer took in the time."""


class Round(NamedTuple):
    """What wrk measured: requests a second, latency in milliseconds, and how many requests there were."""

    rate: float
    p50: float
    p99: float
    requests: int


def require_wrk() -> None:
    """Raises SystemExit when wrk is not installed."""
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is missing: apt-get install wrk")


def one_round(port: int, *, seconds: float, at_most: int, connections: int = CONNECTIONS) -> Round:
    """One round of load on this port, with at most this many requests, each of which is sent once.

    Raises RuntimeError when a request was not accepted, and TooFewError.
    """
    with tempfile.TemporaryDirectory(prefix="mailroom-load-") as folder:
        events.write(Path(folder), PATH, count=at_most, threads=THREADS, now=time.time())
        done = _wrk(port, seconds, folder, connections)
    found = _RESULT.search(done)
    if found is None:
        raise RuntimeError(f"wrk said nothing to be understood:\n{done}")
    requests, microseconds, p50, p99, refused = map(int, found.groups())
    if refused or "Socket errors" in done:
        raise RuntimeError(f"{refused} of {requests} requests were not accepted:\n{done}")
    if requests + connections >= at_most:
        raise TooFewError(f"{at_most} requests are too few for a round of {seconds} s")
    return Round(requests / microseconds * 1e6, p50 / 1000, p99 / 1000, requests)


def _wrk(port: int, seconds: float, folder: str, connections: int) -> str:
    """What wrk prints. It sends nothing that was not prepared: a thread that runs out would begin again."""
    return subprocess.run(
        ["wrk", f"-t{THREADS}", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", str(HERE / "unique.lua"),
         f"http://127.0.0.1:{port}{PATH}", "--", folder],
        capture_output=True, text=True, check=True, timeout=seconds + 60, env=dict(os.environ),
    ).stdout  # fmt: skip
