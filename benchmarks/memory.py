"""What refused requests cost in memory, and what an honest sender notices; docs/benchmarks.md says what it means.

Connections send forged bodies one after another while one sender sends honest events. Each case is a receiver in a
process of its own, with and without a limit on its address space.
"""

import argparse
import http.client
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import events
from benchmarks.load import PATH
from benchmarks.peers.running import Peer, running

MB = 1024 * 1024
LIMITED_KB = 1_500_000
LOOK_SECONDS = 0.02
FORGED = {"Content-Type": "application/json", "LC-Signature": f"sha256={'0' * 64}"}
HEAD = f"{'case':28} {'idle MB':>8} {'peak MB':>8} {'over':>6} {'after':>6}  {'p50 ms':>7} {'p99 ms':>7}  answers"


@dataclass
class Seen:
    """What was seen while the forged bodies came."""

    idle_kb: int = 0
    peak_kb: int = 0
    after_kb: int = 0
    forged: Counter[str] = field(default_factory=Counter)
    honest: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    """Of each honest event, until its answer."""


def main() -> None:
    asked = _arguments()
    print(f"{asked.connections} connections x {asked.requests} forged bodies of {asked.megabytes} MB\n{HEAD}")
    with tempfile.TemporaryDirectory(prefix="mailroom-benchmark-") as folder:
        for peer in _peers():
            with running(peer, Path(folder)):
                print(_row(peer.name, _measured(peer, asked)), flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--requests", type=int, default=200, help="forged bodies of each connection (200)")
    parser.add_argument("--megabytes", type=int, default=10, help="of each body (10)")
    return parser.parse_args()


def _peers() -> list[Peer]:
    """Where the head proves something, a forged body is refused by it; by the signature alone all of it must come."""
    return [
        Peer(f"{proofs}{', ulimit -v' if limit else ''}", "mailroom", address_space_kb=limit, proofs=proofs)
        for limit in (0, LIMITED_KB)
        for proofs in ("all", "signature")
    ]


def _measured(peer: Peer, asked: argparse.Namespace) -> Seen:
    _Sender(peer.port).honest(Seen())  # what the first event makes belongs to idle
    seen, over = Seen(idle_kb=peer.resident_kb()), threading.Event()
    with ThreadPoolExecutor(asked.connections + 2) as pool:
        pool.submit(_repeat, over, _Sender(peer.port).honest, seen)
        pool.submit(_repeat, over, lambda seen: _look(peer, seen), seen)
        body = b"x" * (asked.megabytes * MB)
        forgers = [pool.submit(_Sender(peer.port).forge, body, asked.requests, seen) for _ in range(asked.connections)]
        wait(forgers)
        over.set()
    seen.after_kb = peer.resident_kb()
    return seen


def _repeat(over: threading.Event, step: Callable[[Seen], None], seen: Seen) -> None:
    while not over.is_set():
        step(seen)


def _look(peer: Peer, seen: Seen) -> None:
    seen.peak_kb = max(seen.peak_kb, peer.resident_kb())
    time.sleep(LOOK_SECONDS)


class _Sender:
    """One connection."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def honest(self, seen: Seen) -> None:
        """One event, proven."""
        headers, body = events.event(now=time.time())
        begun = time.perf_counter()
        seen.honest[self._answer(headers, body)] += 1
        seen.seconds.append(time.perf_counter() - begun)

    def forge(self, body: bytes, times: int, seen: Seen) -> None:
        """The body, which proves nothing, so many times."""
        for _ in range(times):
            seen.forged[self._answer(FORGED, body)] += 1

    def _answer(self, headers: dict[str, str], body: bytes) -> str:
        """The status; or what went wrong with the connection, which is then made anew."""
        try:
            self._connection.request("POST", PATH, body, headers)
            response = self._connection.getresponse()
            response.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            return type(error).__name__
        return str(response.status)


def _row(name: str, seen: Seen) -> str:
    idle, peak, after = (kb / 1024 for kb in (seen.idle_kb, seen.peak_kb, seen.after_kb))
    took = sorted(seen.seconds)
    p50, p99 = (took[int(len(took) * part)] * 1000 for part in (0.5, 0.99))
    memory = f"{idle:>8.1f} {peak:>8.1f} {peak - idle:>6.1f} {after - idle:>6.1f}"
    answers = f"forged {_counted(seen.forged)}, honest {_counted(seen.honest)}"
    return f"{name:28} {memory}  {p50:>7.1f} {p99:>7.1f}  {answers}"


def _counted(answers: Counter[str]) -> str:
    return " ".join(f"{status} x {times}" for status, times in sorted(answers.items()))


if __name__ == "__main__":
    main()
