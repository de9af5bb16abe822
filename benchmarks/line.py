"""A line to a server, on which each request takes a while longer: partners are not on this machine."""

import contextlib
import socket
import threading
import time
from urllib.parse import urlsplit


class Line:
    """Leads to a server; each request takes ``seconds`` longer."""

    def __init__(self, to: str, seconds: float) -> None:
        parts = urlsplit(to)
        self._to = (parts.hostname or "", parts.port or 80)
        self._seconds = seconds
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            near, _ = self._listener.accept()
            far = socket.create_connection(self._to)
            for item in (near, far):
                item.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            waiting = threading.Event()
            for source, target, delay in ((near, far, 0.0), (far, near, self._seconds)):
                threading.Thread(target=_carry, args=(source, target, delay, waiting), daemon=True).start()


def _carry(source: socket.socket, target: socket.socket, delay: float, waiting: threading.Event) -> None:
    """Passes everything on; the first bytes that answer a request wait for ``delay`` seconds."""
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            if not delay:
                waiting.set()
            elif waiting.is_set():
                waiting.clear()
                time.sleep(delay)
            target.sendall(data)
    for end in (source, target):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
