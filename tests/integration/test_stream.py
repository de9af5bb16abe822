"""The stream of changes, over real connections: what it says, when it ends, and how many there can be."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from receiver.core.change import Insert, Query, Replace
from receiver.core.document import Document, DocumentState
from receiver.core.errors import StoreBusy
from receiver.http import stream
from receiver.http.stream import ChangeStreams, current_revision
from receiver.store.memory import MemoryStore
from tests.builders import NOW, a_document, an_incident
from tests.receivers import ADMIN_TOKEN, an_app
from tests.sockets import operator_served

BEARER = {"authorization": f"Bearer {ADMIN_TOKEN}"}
PATH = "/api/v1/stream"


@pytest.fixture
def streams(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ChangeStreams:
    """Streams over a store in memory, with two listeners at most, that look at it all the time."""
    monkeypatch.setattr(stream, "LOOK", 0.02)
    monkeypatch.setattr(stream, "BEAT", 0.05)
    return ChangeStreams(an_app(tmp_path, store=MemoryStore(clock=lambda: NOW)).context, most=2)


@contextmanager
def client_of(streams: ChangeStreams, tmp_path: Path) -> Iterator[httpx.Client]:
    app = an_app(tmp_path, store=streams._context.store)
    with operator_served(app, streams=streams) as (host, port):
        with httpx.Client(base_url=f"http://{host}:{port}", headers=BEARER, timeout=30) as client:
            yield client
        streams.end()


def put(streams: ChangeStreams, document: Document) -> None:
    """As another process writes it."""
    store = streams._context.store
    assert isinstance(store, MemoryStore)
    store._put(document)


def test_a_change_is_said_once_and_then_that_the_stream_goes_on(streams: ChangeStreams, tmp_path: Path) -> None:
    with client_of(streams, tmp_path) as client, client.stream("GET", PATH) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["x-accel-buffering"] == "no"
        lines = answer.iter_lines()
        first = next(lines)
        assert [next(lines), next(lines), next(lines)] == ["event: changed", "data: {}", ""]
        assert [next(lines), next(lines)] == [": still here", ""]
        put(streams, a_document(name="secret.pdf"))
        said = next(line for line in lines if line.startswith("id: "))
        assert said != first
        assert next(lines) == "event: changed"


def test_who_comes_back_is_told_only_what_is_new(streams: ChangeStreams, tmp_path: Path) -> None:
    with client_of(streams, tmp_path) as client:
        with client.stream("GET", PATH) as answer:
            seen = next(answer.iter_lines()).removeprefix("id: ")
        with client.stream("GET", PATH, headers={"last-event-id": seen}) as answer:
            assert next(answer.iter_lines()) == ": still here"


def test_a_stream_ends_when_its_time_is_over_and_when_the_process_stops(streams: ChangeStreams, tmp_path: Path) -> None:
    with client_of(streams, tmp_path) as client:
        streams._seconds = 0.0
        assert client.get(PATH).text.count("event: changed") == 1
        streams._seconds = 1e9
        with client.stream("GET", PATH) as answer:
            lines = answer.iter_lines()
            next(lines)
            streams.end()
            assert "id" not in "".join(lines)
    assert streams._open == 0


def test_one_listener_too_many_is_refused_and_one_that_left_makes_room(streams: ChangeStreams, tmp_path: Path) -> None:
    with client_of(streams, tmp_path) as client:
        with client.stream("GET", PATH) as first, client.stream("GET", PATH) as second:
            lines = [first.iter_lines(), second.iter_lines()]  # the answer is closed with what reads its lines
            assert next(lines[0]) == next(lines[1])
            refused = client.get(PATH)
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "30")
        for _ in range(500):
            with client.stream("GET", PATH) as again:
                if again.status_code == 200:
                    assert next(again.iter_lines()).startswith("id: ")
                    return
        raise AssertionError("nobody made room")


def test_it_needs_the_token(streams: ChangeStreams, tmp_path: Path) -> None:
    with client_of(streams, tmp_path) as client:
        assert client.get(PATH, headers={"authorization": "Bearer wrong"}).status_code == 401
        assert client.head(PATH).headers["content-type"].startswith("text/event-stream")  # and it ends


@pytest.mark.anyio
async def test_what_a_page_shows_changes_the_revision_and_nothing_else(streams: ChangeStreams) -> None:
    context = streams._context
    document = a_document(state=DocumentState.ROUTED)
    seen = [await current_revision(context)]
    await context.store.apply(Insert(document))
    seen.append(await current_revision(context))
    await context.store.apply(Replace(document.note(NOW + 1, "corrected")))
    seen.append(await current_revision(context))
    await context.store.apply(Insert(an_incident()))
    seen.append(await current_revision(context))
    assert len(set(seen)) == 4
    await context.store.ready()
    assert await current_revision(context) == seen[-1]


@pytest.mark.anyio
async def test_a_correction_of_an_old_document_changes_the_revision(streams: ChangeStreams) -> None:
    context = streams._context
    old = a_document(state=DocumentState.ROUTED, taken_in_at=NOW - 1e6)
    await context.store.apply(Insert(old), *(Insert(a_document(taken_in_at=NOW + n)) for n in range(50)))
    before = await current_revision(context)
    await context.store.apply(Replace(replace(old, name="b.pdf").note(NOW + 99, "corrected")))
    assert await current_revision(context) != before


@pytest.mark.anyio
async def test_one_look_serves_all_and_a_busy_store_changes_nothing(
    streams: ChangeStreams, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "LOOK", 1e9)
    store, looks = streams._context.store, list[Query]()
    find = store.find

    async def counted(kind: type[Document], query: Query) -> object:
        looks.append(query)
        return await find(kind, query)

    monkeypatch.setattr(store, "find", counted)
    first = await streams.revision()
    assert await streams.revision() == first
    assert len(looks) == len(stream.WATCHED)
    monkeypatch.setattr(stream, "LOOK", 0.0)

    async def busy(kind: type[Document], query: Query) -> object:
        raise StoreBusy("not now")

    monkeypatch.setattr(store, "find", busy)
    assert await streams.revision() == first
