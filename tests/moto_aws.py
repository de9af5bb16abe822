"""A second local AWS for the tests: moto's server as a child process, over real HTTP, on 127.0.0.1 only.

Two emulators are wrong about different things: what passes on both rests on neither. It has the interface of
handlers/demo/local_aws.py; what only one of the two does is named in tests/integration/second_aws.
"""

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from handlers.demo.local_aws import LocalAws
from handlers.destinations.queue_address import queue_name

ACCOUNT = "123456789012"
START_SECONDS = 60.0


class MotoAws(LocalAws):
    """A running moto."""

    account = ACCOUNT

    def messages(self, queue: str) -> list[dict[str, Any]]:
        """As of LocalAws. moto has no way to look without receiving, so each is received and let go at once."""
        name = queue_name(queue) if queue.startswith("sqs://") else queue
        sqs, found = self.client("sqs"), dict[str, dict[str, Any]]()
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        wanted = {"AttributeNames": ["All"], "MessageAttributeNames": ["All"]}
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, **wanted).get("Messages", []):
            found |= {item["MessageId"]: {**item, **item.get("Attributes", {})} for item in messages}
        for message in found.values():
            sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)
        return list(found.values())


@contextmanager
def moto_aws() -> Iterator[MotoAws]:
    """Starts moto and stops it again."""
    with tempfile.TemporaryDirectory(prefix="mailroom-moto-") as folder:
        log = Path(folder, "moto.log")
        child, endpoint = _spawn(log)
        try:
            _until_ready(endpoint, child, log)
            with closing(MotoAws(endpoint, child.pid, Path(folder))) as aws:
                yield aws
        finally:
            child.kill()
            child.communicate()


def _spawn(log: Path) -> tuple["subprocess.Popen[bytes]", str]:
    """The port is bound here and handed down: nobody can take it in between."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener, log.open("wb") as output:
        child = subprocess.Popen(
            [sys.executable, "-c", f"from tests.moto_aws import serve_moto; serve_moto({listener.fileno()})"],
            stdin=subprocess.PIPE, stdout=output, stderr=output, pass_fds=[listener.fileno()],
            cwd=Path(__file__).parents[1],
            env={key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "MOTO_"))},
        )  # fmt: skip
        return child, f"http://127.0.0.1:{listener.getsockname()[1]}"


def _until_ready(endpoint: str, child: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and child.poll() is None:
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"{endpoint}/moto-api/", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise RuntimeError(f"moto did not start: {log.read_text()[-2000:]}")


def serve_moto(listener: int) -> None:
    """The child: serves moto on this open socket until standard input closes."""
    import threading

    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import WSGIRequestHandler, make_server

    def until_parent_is_gone() -> None:
        os.read(0, 1)
        os._exit(0)

    class Keeping(WSGIRequestHandler):
        protocol_version = "HTTP/1.1"  # connections are kept, as AWS does

    threading.Thread(target=until_parent_is_gone, daemon=True).start()
    application = DomainDispatcherApplication(create_backend_app)
    make_server("127.0.0.1", 0, application, threaded=True, request_handler=Keeping, fd=listener).serve_forever()
