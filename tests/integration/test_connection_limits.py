"""Connections that hold back, flood or never read take neither the descriptors nor the memory of honest senders."""

import contextlib
import io
import logging
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.bootstrap import App
from receiver.http.limits import BACKLOG, MOST, PIECE_BYTES, PIECES, operator_size, public_size
from receiver.log import JsonLines
from tests.receivers import Sender, a_body, an_app
from tests.sockets import PATIENCE_SECONDS, answer, code, head, said, served

MOST_HERE = 32
BEGUN = {
    "nothing is sent": b"",
    "half a head": b"POST /webhooks/llamacloud HTTP/1.1\r\nHost: x\r\n",
    "a head without its body": head("Content-Length: 100"),
    "half a body": head("Content-Length: 100") + b"{",
    "an answered request": b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n",
}


@pytest.fixture
def app(tmp_path: Path) -> App:
    return an_app(tmp_path)


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    written, logger = io.StringIO(), logging.getLogger("mailroom.http")
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonLines())
    logger.addHandler(handler)
    yield written
    logger.removeHandler(handler)


def an_event(event_id: str = "evt-1") -> bytes:
    body = a_body(event_id)
    lines = [f"{name}: {value}" for name, value in Sender().proofs(body).items()]
    return head(*lines, f"Content-Length: {len(body)}") + body


def counted(app: App, metric: str) -> float:
    return sum(value for name, _, value in app.context.meter.counts() if name == metric)  # type: ignore[attr-defined]


@pytest.mark.parametrize("begun", BEGUN)
def test_more_connections_than_there_is_room_for_lock_nobody_out(begun: str, app: App, log: io.StringIO) -> None:
    with served(app, connections=MOST_HERE) as address, contextlib.ExitStack() as opened:
        for _ in range(3 * MOST_HERE):
            connection = opened.enter_context(socket.create_connection(address, PATIENCE_SECONDS))
            with contextlib.suppress(ConnectionError):
                connection.sendall(BEGUN[begun])
        for number in range(5):
            assert said(address, an_event(f"evt-{number}"))[0] == 202
    assert counted(app, "mailroom_connections_closed") >= 2 * MOST_HERE
    assert log.getvalue().count('"connections.full"') == 1, "told once, not for each"
    assert '"listener":"public"' in log.getvalue()


def test_a_request_in_our_hands_is_not_closed_to_make_room(app: App) -> None:
    with served(app, connections=MOST_HERE) as address, contextlib.ExitStack() as opened:
        honest = opened.enter_context(socket.create_connection(address, PATIENCE_SECONDS))
        got = honest.makefile("rb")
        for number in range(10):
            honest.sendall(an_event(f"evt-{number}"))
            assert answer(got)[0] == 202
            for _ in range(MOST_HERE // 4):
                opened.enter_context(socket.create_connection(address, PATIENCE_SECONDS))


def test_requests_sent_without_waiting_are_bounded(app: App) -> None:
    flood = an_event() + b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n" * 500
    with served(app) as address, socket.create_connection(address, PATIENCE_SECONDS) as connection:
        connection.sendall(flood)
        with contextlib.suppress(ConnectionError):
            while connection.recv(10_000):
                pass
        assert said(address, an_event())[0] in (200, 202)
    assert counted(app, "mailroom_refusals") == 1


def test_trailers_prove_nothing(app: App) -> None:
    body = a_body()
    proofs = [f"{name}: {value}" for name, value in Sender().proofs(body).items()]
    chunked = b"%x\r\n%b\r\n0\r\n" % (len(body), body)
    with served(app) as address:
        late = head(*proofs[:1], "Transfer-Encoding: chunked") + chunked
        assert said(address, late + "\r\n".join([*proofs[1:], "", ""]).encode())[0] == 401
        whole = head(*proofs, "Transfer-Encoding: chunked") + chunked
        assert said(address, whole + b"X-Mailroom-Key: wrong\r\n\r\n")[0] == 202


@pytest.mark.parametrize("line", [b"X-A: b\r\n" * 1000, b"X-A: " + b"b" * 8000], ids=["many", "one"])
def test_trailers_without_end_are_cut_off(line: bytes, app: App) -> None:
    with served(app) as address, socket.create_connection(address, PATIENCE_SECONDS) as connection:
        connection.sendall(head("Transfer-Encoding: chunked") + b"1\r\n{\r\n0\r\n")
        with contextlib.suppress(ConnectionError):
            for _ in range(40):
                connection.sendall(line if line.endswith(b"\n") else line[5:] if _ else line)
            assert answer(connection.makefile("rb"))[0] == 431
    assert counted(app, "mailroom_refusals") >= 1


def test_a_body_in_chunks_of_one_byte_is_one_event(app: App) -> None:
    body = a_body()
    proofs = [f"{name}: {value}" for name, value in Sender().proofs(body).items()]
    pieces = b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"
    with served(app) as address:
        assert said(address, head(*proofs, "Transfer-Encoding: chunked"), pieces)[0] == 202


def test_a_body_in_crumbs_is_not_read_to_its_end(app: App) -> None:
    """One request of 10 MB in chunks of one byte took as long as 10,000 events, and a hundred of them the receiver."""
    crumbs = b"1\r\nx\r\n" * (PIECES + 100)
    with served(app) as address, socket.create_connection(address, PATIENCE_SECONDS) as connection:
        connection.sendall(head("Transfer-Encoding: chunked"))
        with contextlib.suppress(ConnectionError):
            connection.sendall(crumbs)
            assert connection.recv(100)[:12] in (b"", b"HTTP/1.1 400"), "it is not waited for the end"
        assert said(address, an_event())[0] == 202
    assert counted(app, "mailroom_refusals") == 1


@pytest.mark.parametrize("size", [2, PIECE_BYTES])
def test_a_body_in_pieces_of_some_size_is_read_whatever_its_length(size: int, app: App) -> None:
    pieces = PIECES if size < PIECE_BYTES else 4 * PIECES
    chunk = b"%x\r\n%b\r\n" % (size, b"x" * size)
    with served(app) as address:
        forged = head("Transfer-Encoding: chunked")
        assert said(address, forged, chunk * pieces, b"0\r\n\r\n")[0] == 401


def test_heads_that_do_not_end_have_room_together_and_no_more(app: App) -> None:
    begun = head()[:-4] + b"\r\nX-Filler: " + b"x" * 30_000
    with served(app, unfinished=100_000) as address, contextlib.ExitStack() as opened:
        held = [opened.enter_context(socket.create_connection(address, PATIENCE_SECONDS)) for _ in range(4)]
        for connection in held:
            connection.sendall(begun)
        status, headers, body = answer(held[3].makefile("rb"))
        assert (status, headers["retry-after"], code(body)) == (503, "1", "busy")
        assert said(address, an_event())[0] == 202
        for connection in held:
            connection.close()
        assert said(address, begun[:90] + b"\r\n\r\n")[0] == 401, "what they held is given back"


@given(st.integers(16, 2_000_000))
def test_all_connections_and_what_waits_to_be_accepted_fit_into_the_descriptors(descriptors: int) -> None:
    public, operator = public_size(descriptors), operator_size(descriptors)
    assert sum(public) + sum(operator) <= descriptors
    assert public.connections <= MOST
    assert public.backlog <= BACKLOG
    if descriptors >= 1024:
        assert public.connections >= 500
        assert operator.connections >= 50
        assert sum(public) + sum(operator) <= descriptors - 256
