"""A partner that takes a request and then hangs, drips or never stops. Raw sockets: nothing is polite by chance."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
Answer = Callable[[socket.socket, threading.Event], None]


def hangs(to: socket.socket, over: threading.Event) -> None:
    """Says nothing."""
    over.wait()


def drips_a_head(to: socket.socket, over: threading.Event) -> None:
    """A status line, then a header that never ends, byte by byte."""
    to.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not over.wait(0.05):
        to.sendall(b"a")


def drips_a_body(to: socket.socket, over: threading.Event) -> None:
    """A whole head, then a body of which a byte comes now and then."""
    to.sendall(HEAD + b"Content-Length: 1000000\r\n\r\n")
    while not over.wait(0.05):
        to.sendall(b" ")


def floods(to: socket.socket, over: threading.Event) -> None:
    """A whole head, then more than anybody can want."""
    to.sendall(HEAD + b"Content-Length: 100000000000\r\n\r\n")
    while not over.is_set():
        to.sendall(b" " * 65536)


def drips_smtp(to: socket.socket, over: threading.Event) -> None:
    """A greeting that never ends."""
    to.sendall(b"220 ")
    while not over.wait(0.05):
        to.sendall(b"a")


def floods_smtp(to: socket.socket, over: threading.Event) -> None:
    """Greeting upon greeting."""
    while not over.is_set():
        to.sendall(b"220-welcome\r\n" * 1000)


class Trickle:
    """``url`` is where it listens; ``asked`` counts its connections."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.asked = 0

    def serve(self) -> None:
        """Takes connections until it is ended; each gets a thread."""
        while not self._over.is_set():
            with contextlib.suppress(OSError):
                client, _ = self._listener.accept()
                self.asked += 1
                threading.Thread(target=self._one, args=(client,), daemon=True).start()

    def _one(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client:
            if self._answer not in (drips_smtp, floods_smtp):
                client.recv(65536)
            self._answer(client, self._over)

    def end(self) -> None:
        """Hangs up on everybody."""
        self._over.set()
        self._listener.close()


@contextlib.contextmanager
def trickling(answer: Answer) -> Iterator[Trickle]:
    """The partner, while the block lasts."""
    server = Trickle(answer)
    threading.Thread(target=server.serve, daemon=True).start()
    try:
        yield server
    finally:
        server.end()
