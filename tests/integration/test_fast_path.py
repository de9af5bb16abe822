"""The fast path of an event gives the answers of the ordinary way, and whatever is not plain takes that."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest
import uvicorn
from uvicorn.server import ServerState

from receiver.bootstrap import App
from receiver.core.change import Write
from receiver.core.event import Inbound
from receiver.http import fast_path, server
from receiver.http.batch_dispatcher import BatchDispatcher
from receiver.http.limits import ConnectionLimits
from receiver.http.public import public_app
from receiver.http.reply import Reply
from receiver.http.server import server_config
from receiver.http.webhook import Limits, WebhookEndpoint
from receiver.store.memory import MemoryStore
from tests.builders import NOW
from tests.receivers import HEADER, BusyStore, Sender, a_body, an_app
from tests.sockets import PATIENCE_SECONDS, answer, head, said, served


class Breaking(MemoryStore):
    async def apply(self, *writes: Write) -> None:
        raise RuntimeError("a mistake of ours")


@pytest.fixture
def app(tmp_path: Path) -> App:
    return an_app(tmp_path, max_body=5000)


@pytest.fixture
def address(app: App) -> Iterator[tuple[str, int]]:
    with served(app) as address:
        yield address


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The statuses of what took the fast path."""
    taken: list[int] = []
    response = fast_path.response

    def noted(reply: Reply, *, keep_alive: bool) -> bytes:
        taken.append(reply.status)
        return response(reply, keep_alive=keep_alive)

    monkeypatch.setattr(fast_path, "response", noted)
    return taken


def event(body: bytes, *lines: str, **proofs: str | None) -> bytes:
    """A whole request that brings this body; ``proofs`` replaces headers, with ``_`` for ``-``."""
    replaced = {name.replace("_", "-"): value for name, value in proofs.items()}
    made = [f"{name}: {value}" for name, value in Sender(headers=replaced).proofs(body).items()]
    return head(*made, *lines, f"Content-Length: {len(body)}") + body


REQUESTS = {
    "accepted": (202, event(a_body())),
    "malformed": (400, event(b"{")),
    "empty": (400, event(b"")),
    "unsigned": (401, event(a_body(), LC_Signature=None)),
    "wrong header": (401, event(a_body(), **{HEADER: "wrong"})),
    "too large": (413, event(b"x" * 5001)),
    "compressed": (415, event(a_body(), "Content-Encoding: gzip")),
    "no JSON": (415, event(a_body(), Content_Type="image/png")),
    "many headers": (431, event(a_body(), *["X-Filler: x"] * 200)),
}


class Servers(NamedTuple):
    """One for each way, so that the same event is new to each."""

    fast: tuple[str, int]
    asgi: tuple[str, int]
    uvicorns_own: tuple[str, int]


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    fast, asgi, own = (an_app(tmp_path_factory.mktemp(name), max_body=5000) for name in Servers._fields)
    with contextlib.ExitStack() as running:
        first, second = (running.enter_context(served(app)) for app in (fast, asgi))
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(server, "fast_path", lambda: None)
            third = running.enter_context(served(own))
        yield Servers(first, second, third)


@pytest.mark.parametrize("name", REQUESTS)
def test_all_ways_give_the_same_answer(name: str, servers: Servers, fast: list[int]) -> None:
    status, request = REQUESTS[name]
    by_fast_path = said(servers.fast, request)
    assert fast == [status]
    by_asgi = said(servers.asgi, request.replace(b"HTTP/1.1", b"HTTP/1.0"))
    by_asgi[1].pop("connection")
    assert by_fast_path == by_asgi == said(servers.uvicorns_own, request)
    assert by_fast_path[0] == status
    assert fast == [status]


def test_a_store_that_cannot_write_and_a_fault_are_answered_too(tmp_path: Path, fast: list[int]) -> None:
    for store, status in ((BusyStore(), 503), (Breaking(), 500)):
        with served(an_app(tmp_path, store=store)) as address:
            assert said(address, event(a_body()))[0] == status
    assert fast == [503, 500]


def test_one_connection_brings_many_events(address: tuple[str, int], fast: list[int]) -> None:
    with socket.create_connection(address, PATIENCE_SECONDS) as connection:
        got = connection.makefile("rb")
        for number in range(5):
            connection.sendall(event(a_body(f"evt-{number}")))
            assert answer(got)[0] == 202
            connection.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
            assert answer(got)[0] == 200
    assert fast == [202] * 5


def test_events_sent_without_waiting_are_answered_in_order(address: tuple[str, int], fast: list[int]) -> None:
    with socket.create_connection(address, PATIENCE_SECONDS) as connection:
        got = connection.makefile("rb")
        connection.sendall(event(a_body("a")) + event(a_body("b")) + event(a_body("a")) + event(b"{"))
        answers = [answer(got) for _ in range(4)]
    assert [status for status, _, _ in answers] == [202, 202, 200, 400]
    assert [b'"a"' in body for _, _, body in answers] == [True, False, True, False]


class Counting(MemoryStore):
    """Counts how many changes come together."""

    together: list[int]

    async def apply_each(self, *changes: Sequence[Write]) -> list[Exception | None]:
        self.together.append(len(changes))
        return await super().apply_each(*changes)


def inbound(body: bytes, **proofs: str | None) -> Inbound:
    headers = Sender(headers={name.replace("_", "-"): value for name, value in proofs.items()}).proofs(body)
    return Inbound([(name.lower().encode(), value.encode()) for name, value in headers.items()], body, "sender")


async def replies_of(app: App, *inbounds: Inbound) -> list[Reply]:
    """The replies to what arrives in one tick of the loop."""
    assert app.receiver is not None
    dispatcher, replies = BatchDispatcher(WebhookEndpoint(app.receiver, Limits(body=5000))), dict[int, Reply]()
    for number, item in enumerate(inbounds):
        dispatcher.dispatch(item, partial(replies.__setitem__, number))
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(replies) < len(inbounds):  # noqa: ASYNC110 - it is what is measured
            await asyncio.sleep(0)
    return [replies[number] for number in range(len(inbounds))]


@pytest.mark.anyio
async def test_the_events_of_one_tick_are_kept_together_and_answered_each_by_itself(tmp_path: Path) -> None:
    store = Counting(clock=lambda: NOW)
    store.together = []
    replies = await replies_of(
        an_app(tmp_path, store=store),
        inbound(a_body("a")),
        inbound(a_body("b"), LC_Signature="sha256=00"),
        inbound(b"{"),
        inbound(b"x" * 5001),
        inbound(a_body("c")),
    )
    assert [item.status for item in replies] == [202, 401, 400, 413, 202]
    assert [b'"a"' in item.body for item in replies] == [True, False, False, False, False]
    assert b'"c"' in replies[-1].body
    assert store.together == [2]


@pytest.mark.anyio
async def test_a_fault_of_ours_is_answered_to_everybody_who_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def failing(self: WebhookEndpoint, inbounds: Sequence[Inbound]) -> list[Reply]:
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr(WebhookEndpoint, "answer", failing)
    replies = await replies_of(an_app(tmp_path), inbound(a_body("a")), inbound(a_body("b")))
    assert [item.status for item in replies] == [500, 500]


@pytest.mark.anyio
async def test_a_connection_that_fails_keeps_no_answer_from_the_others(tmp_path: Path) -> None:
    app = an_app(tmp_path)
    assert app.receiver is not None

    def failing(reply: Reply) -> None:
        raise RuntimeError("a mistake of ours")

    dispatcher, replies = BatchDispatcher(WebhookEndpoint(app.receiver, Limits())), list[Reply]()
    dispatcher.dispatch(inbound(a_body("a")), failing)
    dispatcher.dispatch(inbound(a_body("b")), replies.append)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not replies:  # noqa: ASYNC110 - it is what is measured
            await asyncio.sleep(0)
    assert [item.status for item in replies] == [202]


@pytest.mark.parametrize("cut", [10, -1, -200, -600])
def test_an_event_in_two_pieces_takes_the_ordinary_way(cut: int, address: tuple[str, int], fast: list[int]) -> None:
    request = event(a_body())
    with socket.create_connection(address, PATIENCE_SECONDS) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(request[:cut])
        connection.settimeout(0.1)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        connection.settimeout(PATIENCE_SECONDS)
        connection.sendall(request[cut:])
        assert answer(connection.makefile("rb"))[0] == 202
    assert fast in ([], [202])  # with its head cut, it is whole when its head is


@pytest.mark.parametrize("line", ["Connection: close", "Expect: 100-continue"])
def test_what_is_not_plain_is_answered_by_the_ordinary_way(
    line: str, address: tuple[str, int], fast: list[int]
) -> None:
    status, _, _ = said(address, event(a_body(), line))
    assert status == 202
    assert fast == []


class Transport(asyncio.Transport):
    """Takes what is written, and is full."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return False

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


@pytest.mark.anyio
async def test_a_sender_that_does_not_read_is_answered_by_the_ordinary_way_when_it_does(
    app: App, fast: list[int]
) -> None:
    limits, transport = ConnectionLimits(10, listener="public", meter=app.context.meter), Transport()
    config = server_config(public_app(app), limits)
    protocol = fast_path.FastPathProtocol(config, ServerState(), {}, asyncio.get_running_loop())
    protocol.connection_made(transport)
    protocol.pause_writing()
    protocol.data_received(event(a_body()))
    await asyncio.sleep(0.1)
    assert transport.written == b""
    protocol.resume_writing()
    async with asyncio.timeout(PATIENCE_SECONDS):
        while b"202" not in transport.written:  # noqa: ASYNC110 - it is what is measured
            await asyncio.sleep(0)
    protocol.connection_lost(ConnectionError())
    assert fast == []


def test_a_sender_that_hangs_up_has_its_event_kept_all_the_same(tmp_path: Path) -> None:
    kept = threading.Event()

    class Slow(MemoryStore):
        async def apply(self, *writes: Write) -> None:
            await asyncio.sleep(0.05)
            await super().apply(*writes)
            kept.set()

    with served(an_app(tmp_path, store=Slow())) as address:
        with socket.create_connection(address, PATIENCE_SECONDS) as connection:
            connection.sendall(event(a_body()))
        assert kept.wait(PATIENCE_SECONDS)
        assert said(address, b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")[0] == 200


def test_an_event_in_hand_is_answered_when_the_server_stops(tmp_path: Path) -> None:
    begun, stopping = threading.Event(), threading.Event()

    class Slow(MemoryStore):
        async def apply(self, *writes: Write) -> None:
            begun.set()
            await asyncio.to_thread(stopping.wait, PATIENCE_SECONDS)
            await asyncio.sleep(0.2)
            await super().apply(*writes)

    listener = socket.create_server(("127.0.0.1", 0))
    app = an_app(tmp_path, store=Slow())
    limits = ConnectionLimits(10, listener="public", meter=app.context.meter)
    server = uvicorn.Server(server_config(public_app(app), limits))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    with socket.create_connection(listener.getsockname(), PATIENCE_SECONDS) as connection:
        connection.sendall(event(a_body()))
        assert begun.wait(PATIENCE_SECONDS)
        server.should_exit = True
        stopping.set()
        status, headers, _ = answer(connection.makefile("rb"))
    thread.join(PATIENCE_SECONDS)
    assert (status, headers["connection"]) == (202, "close")
