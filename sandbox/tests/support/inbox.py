"""A tiny receiver: keeps every webhook with its exact bytes, and answers as told."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Letter:
    """One request as it arrived."""

    path: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        """The header's value."""
        return next((value for each, value in self.headers if each.lower() == name.lower()), None)

    @property
    def event(self) -> dict[str, Any]:
        """The envelope, in whichever format it came."""
        decoded = json.loads(self.body)
        return dict(json.loads(decoded) if isinstance(decoded, str) else decoded)

    @property
    def kind(self) -> str:
        """The event type."""
        return str(self.event["event_type"])


@dataclass
class Inbox:
    """What arrived, and what to answer: the statuses in turn, then 200."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    letters: list[Letter] = field(default_factory=list)
    on_arrival: Callable[[Letter], None] | None = None

    def hook(self, **fields: Any) -> dict[str, Any]:
        """A `webhook_configurations` entry that leads here, in the json format."""
        return {"webhook_url": self.url, "webhook_output_format": "json", **fields}

    def wait(self, count: int, seconds: float = 10) -> list[Letter]:
        """The letters, as soon as there are `count` of them."""
        until(lambda: len(self.letters) >= count, seconds)
        return list(self.letters)


def until(condition: Callable[[], object], seconds: float = 10) -> None:
    """Return as soon as the condition holds; fail when it never does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)


@contextmanager
def an_inbox() -> Iterator[Inbox]:
    """An inbox that listens for as long as the block lasts."""
    inbox = Inbox()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            letter = Letter(self.path, list(self.headers.items()), body)
            if inbox.on_arrival is not None:
                inbox.on_arrival(letter)
            status = inbox.statuses.pop(0) if inbox.statuses else 200
            inbox.letters.append(letter)
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", f"{inbox.url}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    inbox.url = f"http://127.0.0.1:{server.server_port}/webhooks"
    try:
        yield inbox
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
