"""Receivers behind the server that ``mailroom serve`` uses, and raw sockets to talk to them."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import uvicorn

from receiver.bootstrap import App
from receiver.http.limits import UNFINISHED, ConnectionLimits, narrow
from receiver.http.operator import operator_app
from receiver.http.own_host import OwnHost
from receiver.http.public import public_app
from receiver.http.server import server_config
from receiver.http.stream import ChangeStreams
from receiver.http.webhook import PATH

PATIENCE_SECONDS = 10


@contextmanager
def served(app: App, *, connections: int = 1000, unfinished: int = UNFINISHED) -> Iterator[tuple[str, int]]:
    """The address of its public side, behind the server that ``mailroom serve`` uses, while the block lasts."""
    limits = ConnectionLimits(connections, listener="public", meter=app.context.meter, unfinished=unfinished)
    with _running(server_config(public_app(app), limits)) as address:
        yield address


@contextmanager
def operator_served(
    app: App, *, names: frozenset[str] | None = None, streams: ChangeStreams | None = None
) -> Iterator[tuple[str, int]]:
    """The address of its operator's side; with ``names`` it answers under these alone, and under addresses."""
    limits = ConnectionLimits(100, listener="operator", meter=app.context.meter)
    inside = operator_app(app, streams=streams)
    inside = inside if names is None else OwnHost(inside, names)
    with _running(server_config(inside, limits)) as address:
        yield address


@contextmanager
def _running(config: uvicorn.Config) -> Iterator[tuple[str, int]]:
    listener = socket.create_server(("127.0.0.1", 0), backlog=1000)
    narrow(listener)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    try:
        yield listener.getsockname()
    finally:
        server.should_exit = True
        thread.join(PATIENCE_SECONDS)
        listener.close()


def said(address: tuple[str, int], *pieces: bytes) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the answer to these bytes; the server hangs up or is hung up on."""
    with socket.create_connection(address, PATIENCE_SECONDS) as connection:
        for piece in pieces:
            connection.sendall(piece)
        return answer(connection.makefile("rb"))


def answer(got: BinaryIO) -> tuple[int, dict[str, str], bytes]:
    """The next answer on this connection, past "100 Continue"."""
    status = int(got.readline().split()[1])
    headers = {}
    while line := got.readline().strip():
        name, _, value = line.decode().partition(":")
        headers[name.lower()] = value.strip()
    return answer(got) if status == 100 else (status, headers, got.read(int(headers["content-length"])))


def code(body: bytes) -> str:
    return str(json.loads(body)["error"]["code"])


def head(*lines: str) -> bytes:
    return "\r\n".join([f"POST {PATH} HTTP/1.1", "Host: mail", *lines, "", ""]).encode()
