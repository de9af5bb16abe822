"""Peers as processes: started on a free port, told apart by name, stopped by their own pid."""

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.events import HEADER, HEADER_SECRET, SIGNING_SECRET
from benchmarks.load import Round

ROOT = Path(__file__).parent.parent.parent
START_SECONDS = 30


@dataclass
class Peer:
    """A server under load, and what was measured of it."""

    name: str
    module: str
    """Under benchmarks.peers; "" for Debian's webhook, which is no Python."""
    python: str = sys.executable
    slow_fsync_us: int = 0
    address_space_kb: int = 0
    """What ``ulimit -v`` is set to; 0 leaves it."""
    proofs: str = "all"
    """What Mailroom asks for: ``all``, or ``signature`` alone."""
    port: int = 0
    pid: int = 0
    latest_rate: float = 0.0
    rounds: list[Round] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    """Processor time for each request, a round each."""
    written_kb: list[float] = field(default_factory=list)
    """What it wrote to the disk for each request, a round each."""

    def cpu_seconds(self) -> float:
        """What it has used of all processors until now, its threads included; -1 where /proc does not tell."""
        try:
            told = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return -1.0
        return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")

    def written_bytes(self) -> int:
        """What it has written to the disk until now; -1 where /proc does not tell."""
        try:
            told = Path(f"/proc/{self.pid}/io").read_text()
        except OSError:
            return -1
        return int(re.search(r"^write_bytes: (\d+)", told, re.MULTILINE)[1])  # type: ignore[index]

    def resident_kb(self) -> int:
        """How much memory it holds now."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])


@contextlib.contextmanager
def running(peer: Peer, folder: Path) -> Iterator[Peer]:
    """The peer, answering, while the block lasts."""
    home = folder / peer.name.replace(" ", "-").replace(",", "")
    home.mkdir()
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener, (home / "log").open("wb") as log:
        peer.port = listener.getsockname()[1]
        command = _limited(peer, _python(peer, listener, home) if peer.module else _webhook(peer, home))
        if not peer.module:
            listener.close()
        process = subprocess.Popen(
            command, cwd=ROOT, env=_environment(peer, folder), stdout=log, stderr=log, close_fds=False
        )
        peer.pid = process.pid
        try:
            _wait_until_up(peer, process, home / "log")
            yield peer
        finally:
            process.terminate()
            process.wait(START_SECONDS)


def _python(peer: Peer, listener: socket.socket, home: Path) -> list[str]:
    listener.set_inheritable(True)
    return [peer.python, "-m", f"benchmarks.peers.{peer.module}", str(listener.fileno()), str(home), peer.proofs]


def _limited(peer: Peer, command: list[str]) -> list[str]:
    if not peer.address_space_kb:
        return command
    return ["sh", "-c", f'ulimit -v {peer.address_space_kb}; exec "$@"', "sh", *command]


def _webhook(peer: Peer, home: Path) -> list[str]:
    """Debian's webhook, checking the header and the signature, and running a trivial command."""
    header = {"match": {"type": "value", "value": HEADER_SECRET, "parameter": {"source": "header", "name": HEADER}}}
    signature = {"type": "payload-hmac-sha256", "secret": SIGNING_SECRET}
    signed = {"match": signature | {"parameter": {"source": "header", "name": "LC-Signature"}}}
    hook = {"id": "llamacloud", "execute-command": "/bin/true", "success-http-response-code": 202}
    rule = {"trigger-rule": {"and": [header, signed]}, "trigger-rule-mismatch-http-response-code": 401}
    (home / "hooks.json").write_text(json.dumps([hook | rule]))
    where = ["-ip", "127.0.0.1", "-port", str(peer.port), "-urlprefix", "webhooks"]
    return ["webhook", "-hooks", str(home / "hooks.json"), *where]


def _environment(peer: Peer, folder: Path) -> dict[str, str]:
    environment = dict(os.environ, PYTHONPATH=str(ROOT))
    if peer.slow_fsync_us:
        environment |= {"LD_PRELOAD": str(_shim(folder)), "SLOW_FSYNC_US": str(peer.slow_fsync_us)}
    return environment


def _shim(folder: Path) -> Path:
    """The library that makes fsync slow."""
    library = folder / "slow_fsync.so"
    if not library.exists():
        source = ROOT / "benchmarks" / "slow_fsync.c"
        subprocess.run(["gcc", "-O2", "-shared", "-fPIC", str(source), "-o", str(library), "-ldl"], check=True)
    return library


def can_slow_fsync() -> bool:
    return shutil.which("gcc") is not None and sys.platform == "linux"


def _wait_until_up(peer: Peer, process: subprocess.Popen[bytes], log: Path) -> None:
    """Returns when it takes connections and answers. Raises RuntimeError with its log when it does not."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", peer.port), 1) as connection:
            connection.settimeout(START_SECONDS)
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            if connection.recv(1):
                return
        time.sleep(0.05)
    raise RuntimeError(f"{peer.name} did not start:\n{log.read_text()}")
