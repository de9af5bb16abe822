"""Lambda's Runtime API in one process, and a function under AWS's own runtime client in another.

Source: Lambda Developer Guide, "Using the Lambda runtime API". The control plane is ours, the client (awslambdaric) and
everything it does with a handler are AWS's.
"""

import json
import os
import queue
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


class FunctionError(Exception):
    """What the function raised, as Lambda would report it."""


class _Api(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # otherwise every warm call would show 40 ms that Lambda has not
    server: "_Server"

    def do_GET(self) -> None:
        event, seconds = self.server.events.get()
        if event is None:
            self.close_connection = True
            return
        self._answer(
            200,
            json.dumps(event).encode(),
            {
                "Lambda-Runtime-Aws-Request-Id": str(uuid.uuid4()),
                "Lambda-Runtime-Deadline-Ms": str(int((time.time() + seconds) * 1000)),
                "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:000000000000:function:mailroom",
                "Lambda-Runtime-Trace-Id": "Root=1-68f00000-0123456789abcdef01234567;Sampled=0",
            },
        )

    def do_POST(self) -> None:
        said = json.loads(self.rfile.read(int(self.headers["content-length"])) or "null")
        self.server.answers.put((self.path.rpartition("/")[2] == "response", said))
        self._answer(202, b'{"status":"OK"}', {})

    def _answer(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        # awslambdaric's C part crashes on an answer without a content type.
        usual = {"content-type": "application/json", "content-length": str(len(body))}
        for name, value in {**usual, **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Says nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Api)
        self.events: queue.Queue[tuple[dict[str, Any] | None, float]] = queue.Queue()
        self.answers: queue.Queue[tuple[bool, Any]] = queue.Queue()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A function that is killed hangs up in the middle of its wait."""


class Function:
    """A function that runs."""

    def __init__(self, server: _Server, process: subprocess.Popen[bytes], log: Path) -> None:
        self._server = server
        self._log = log
        self.process = process

    def invoke(self, event: dict[str, Any], *, seconds: float = 60.0) -> Any:
        """Its answer. ``seconds`` is the invocation's time, which the function is told. Raises FunctionError."""
        self._server.events.put((event, seconds))
        return self.answer()

    def answer(self) -> Any:
        """Its next answer; also what it says when it cannot start."""
        while True:
            try:
                good, said = self._server.answers.get(timeout=1.0)
            except queue.Empty:
                if self.process.poll() is None:
                    continue
                raise FunctionError(
                    f"the function is gone ({self.process.returncode}): {self.output()[-2000:]}"
                ) from None
            if good:
                return said
            raise FunctionError(f"{said.get('errorType')}: {said.get('errorMessage')}")

    def output(self) -> str:
        """All that it wrote: what CloudWatch Logs would have."""
        return self._log.read_text(errors="replace")

    def lines(self) -> list[dict[str, Any]]:
        """The JSON lines among it, log and metrics."""
        return [json.loads(text) for text in self.output().splitlines() if text.startswith("{")]


@contextmanager
def running(
    name: str,
    env: Mapping[str, str],
    folder: Path,
    *,
    code: Path = ROOT,
    python: str = sys.executable,
    handler: str = "",
) -> Iterator[Function]:
    """``handlers.functions.<name>`` (or ``handler``) under awslambdaric; ``code`` is what Lambda has at /var/task."""
    server = _Server()
    log = folder / f"{name}-{server.server_port}.log"  # two of one name may run, with other settings
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [python, "-m", "awslambdaric", handler or f"handlers.functions.{name}.handler"],
            cwd=code,
            env=environment(name, env, f"127.0.0.1:{server.server_port}", code) | {"TMPDIR": str(folder)},
            stdout=output,
            stderr=output,
        )
    try:
        yield Function(server, process, log)
    finally:
        process.kill()
        process.wait()
        server.events.put((None, 0.0))
        server.shutdown()
        server.server_close()
        thread.join()


def environment(name: str, env: Mapping[str, str], api: str, code: Path) -> dict[str, str]:
    """What Lambda gives a function beside its own variables; nothing of ours or AWS's leaks in from here."""
    kept = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
    return {
        **kept,
        "AWS_LAMBDA_RUNTIME_API": api,
        "AWS_LAMBDA_FUNCTION_NAME": f"mailroom-test-{name}",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_REGION": "us-east-1",
        "LAMBDA_TASK_ROOT": str(code),
        "PYTHONPATH": str(code),
        "PYTHONDONTWRITEBYTECODE": "1",
        **env,
    }
