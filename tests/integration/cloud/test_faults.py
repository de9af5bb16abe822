"""What the client does when LlamaCloud refuses, stumbles, is slow or goes away: a server here does just that."""

import socket
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import pytest

from receiver.cloud.client import LlamaCloud
from receiver.cloud.pacing import Pace, RequestRate
from receiver.cloud.refusal import About, Refusal
from receiver.cloud.transport import Call, Timeouts, Transport
from receiver.core.errors import (
    CloudBusy,
    CloudRefused,
    DocumentRefused,
    FileGone,
    JobGone,
    KeyRefused,
    MailroomError,
    Malformed,
    NotServed,
    OutOfCredits,
)
from receiver.core.job import JobKind, WebhookConfiguration
from tests.integration.cloud.faulty import DEEDS, FILE, JOB, KEY, NOW, Faulty, Naps, a_creation, a_look, an_upload
from tests.integration.cloud.pdf_fixtures import an_order
from tests.integration.cloud.scripted import Answer

pytestmark = pytest.mark.anyio


async def _read(cloud: LlamaCloud, file_id: str) -> None:
    async for _ in cloud.read_file(file_id):
        pass


@pytest.mark.parametrize(
    "made_up",
    ["", ".", "..", "../files", "a/b", "a\\b", "a?b=c", "a#b", "a%2Fb", "a;b", "a b", "ä", "a\n", "\0", "a" * 256],
)
async def test_what_cannot_be_an_id_is_never_asked_for(faulty: Faulty, made_up: str) -> None:
    async with faulty.client(otherwise=JOB) as (cloud, server, _):
        asks: list[tuple[type[MailroomError], Any]] = [
            *[(JobGone, cloud.job(kind, made_up)) for kind in JobKind],
            *[(JobGone, cloud.cancel(kind, made_up)) for kind in JobKind],
            (JobGone, cloud.job(JobKind.SPLIT, made_up, beta=True)),
            (FileGone, cloud.file(made_up)),
            (FileGone, _read(cloud, made_up)),
            (Malformed, cloud.webhook_configs.update(made_up, WebhookConfiguration(url="https://mail.example.com"))),
            (Malformed, cloud.webhook_configs.delete(made_up)),
        ]
        for expected, ask in asks:
            with pytest.raises(expected):
                await ask
    assert server.asked == []


@pytest.mark.parametrize("job_id", ["cls-1", "182bd5e5-6e1a-4fe4-a799-aa6d9a6ab26e", "a.b~c_d:e@f=g+h"])
async def test_an_id_stands_in_the_path_as_it_is(faulty: Faulty, job_id: str) -> None:
    async with faulty.client(otherwise=JOB) as (cloud, server, _):
        await cloud.job(JobKind.CLASSIFY, job_id)
    assert [asked.path for asked in server.asked] == [f"/api/v2/classify/{job_id}"]


@pytest.mark.parametrize(
    ("action", "status", "expected"),
    [
        *[(action, 401, KeyRefused) for action in DEEDS],
        *[(action, 402, OutOfCredits) for action in ("upload", "create")],
        *[(action, 413, DocumentRefused) for action in ("upload", "create")],
        *[(action, status, CloudRefused) for action in ("upload", "create") for status in (400, 422)],
        ("job", 404, JobGone),
        ("cancel", 404, JobGone),
        ("file", 404, FileGone),
        ("read", 404, FileGone),
        ("create", 404, CloudRefused),
        ("list", 404, NotServed),
        ("list", 301, NotServed),
        ("check_key", 400, CloudRefused),
    ],
)
async def test_a_final_answer_is_asked_for_once_and_says_what_to_do_next(
    faulty: Faulty, action: str, status: int, expected: type[MailroomError]
) -> None:
    answer = Answer(status, {"detail": "The vendor's reason."}, {"Location": "https://elsewhere.example/"})
    async with faulty.client(otherwise=answer) as (cloud, server, naps):
        with pytest.raises(expected, match=r"The vendor's reason\."):
            await DEEDS[action](cloud)

    assert naps.seconds == []
    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504])
@pytest.mark.parametrize("action", ["create", "job"])
async def test_a_stumble_is_tried_again_and_then_handed_up(faulty: Faulty, action: str, status: int) -> None:
    async with faulty.client(otherwise=Answer(status, {"detail": "Later."})) as (cloud, server, naps):
        with pytest.raises(CloudBusy, match=r"Later\.") as caught:
            await DEEDS[action](cloud)

    assert len(server.asked) == 3
    assert len(naps.seconds) == 2
    assert caught.value.retry_after is None


async def test_the_waits_grow_and_are_jittered(faulty: Faulty) -> None:
    waits = []
    for _ in range(8):
        async with faulty.client(Answer(503), Answer(503), JOB) as (cloud, _, naps):
            assert (await a_look(cloud)).id == "cls-1"
        first, second = naps.seconds
        assert 0.5 <= first <= 1.0
        assert 1.0 <= second <= 1.5
        waits.append(first)

    assert len(set(waits)) > 1


@pytest.mark.parametrize("hint", ["7", format_datetime(datetime.fromtimestamp(NOW + 7, UTC), usegmt=True)])
async def test_retry_after_is_waited_for(faulty: Faulty, hint: str) -> None:
    async with faulty.client(Answer(503, headers={"Retry-After": hint}), JOB) as (cloud, _, naps):
        await a_look(cloud)

    assert naps.seconds == [7.0]


async def test_a_longer_retry_after_is_left_to_the_task_engine(faulty: Faulty) -> None:
    async with faulty.client(Answer(429, headers={"Retry-After": "120"})) as (cloud, server, naps):
        with pytest.raises(CloudBusy) as caught:
            await a_creation(cloud)

    assert caught.value.retry_after == 120.0
    assert (len(server.asked), naps.seconds) == (1, [])


async def test_what_should_not_be_retried_is_not(faulty: Faulty) -> None:
    answer = Answer(409, {"detail": "Job is running."}, {"x-should-retry": "false"})
    async with faulty.client(otherwise=answer) as (cloud, server, _):
        with pytest.raises(CloudBusy, match="Job is running"):
            await a_look(cloud)

    assert len(server.asked) == 1


async def test_a_connection_cut_inside_an_answer_is_tried_again(faulty: Faulty) -> None:
    async with faulty.client(Answer(cut=True), Answer(cut=True), JOB) as (cloud, server, _):
        assert (await a_creation(cloud)).id == "cls-1"

    bodies = [asked.json() for asked in server.asked]
    assert [body["transaction_id"] for body in bodies] == ["mailroom-classify-1"] * 3


async def test_a_slow_answer_is_given_up_and_names_the_request(faulty: Faulty) -> None:
    patience = Timeouts(look_seconds=0.05, attempts=2)
    async with faulty.client(otherwise=Answer(late_seconds=5), patience=patience) as (cloud, _, naps):
        with pytest.raises(CloudBusy, match=r"did not respond to GET /api/v2/classify/cls-1: no answer in time"):
            await a_look(cloud)

    assert len(naps.seconds) == 1


async def test_nobody_there_is_told_with_the_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    naps = Naps()
    cloud = LlamaCloud(f"http://127.0.0.1:{port}", KEY, sleep=naps)
    with pytest.raises(CloudBusy, match=rf"LlamaCloud at http://127\.0\.0\.1:{port} did not respond to GET"):
        await a_look(cloud)
    await cloud.close()

    assert len(naps.seconds) == 2


@pytest.mark.parametrize("body", [b"<html>sign in</html>", b"", b'{"id": "cls-1"}'])
async def test_a_good_status_with_an_unreadable_body_is_busy(faulty: Faulty, body: bytes) -> None:
    async with faulty.client(Answer(200, body)) as (cloud, server, _):
        with pytest.raises(CloudBusy, match="cannot be read"):
            await a_look(cloud)

    assert len(server.asked) == 1


async def test_an_upload_starts_from_the_first_byte_at_each_try(faulty: Faulty) -> None:
    nobody = Answer(200, {"items": []})
    async with faulty.client(Answer(503), nobody, Answer(cut=True), nobody, FILE) as (cloud, server, _):
        await an_upload(cloud)

    uploads = [asked for asked in server.asked if asked.method == "POST"]
    assert len(uploads) == 3
    assert len({asked.body for asked in uploads}) == 1
    assert b"%PDF-" in uploads[0].body


@pytest.mark.parametrize("action", ["beta", "webhook"])
@pytest.mark.parametrize("answer", [Answer(503), Answer(cut=True)])
async def test_what_could_be_done_twice_is_not_repeated(faulty: Faulty, action: str, answer: Answer) -> None:
    async with faulty.client(answer, JOB) as (cloud, server, _):
        with pytest.raises(CloudBusy):
            if action == "beta":
                await cloud.create(an_order("dfl-1", JobKind.SPLIT, beta=True))
            else:
                await cloud.webhook_configs.create(WebhookConfiguration(url="https://m.example/"))

    assert len(server.asked) == 1


async def test_what_was_surely_not_done_is_repeated_all_the_same(faulty: Faulty) -> None:
    async with faulty.client(Answer(429), Answer(201, {"id": "spl-1", "status": "pending"})) as (cloud, _, _):
        assert (await cloud.create(an_order("dfl-1", JobKind.SPLIT, beta=True))).id == "spl-1"


@pytest.mark.parametrize(("hint", "held_seconds"), [("", 0.5), ("3", 3.0), ("3600", 8.0)])
async def test_429_holds_everybody_up_for_a_moment_and_no_longer(
    faulty: Faulty, hint: str, held_seconds: float
) -> None:
    now, waited = [0.0], list[float]()

    async def sleep(seconds: float) -> None:
        waited.append(seconds)
        now[0] += seconds

    pace = Pace(RequestRate(10, 1), clock=lambda: now[0], sleep=sleep)
    call = Call(method="POST", path="/api/v2/classify", about=About.UPLOAD, pace=pace)
    faulty.server.play(Answer(429, headers={"Retry-After": hint} if hint else {}), otherwise=JOB)
    transport = Transport(faulty.url, KEY, patience=Timeouts())
    with pytest.raises(Refusal):
        await transport.attempt(call)
    await transport.attempt(call)
    await transport.close()

    assert waited == [held_seconds]
