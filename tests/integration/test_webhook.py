"""The webhook over HTTP, by both ways through the server: what is kept, what is refused, and what is said to whom."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from receiver.bootstrap import App
from receiver.core.change import Insert, Query, Write
from receiver.core.event import Event
from receiver.core.task import Task
from receiver.core.verify_webhook import TOKEN_HEADER
from receiver.http.webhook import PATH
from receiver.metrics import SummingMeter
from receiver.store.memory import MemoryStore
from tests.builders import NOW, a_job
from tests.receivers import HEADER, BusyStore, Sender, a_body, an_app, post
from tests.wire import wired

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("way")]


class BrokenStore(MemoryStore):
    async def apply(self, *writes: Write) -> None:
        raise RuntimeError("a mistake of ours")


@pytest.fixture
def app(tmp_path: Path) -> App:
    return an_app(tmp_path)


@pytest.fixture
async def client(app: App, way: str) -> AsyncIterator[httpx.AsyncClient]:
    async with wired(app) as client:
        yield client


async def kept(app: App) -> tuple[list[Event], list[Task]]:
    events = await app.context.store.find(Event, Query())
    tasks = await app.context.store.find(Task, Query())
    return events.records, tasks.records


async def test_an_event_is_kept_with_its_task_and_accepted(app: App, client: httpx.AsyncClient) -> None:
    answer = await post(client, a_body())
    assert (answer.status_code, answer.json()) == (202, {"status": "accepted", "event_id": "evt-1"})
    [event], [task] = await kept(app)
    assert (event.type, event.job_id, event.document_id) == ("classify.success", "job-1", "doc_known")
    assert event.verified_by == ("headers:0", "signature:0", "token:0")
    assert task.details["event_id"] == "evt-1"


async def test_the_same_event_twice_is_a_duplicate(app: App, client: httpx.AsyncClient) -> None:
    await post(client, a_body())
    answer = await post(client, a_body())
    assert (answer.status_code, answer.json()) == (200, {"status": "duplicate", "event_id": "evt-1"})
    events, tasks = await kept(app)
    assert (len(events), len(tasks)) == (1, 1)


REFUSED: dict[str, dict[str, str | None]] = {
    "header_missing": {HEADER: None},
    "header_wrong": {HEADER: "wrong"},
    "signature_missing": {"LC-Signature": None},
    "signature_wrong": {"LC-Signature": "sha256=" + "0" * 64},
    "token_missing": {TOKEN_HEADER: None},
    "token_malformed": {TOKEN_HEADER: "v1.x"},
}


@pytest.mark.parametrize("cause", REFUSED)
async def test_every_failed_proof_gets_one_and_the_same_answer(cause: str, app: App, client: httpx.AsyncClient) -> None:
    answer = await post(client, a_body(), Sender(headers=REFUSED[cause]))
    assert answer.status_code == 401
    assert answer.json() == {
        "error": {
            "code": "not_authentic",
            "message": "the request could not be authenticated",
        }
    }
    assert await kept(app) == ([], [])
    assert isinstance(app.context.meter, SummingMeter)
    assert ("mailroom_refusals", (cause,), 1.0) in list(app.context.meter.counts())


async def test_a_token_of_another_document_is_refused_for_a_known_job(app: App, client: httpx.AsyncClient) -> None:
    await app.context.store.apply(Insert(a_job(id="job-1", document_id="doc_of_somebody_else")))
    answer = await post(client, a_body())
    assert answer.status_code == 401
    assert (await kept(app))[0] == []


@pytest.mark.parametrize(
    "data",
    [
        {"id": "job-b"},
        {"job_id": "cls-nope", "id": "job-b"},
        {"job_id": "job-b", "id": "cls-nope"},
        {"id": "job-b", "job_id": ""},
    ],
)
async def test_a_token_opens_the_door_for_no_other_documents_job_wherever_it_is_named(
    data: dict[str, str], app: App, client: httpx.AsyncClient
) -> None:
    await app.context.store.apply(Insert(a_job(id="job-b", document_id="doc_b")))
    answer = await post(client, a_body(**data), Sender(document_id="doc_a"))
    assert answer.status_code == 401
    assert await kept(app) == ([], [])


async def test_an_event_of_one_document_uses_up_neither_the_event_nor_the_task_of_another(
    app: App, client: httpx.AsyncClient
) -> None:
    forged = [
        a_body("evt-1"),
        a_body("job-1"),
        a_body("job-1:classify.success", "classify.success", job_id=""),
        a_body("e", "swept:0", job_id="job-1:classify.success"),
        a_body("e2", "classify.success:doc_b"),
    ]
    for body in forged:
        assert (await post(client, body, Sender(document_id="doc_a"))).status_code == 202
    before = {task.id for task in (await kept(app))[1]}
    answer = await post(client, a_body("evt-1"), Sender(document_id="doc_b"))
    assert answer.json() == {"status": "accepted", "event_id": "evt-1"}
    (task,) = [item for item in (await kept(app))[1] if item.id not in before]
    assert (task.subject, task.details["job_id"]) == ("doc_b", "job-1")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'"text"', b'{"event_id":1,"event_type":"x"}', b"\xff\xfe"]
)
async def test_a_body_that_is_no_event_is_malformed(body: bytes, app: App, client: httpx.AsyncClient) -> None:
    answer = await post(client, body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "malformed")
    assert await kept(app) == ([], [])


async def test_a_body_over_the_limit_is_refused_by_its_announced_length(tmp_path: Path) -> None:
    app = an_app(tmp_path, max_body=100)
    async with wired(app) as client:
        answer = await post(client, b"x" * 101)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")


async def test_a_body_over_the_limit_is_refused_while_it_is_read(tmp_path: Path) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 60

    async with wired(an_app(tmp_path, max_body=100)) as client:
        answer = await client.post(PATH, content=endless())
    assert answer.status_code == 413


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "x-unheard-of"])
async def test_a_compressed_body_is_not_unpacked(encoding: str, client: httpx.AsyncClient) -> None:
    answer = await post(client, a_body(), Sender(headers={"Content-Encoding": encoding}))
    assert (answer.status_code, answer.json()["error"]["code"]) == (415, "unsupported_media_type")


CURLS = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    "media_type", ["application/json", "application/json; charset=utf-8", "text/plain", CURLS, None]
)
async def test_a_media_type_that_may_be_json_is_accepted(media_type: str | None, client: httpx.AsyncClient) -> None:
    assert (await post(client, a_body(), Sender(headers={"Content-Type": media_type}))).status_code == 202


@pytest.mark.parametrize("media_type", ["application/xml", "multipart/form-data; boundary=x", "text/html"])
async def test_a_media_type_that_is_not_json_is_refused(media_type: str, client: httpx.AsyncClient) -> None:
    assert (await post(client, a_body(), Sender(headers={"Content-Type": media_type}))).status_code == 415


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
async def test_only_post_brings_events(method: str, client: httpx.AsyncClient) -> None:
    answer = await client.request(method, PATH)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert (answer.content == b"") is (method == "HEAD")


async def test_headers_beyond_all_measure_are_refused(client: httpx.AsyncClient) -> None:
    many = {f"X-Filler-{number}": "x" for number in range(200)}
    for headers in (many, {"X-Long": "x" * 40_000}):
        assert (await client.post(PATH, content=a_body(), headers=headers)).status_code == 431


async def test_header_bytes_that_are_not_ascii_are_a_wrong_proof_and_no_fault(client: httpx.AsyncClient) -> None:
    body = a_body()
    headers = [
        (b"content-type", b"application/json"),
        (HEADER.encode(), b"\xff\xfe\x80"),
        (b"lc-signature", "sha256=ü".encode()),
    ]
    assert (await client.post(PATH, content=body, headers=headers)).status_code == 401


async def test_a_store_that_cannot_write_is_told_as_try_again(tmp_path: Path) -> None:
    async with wired(an_app(tmp_path, store=BusyStore())) as client:
        answer = await post(client, a_body())
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "3")
    assert "secret-place" not in answer.text


async def test_a_fault_of_ours_is_never_blamed_on_the_sender(tmp_path: Path) -> None:
    async with wired(an_app(tmp_path, store=BrokenStore())) as client:
        answer = await post(client, a_body())
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "internal")


async def test_an_old_event_is_kept_and_flagged_late(tmp_path: Path) -> None:
    app = an_app(tmp_path, late_after=1.0)
    async with wired(app) as client:
        assert (await post(client, a_body())).status_code == 202
    [event], _ = await kept(app)
    assert event.late
    assert event.sent_at == NOW - 1.5
