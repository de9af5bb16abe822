"""A load balancer in front of several receivers, as small as one can be: connection after connection, in turn."""

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import count

CHUNK = 65536
Address = tuple[str, int]


class Balancer:
    """Leads each connection to the next backend that takes it."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.backends: Sequence[Address] = ()
        self.accepted = 0
        """Connections so far."""
        self._turns = count()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.accepted += 1
                threading.Thread(target=self._lead, args=(client,), daemon=True).start()

    def _lead(self, client: socket.socket) -> None:
        with client:
            backend = self._reached()
            if backend is None:
                return
            with backend:
                back = threading.Thread(target=_carry, args=(backend, client), daemon=True)
                back.start()
                _carry(client, backend)
                back.join()

    def _reached(self) -> socket.socket | None:
        for _ in self.backends:
            with suppress(OSError):
                return socket.create_connection(self.backends[next(self._turns) % len(self.backends)], timeout=5)
        return None


def _carry(source: socket.socket, target: socket.socket) -> None:
    source.settimeout(None)
    with suppress(OSError):
        while data := source.recv(CHUNK):
            target.sendall(data)
    for end in (target, source):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


@contextmanager
def a_balancer() -> Iterator[Balancer]:
    """A balancer while the block lasts."""
    balancer = Balancer()
    try:
        yield balancer
    finally:
        balancer.close()
