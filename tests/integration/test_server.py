"""The receiver behind a real server, over real sockets: what httpx would never send, and what it should get for it."""

import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from receiver.bootstrap import App
from receiver.http import limits
from receiver.http.webhook import PATH
from tests.receivers import ADMIN_TOKEN, Sender, a_body, an_app
from tests.sockets import PATIENCE_SECONDS, answer, code, head, operator_served, said, served


@pytest.fixture
def app(tmp_path: Path) -> App:
    return an_app(tmp_path, max_body=1000, body_seconds=0.2)


@pytest.fixture
def address(app: App) -> Iterator[tuple[str, int]]:
    with served(app) as address:
        yield address


both_ways = pytest.mark.usefixtures("way")
"""By the fast path and by uvicorn's own protocol; what is not marked so is a limit that the fast path alone has."""


@both_ways
def test_an_event_is_accepted_over_a_real_socket(address: tuple[str, int]) -> None:
    body = a_body()
    answer = httpx.post(f"http://{address[0]}:{address[1]}{PATH}", content=body, headers=Sender().proofs(body))
    assert (answer.status_code, answer.json()["status"]) == (202, "accepted")
    assert "server" not in answer.headers


@both_ways
def test_a_body_sent_in_pieces_is_one_event(address: tuple[str, int]) -> None:
    body = a_body()
    proofs = [f"{name}: {value}" for name, value in Sender().proofs(body).items()]
    status, _, _ = said(
        address, head(*proofs, f"Content-Length: {len(body)}"), *(body[i : i + 50] for i in range(0, len(body), 50))
    )
    assert status == 202


@both_ways
def test_a_body_over_the_limit_is_refused_before_it_is_read(address: tuple[str, int]) -> None:
    status, _, body = said(address, head("Content-Length: 1001"))
    assert (status, code(body)) == (413, "too_large")


@both_ways
def test_a_body_over_the_limit_is_refused_also_when_all_of_it_is_sent(address: tuple[str, int]) -> None:
    url = f"http://{address[0]}:{address[1]}{PATH}"
    with httpx.Client() as client:
        assert client.post(url, content=b"x" * 5_000_000).status_code == 413
        assert client.post(url, content=iter([b"x" * 100_000] * 20)).status_code == 413
        assert client.get(f"http://{address[0]}:{address[1]}/livez").status_code == 200


@both_ways
def test_a_body_that_does_not_arrive_is_not_waited_for(address: tuple[str, int]) -> None:
    status, headers, body = said(address, head("Content-Length: 500"), b'{"event_id":')
    assert (status, headers["connection"], code(body)) == (408, "close", "too_slow")


@both_ways
def test_a_sender_that_hangs_up_leaves_nothing_behind(app: App, address: tuple[str, int]) -> None:
    with socket.create_connection(address, PATIENCE_SECONDS) as connection:
        connection.sendall(head("Content-Length: 500") + b"{")
    assert httpx.get(f"http://{address[0]}:{address[1]}/livez").status_code == 200
    assert not list(app.context.meter.counts())  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "junk",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"HELO mail\r\n\r\n",
        b"POST / HTTP/9.9\r\n\r\n",
        b"\x00" * 100,
    ],
)
def test_what_is_no_http_is_told_so_in_json(junk: bytes, address: tuple[str, int]) -> None:
    status, headers, body = said(address, junk)
    assert (status, headers["connection"], code(body)) == (400, "close", "malformed")


def test_a_head_without_end_is_cut_off(address: tuple[str, int]) -> None:
    try:
        status, _, body = said(address, head()[:-4], *([b"\r\nX-Filler: " + b"x" * 10_000] * 10))
    except ConnectionError:
        return  # hung up on while it was still sending
    assert (status, code(body)) == (431, "headers_too_large")


def test_a_head_that_does_not_arrive_is_not_waited_for(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HEAD_SECONDS", 0.1)
    with served(app) as address:
        status, _, body = said(address, head()[:-4])
    assert (status, code(body)) == (408, "too_slow")


def test_a_slow_second_request_on_an_open_connection_is_cut_off_too(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HEAD_SECONDS", 0.1)
    with served(app) as address, socket.create_connection(address, PATIENCE_SECONDS) as connection:
        got = connection.makefile("rb")
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        assert answer(got)[0] == 200
        connection.sendall(b"GET /livez HTT")
        assert answer(got)[0] == 408


def test_a_connection_at_rest_is_closed_without_a_word(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HEAD_SECONDS", 0.1)
    monkeypatch.setattr(limits, "REST_SECONDS", 0.2)
    with served(app) as address, socket.create_connection(address, PATIENCE_SECONDS) as connection:
        got = connection.makefile("rb")
        connection.sendall(head("Content-Length: 2") + b"{}")
        assert answer(got)[0] == 401
        assert got.read() == b""


@both_ways
def test_a_question_for_a_websocket_is_answered_as_what_it_is(address: tuple[str, int]) -> None:
    ask = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    status, _, _ = said(address, ask + b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
    assert status < 500


def test_a_packet_of_many_megabytes_is_taken_in_with_flat_memory(tmp_path: Path) -> None:
    app = an_app(tmp_path)
    with operator_served(app) as (host, port):
        boundary, size = "x" * 20, 64 * 1024 * 1024
        before = b'--%b\r\nContent-Disposition: form-data; name="f"; filename="scan.pdf"\r\n\r\n' % boundary.encode()
        after = b"\r\n--%b--\r\n" % boundary.encode()

        def content() -> Iterator[bytes]:
            yield before
            for _ in range(size // (1024 * 1024)):
                yield b"%PDF" * (256 * 1024)
            yield after

        headers = {
            "Authorization": f"Bearer {ADMIN_TOKEN}",
            "Content-Type": f"multipart/form-data; boundary={boundary}",
        }
        used = _peak_memory()
        answer = httpx.post(f"http://{host}:{port}/documents", content=content(), headers=headers, timeout=60)
        assert answer.status_code == 202, answer.text
        assert _peak_memory() - used < size / 2


def _peak_memory() -> int:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
