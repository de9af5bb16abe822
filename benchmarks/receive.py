"""How fast events are received, against peers, in ratios; docs/benchmarks.md says what it means.

Interleaved rounds, each peer in a process of its own, every request with an event, job and document of its own.
"""

import argparse
import contextlib
import json
import shutil
import statistics
import tempfile
from pathlib import Path

from benchmarks.load import CONNECTIONS, Round, TooFewError, one_round, require_wrk
from benchmarks.peers.running import Peer, can_slow_fsync, running

SLOW_US = 2000
REQUESTS_A_SECOND = 40_000
"""More than any peer here takes: so many requests are prepared for a round of a few seconds."""
MORE = 3.0
"""For a longer one, so many times what the peer took in the round before, which other programs may have slowed down.
A minute of 5,000 events a second is 2 GB."""
SHORT = 5
"""Seconds of a round that needs no estimate; the one that does not count is no longer."""


def main() -> None:
    asked = _arguments()
    require_wrk()
    peers = [peer for peer in _peers(asked.fastapi_python) if not asked.only or peer.name in {"bare", *asked.only}]
    with tempfile.TemporaryDirectory(prefix="mailroom-benchmark-") as folder, contextlib.ExitStack() as up:
        for peer in peers:
            up.enter_context(running(peer, Path(folder)))
        if asked.memory:
            _memory(peers, asked.memory)
            return
        for peer in peers:
            _measure(peer, min(asked.seconds, SHORT), asked.connections, counts=False)
        for _ in range(asked.rounds):
            for peer in peers:
                _measure(peer, asked.seconds, asked.connections, counts=True)
    print(json.dumps(_compared(peers), indent=2) if asked.json else _table(peers))


def _measure(peer: Peer, seconds: int, connections: int, *, counts: bool) -> None:
    a_second = REQUESTS_A_SECOND if seconds <= SHORT else min(REQUESTS_A_SECOND, MORE * peer.latest_rate)
    while True:
        cpu, written = peer.cpu_seconds(), peer.written_bytes()
        try:
            measured = one_round(peer.port, seconds=seconds, at_most=int(seconds * a_second), connections=connections)
            break
        except TooFewError:  # the round before was disturbed
            a_second *= 2
    peer.latest_rate = measured.rate
    if counts:
        peer.rounds.append(measured)
        peer.cpu_us.append((peer.cpu_seconds() - cpu) / measured.requests * 1e6)
        peer.written_kb.append((peer.written_bytes() - written) / measured.requests / 1e3)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="rounds that count; one before them does not (7)")
    parser.add_argument("--seconds", type=int, default=3, help="length of a round (3)")
    parser.add_argument("--connections", type=int, default=CONNECTIONS, help=f"open ones ({CONNECTIONS})")
    parser.add_argument("--only", nargs="*", help="names of peers; bare is always one of them")
    parser.add_argument("--fastapi-python", default="", help="a Python that has FastAPI; without it that peer is out")
    parser.add_argument("--memory", type=int, default=0, help="instead: memory of Mailroom over so many 10,000 events")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args()


def _peers(fastapi_python: str) -> list[Peer]:
    peers = [Peer("bare", "bare"), Peer("mailroom", "mailroom")]
    if fastapi_python:
        peers.append(Peer("fastapi", "one_commit", python=fastapi_python))
    if shutil.which("webhook"):
        peers.append(Peer("webhook", ""))
    if can_slow_fsync():
        peers.append(Peer("mailroom slow disk", "mailroom", slow_fsync_us=SLOW_US))
        if fastapi_python:
            peers.append(Peer("fastapi slow disk", "one_commit", python=fastapi_python, slow_fsync_us=SLOW_US))
    return peers


def _median(rounds: list[Round], field: str) -> float:
    return float(statistics.median(getattr(item, field) for item in rounds))


def _compared(peers: list[Peer]) -> list[dict[str, object]]:
    """Each peer's medians, and the median over the rounds of its ratio to bare in the same round."""
    bare = peers[0].rounds
    shown: list[dict[str, object]] = []
    for peer in peers:
        ratios = [mine.rate / other.rate for mine, other in zip(peer.rounds, bare, strict=True)]
        shown.append(
            {
                "peer": peer.name,
                "ratio": round(statistics.median(ratios), 2),
                "from": round(min(ratios), 2),
                "to": round(max(ratios), 2),
                "rate": round(_median(peer.rounds, "rate")),
                "p50_ms": round(_median(peer.rounds, "p50"), 1),
                "p99_ms": round(_median(peer.rounds, "p99"), 1),
                "p99_ratio": round(_median(peer.rounds, "p99") / _median(bare, "p99"), 2),
                "cpu_us": round(statistics.median(peer.cpu_us)),
                "written_kb": round(statistics.median(peer.written_kb), 1),
            }
        )
    return shown


def _table(peers: list[Peer]) -> str:
    lines = [
        f"{'peer':20} {'ratio':>6} {'(from-to)':>12} {'req/s':>7} {'p50 ms':>7} {'p99 ms':>7} {'p99 ratio':>10} {'cpu us':>7} {'KB written':>11}"  # noqa: E501
    ]
    for row in _compared(peers):
        spread = f"({row['from']}-{row['to']})"
        lines.append(
            f"{row['peer']:20} {row['ratio']:>6} {spread:>12} {row['rate']:>7} "
            f"{row['p50_ms']:>7} {row['p99_ms']:>7} {row['p99_ratio']:>10} {row['cpu_us']:>7} {row['written_kb']:>11}"
        )
    return "\n".join(lines)


def _memory(peers: list[Peer], steps: int) -> None:
    """Prints what Mailroom holds after each 10,000 events."""
    peer = next(item for item in peers if item.name == "mailroom")
    total = 0
    print(f"{'events':>9} {'resident MB':>12}")
    print(f"{total:>9} {peer.resident_kb() / 1024:>12.1f}")
    goal = 10_000
    while goal <= steps * 10_000:
        total += one_round(peer.port, seconds=1, at_most=REQUESTS_A_SECOND).requests
        if total >= goal:
            print(f"{total:>9} {peer.resident_kb() / 1024:>12.1f}")
            goal = (total // 10_000 + 1) * 10_000


if __name__ == "__main__":
    main()
