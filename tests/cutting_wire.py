"""A wire that is cut after the request went through: the server has done it, and the client never hears of it."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

CHUNK = 65536


class Wire:
    """Leads to a server, request after request; ``lose`` says which answers are lost."""

    def __init__(self, to: str) -> None:
        parts = urlsplit(to)
        self._to = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.lost = 0
        self._to_lose = (0, b"")
        self._pass_on = 0
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def lose(self, answers: int, to: bytes = b"", *, after: int = 0) -> None:
        """Lose the next so many answers to requests with these bytes in their first chunk, all but their beginning."""
        with self._lock:
            self._to_lose = (answers, to)
            self._pass_on = after

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        server = socket.create_connection(self._to)
        doomed = threading.Event()
        back = threading.Thread(target=self._answer, args=(server, client, doomed), daemon=True)
        back.start()
        with suppress(OSError):
            while data := client.recv(CHUNK):
                if self._loses(data):
                    doomed.set()
                server.sendall(data)
        _hang_up(server)
        back.join()
        server.close()
        client.close()

    def _answer(self, server: socket.socket, client: socket.socket, doomed: threading.Event) -> None:
        with suppress(OSError):
            while data := server.recv(CHUNK):
                if doomed.is_set():
                    client.sendall(data[: self._pass_on])
                    break
                client.sendall(data)
        _hang_up(client)

    def _loses(self, request: bytes) -> bool:
        with self._lock:
            left, to = self._to_lose
            if not left or to not in request or not request.startswith(b"POST"):
                return False
            self._to_lose = (left - 1, to)
            self.lost += 1
            return True


def _hang_up(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


@contextmanager
def a_wire(to: str) -> Iterator[Wire]:
    """A wire to this URL while the block lasts."""
    wire = Wire(to)
    try:
        yield wire
    finally:
        wire.close()
