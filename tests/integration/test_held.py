"""What is refused is let go of at once, and what is held is bounded: no collection of garbage is waited for."""

import asyncio
import contextlib
import gc
import json
import socket
import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.bootstrap import App
from receiver.core.event import Inbound
from receiver.http.batch_dispatcher import BatchDispatcher
from receiver.http.reply import Reply
from receiver.http.request_body import SMALL, BodyBudget
from receiver.http.webhook import PATH, Limits, WebhookEndpoint
from receiver.store.memory import MemoryStore
from tests.builders import NOW
from tests.receivers import HEADER, BusyStore, Sender, a_body, an_app
from tests.sockets import PATIENCE_SECONDS, answer, head, served

pytestmark = pytest.mark.anyio


class Breaking(MemoryStore):
    """A store with a mistake in it."""

    async def apply(self, *writes: Any) -> None:
        raise RuntimeError("a mistake")


REFUSALS: dict[str, tuple[int, dict[str, str | None], Callable[[], bytes], type[MemoryStore]]] = {
    "a header is missing": (401, {HEADER: None}, a_body, MemoryStore),
    "a header is wrong": (401, {HEADER: "wrong"}, a_body, MemoryStore),
    "no token": (401, {"X-Mailroom-Token": None}, a_body, MemoryStore),
    "a wrong token": (401, {"X-Mailroom-Token": "v1.a.b.c.d"}, a_body, MemoryStore),
    "no signature": (401, {"LC-Signature": None}, a_body, MemoryStore),
    "a wrong signature": (401, {"LC-Signature": "sha256=00"}, a_body, MemoryStore),
    "nothing is right": (401, {"LC-Signature": "x", HEADER: "x", "X-Mailroom-Token": "x"}, a_body, MemoryStore),
    "no JSON": (400, {}, lambda: b"{" + b"x" * 300, MemoryStore),
    "a name stands twice": (400, {}, lambda: a_body()[:-1] + b', "event_id": "b"}', MemoryStore),
    "nested too deep": (400, {}, lambda: b'{"event_id": "a", "event_type": "b", "x": ' + b"[" * 500, MemoryStore),
    "the store is busy": (503, {}, a_body, BusyStore),
    "a mistake of ours": (500, {}, a_body, Breaking),
}


@pytest.fixture(autouse=True)
def _no_collection() -> Iterator[None]:
    """What is freed in these tests is freed because nobody refers to it any more."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def an_app_with(folder: Path, store: type[MemoryStore]) -> App:
    return an_app(folder, store=store(clock=lambda: NOW))


def headers_of(body: bytes, changed: dict[str, str | None]) -> list[tuple[bytes, bytes]]:
    proofs = Sender(headers=changed).proofs(body)
    return [(name.lower().encode(), value.encode()) for name, value in proofs.items()]


async def in_pieces(webhook: WebhookEndpoint, headers: list[tuple[bytes, bytes]], pieces: list[bytes]) -> int:
    """The status of the answer to a body that comes in these pieces."""
    left, sent = list(pieces), list[Any]()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

    async def send(message: Any) -> None:
        sent.append(message)

    await webhook({"type": "http", "method": "POST", "path": PATH, "headers": headers}, receive, send)
    return int(sent[0]["status"])


async def in_one_tick(webhook: WebhookEndpoint, inbounds: list[Inbound]) -> list[Reply]:
    dispatcher, replies = BatchDispatcher(webhook), dict[int, Reply]()
    for number, item in enumerate(inbounds):
        dispatcher.dispatch(item, partial(replies.__setitem__, number))
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(replies) < len(inbounds):  # noqa: ASYNC110 - it is what is measured
            await asyncio.sleep(0)
    return [replies[number] for number in range(len(inbounds))]


@pytest.mark.parametrize("name", REFUSALS)
async def test_a_refused_body_in_pieces_is_let_go_of_with_its_answer(name: str, tmp_path: Path) -> None:
    status, changed, body_of, store = REFUSALS[name]
    app = an_app_with(tmp_path, store)
    assert app.receiver is not None
    webhook, body = WebhookEndpoint(app.receiver, Limits()), body_of()
    pieces = [body[:100], body[100:]]
    before = [sys.getrefcount(piece) for piece in pieces]
    assert await in_pieces(webhook, headers_of(body, changed), pieces) == status
    assert [sys.getrefcount(piece) for piece in pieces] == before
    assert webhook.held.now == 0


@pytest.mark.parametrize("name", REFUSALS)
async def test_a_refused_body_that_came_whole_is_let_go_of_with_its_answer(name: str, tmp_path: Path) -> None:
    status, changed, body_of, store = REFUSALS[name]
    app = an_app_with(tmp_path, store)
    assert app.receiver is not None
    webhook, body = WebhookEndpoint(app.receiver, Limits()), body_of()
    before = sys.getrefcount(body)
    replies = await in_one_tick(webhook, [Inbound(headers_of(body, changed), body), Inbound([], body)])
    assert [item.status for item in replies] == [status, 401]
    for _ in range(3):  # the task that answered ends
        await asyncio.sleep(0)
    assert sys.getrefcount(body) == before
    assert webhook.held.now == 0


@pytest.mark.parametrize("proof", ["x-mailroom-key", "lc-signature"])
def test_forged_bodies_over_a_real_connection_leave_nothing_in_memory(proof: str, tmp_path: Path) -> None:
    size = 1_000_000
    body = b"x" * size
    proofs = {**Sender().proofs(body), ("LC-Signature" if proof == "lc-signature" else HEADER): "wrong"}
    request = head(*(f"{name}: {value}" for name, value in proofs.items()), f"Content-Length: {size}")
    with served(an_app(tmp_path)) as address, socket.create_connection(address, PATIENCE_SECONDS) as connection:
        got = connection.makefile("rb")

        def forge() -> None:
            connection.sendall(request)
            connection.sendall(body)
            assert answer(got)[0] == 401

        forge()
        tracemalloc.start()
        try:
            before = tracemalloc.get_traced_memory()[0]
            for _ in range(10):
                forge()
            assert tracemalloc.get_traced_memory()[0] - before < size / 2
        finally:
            tracemalloc.stop()


def test_many_large_bodies_at_once_are_read_no_further_than_they_are_proven(tmp_path: Path) -> None:
    connections, size = 60, 1_000_000
    body = b"x" * size
    request = head("LC-Signature: sha256=00", f"Content-Length: {size}")
    statuses: list[int] = []

    def forge(connection: socket.socket) -> None:
        connection.sendall(request)
        connection.sendall(body)
        statuses.append(answer(connection.makefile("rb"))[0])

    with served(an_app(tmp_path)) as address, contextlib.ExitStack() as opened:
        made = [opened.enter_context(socket.create_connection(address, PATIENCE_SECONDS)) for _ in range(connections)]
        forge(opened.enter_context(socket.create_connection(address, PATIENCE_SECONDS)))
        threads = [threading.Thread(target=forge, args=(item,)) for item in made]
        tracemalloc.start()
        try:
            before = tracemalloc.get_traced_memory()[0]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(PATIENCE_SECONDS)
            assert tracemalloc.get_traced_memory()[1] - before < connections * 80_000
        finally:
            tracemalloc.stop()
    assert set(statuses) <= {401, 408}
    assert len(statuses) == connections + 1


@pytest.mark.parametrize(("path", "status"), [("/no/such/page", 404), (PATH, 415), (PATH, 413)])
def test_a_connection_whose_body_nobody_reads_goes_on(path: str, status: int, tmp_path: Path) -> None:
    size = 20_000_000 if status == 413 else 1_000_000
    encoding = "gzip" if status == 415 else "identity"
    lines = f"Host: mail\r\nContent-Encoding: {encoding}\r\nContent-Length: {size}\r\n\r\n"
    with served(an_app(tmp_path)) as address, socket.create_connection(address, PATIENCE_SECONDS) as connection:
        got = connection.makefile("rb")
        for _ in range(2):
            connection.sendall(f"POST {path} HTTP/1.1\r\n{lines}".encode())
            for _ in range(size // 100_000):
                connection.sendall(b"x" * 100_000)
            assert answer(got)[0] == status


HELD: list[tuple[dict[str, str | None], int]] = [
    ({}, 200),
    ({HEADER: "wrong"}, 0),
    ({"X-Mailroom-Token": None}, 0),
    ({"LC-Signature": None}, 0),
]


@pytest.mark.parametrize(("changed", "held"), HELD)
async def test_a_body_is_held_only_while_its_head_may_still_be_proven(
    changed: dict[str, str | None], held: int, tmp_path: Path
) -> None:
    app = an_app(tmp_path)
    assert app.receiver is not None
    webhook, seen = WebhookEndpoint(app.receiver, Limits()), list[int]()

    async def receive() -> dict[str, Any]:
        seen.append(webhook.held.now)
        return {"type": "http.request", "body": b"x" * 100, "more_body": len(seen) < 3}

    async def send(message: Any) -> None:
        """Nobody reads it."""

    scope = {"type": "http", "method": "POST", "path": PATH, "headers": headers_of(a_body(), changed)}
    await webhook(scope, receive, send)
    assert seen == [0, held / 2, held]
    assert webhook.held.now == 0


async def test_more_than_can_be_held_is_told_to_come_again_and_small_events_still_pass(tmp_path: Path) -> None:
    app = an_app(tmp_path)
    assert app.receiver is not None
    webhook = WebhookEndpoint(app.receiver, Limits(body=200_000, held=300_000, spare=100_000))
    large, small = a_body("large", filler="x" * 50_000), a_body("small")
    assert webhook.held.take(170_000, of=170_000)  # what other requests hold at this moment
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": large, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": PATH, "headers": headers_of(large, {})}
    await webhook(scope, receive, send)
    assert (sent[0]["status"], dict(sent[0]["headers"])[b"retry-after"]) == (503, b"1")
    assert json.loads(sent[1]["body"])["error"]["code"] == "busy"
    replies = await in_one_tick(webhook, [Inbound(headers_of(item, {}), item) for item in (large, small)])
    assert [item.status for item in replies] == [503, 202]
    assert await in_pieces(webhook, headers_of(small, {}), [small[:20], small[20:]]) == 200
    assert webhook.held.now == 170_000


@given(st.lists(st.tuples(st.integers(0, 50_000), st.integers(0, 90_000))))
def test_no_order_of_requests_takes_more_than_there_is_or_what_is_kept_for_the_small(
    asked: list[tuple[int, int]],
) -> None:
    held = BodyBudget(100_000, spare=30_000)
    taken = []
    for size, of in asked:
        before = held.now
        if held.take(size, of=of):
            taken.append(size)
            assert held.now <= (100_000 if of <= SMALL else 70_000)
        else:
            assert held.now == before
    assert held.now == sum(taken)
    for size in taken:
        held.give_back(size)
    assert held.now == 0
