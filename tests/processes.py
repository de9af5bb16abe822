"""The ``mailroom`` program as a process of its own, in an environment that holds nothing but what a test gives it."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
PROGRAM = [sys.executable, "-m", "receiver"]
PATIENCE_SECONDS = 90.0
_OURS = ("MAILROOM_", "LLAMA_", "AWS_")
_HTTP = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")

TABLE = """\
classify:
  rules:
    - {type: invoice, description: "contains an invoice number, line items and a total amount due"}
    - {type: contract, description: "a legal agreement between parties with obligations and signatures"}
routes:
  - {type: invoice, to: ["folder://./out/invoices/"]}
  - {type: contract, to: ["folder://./out/contracts/"]}
no_match: {review: true}
low_confidence: {review: true}
failed: {review: true}
alerts:
  - {on: ["*"], to: log, at_most: 1 per 10 minutes}
deadline: 20 seconds
"""


def environment(**given: str) -> dict[str, str]:
    """This process's environment without settings, AWS and proxies of its own, and with these variables."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    return {name: value for name, value in kept.items() if name.upper() not in _HTTP} | given


def working(**given: str) -> dict[str, str]:
    """Variables with which every command starts; ``given`` replace some of them."""
    usual = {
        "LLAMA_CLOUD_API_KEY": "llx-a-key-for-tests",
        "LLAMA_CLOUD_BASE_URL": "http://127.0.0.1:9",
        "MAILROOM_PUBLIC_URL": "http://127.0.0.1:8080",
        "MAILROOM_TOKEN_SECRETS": "a-token-secret-for-tests",
        "MAILROOM_ADMIN_TOKEN": "an-admin-token-for-tests",
        "MAILROOM_OPERATOR_ADDRESS": "127.0.0.1:0",
    }
    return environment(**usual | given)


@dataclass(frozen=True, slots=True)
class Ran:
    code: int
    out: str
    err: str


def ran(folder: Path, *arguments: str, env: Mapping[str, str], timeout: float = PATIENCE_SECONDS) -> Ran:
    """What ``mailroom ARGUMENTS`` did in this folder."""
    done = subprocess.run(
        [*PROGRAM, *arguments],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), **env},
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


class Running:
    """A process that stays up, and its log."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self._log = log

    def said(self, what: str) -> list[dict[str, Any]]:
        """The lines of its log that tell of this."""
        lines = [json.loads(line) for line in self._log.read_text().splitlines() if line.startswith("{")]
        return [line for line in lines if line.get("what") == what]

    def log(self) -> str:
        return self._log.read_text()


@contextmanager
def running(folder: Path, *arguments: str, env: Mapping[str, str], ready: str = "serve.listening") -> Iterator[Running]:
    """``mailroom ARGUMENTS`` once its log tells of ``ready``; stopped after the block, and it must end well."""
    log = folder / f"{arguments[0]}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*PROGRAM, *arguments], cwd=folder, env={"PYTHONPATH": str(ROOT), **env}, stdout=output, stderr=output
        )
    found = Running(process, log)
    try:
        until(lambda: process.poll() is not None or bool(found.said(ready)), f"{arguments} is ready")
        assert process.poll() is None, found.log()
        yield found
        process.terminate()
        assert process.wait(PATIENCE_SECONDS) == 0, found.log()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(PATIENCE_SECONDS)


def free_port() -> int:
    """A port of this machine that nobody listens at now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def until(holds: Callable[[], bool], what: str, *, seconds: float = PATIENCE_SECONDS) -> None:
    """Waits for a condition; fails, naming it, when it does not come."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.05)
