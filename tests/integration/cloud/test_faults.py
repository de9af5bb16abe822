"""What the client does when LlamaCloud refuses, stumbles, is slow or goes away: a server here does just that."""

import logging
import socket
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from receiver.cloud.client import LlamaCloud
from receiver.cloud.pacing import Pace, Rate
from receiver.cloud.refusal import About, NotServed, Refusal
from receiver.cloud.transport import Call, Patience, Transport
from receiver.core.errors import (
    AccessDenied,
    CloudBusy,
    DocumentRefused,
    FileGone,
    JobGone,
    MailroomError,
    Misconfigured,
    OutOfCredits,
    Permanent,
)
from receiver.core.job import JobKind
from receiver.ports import Registration
from tests.integration.cloud.papers import an_order, content
from tests.integration.cloud.scripted import Answer, Scripted, scripted

pytestmark = pytest.mark.anyio

KEY = "llx-0123456789abcdef"
NOW = 1_800_000_000.0
JOB = Answer(200, {"id": "cls-1", "status": "PENDING"})
FILE = Answer(201, {"id": "dfl-1", "name": "letter.pdf", "external_file_id": "doc_a"})
SAVED = {"id": "whc-1", "webhook_url": "https://m.example/", "has_secret": True}


class Naps:
    """A sleep that only remembers how long it should have been."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


class Faulty:
    """A server with a script, and clients of it."""

    def __init__(self, url: str, server: Scripted) -> None:
        self.url = url
        self.server = server

    @asynccontextmanager
    async def client(
        self, *script: Answer, otherwise: Answer | None = None, prefix: str = "", **options: Any
    ) -> AsyncIterator[tuple[LlamaCloud, Scripted, Naps]]:
        """A client whose calls are answered by this script; the waits between its tries take no time."""
        self.server.play(*script, otherwise=otherwise)
        naps = Naps()
        plain = httpx.AsyncHTTPTransport(verify=False)
        cloud = LlamaCloud(self.url + prefix, KEY, sleep=naps, clock=lambda: NOW, transport=plain, **options)
        try:
            yield cloud, self.server, naps
        finally:
            await cloud.close()


@pytest.fixture(scope="module")
def faulty() -> Iterator[Faulty]:
    """One server for all tests of this file."""
    with scripted() as (url, server):
        yield Faulty(url, server)


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Faulty]:
    """Another host: where presigned links may lead."""
    with scripted() as (url, server):
        yield Faulty(url, server)


Deed = Callable[[LlamaCloud], Awaitable[Any]]


async def an_upload(cloud: LlamaCloud) -> Any:
    return await cloud.upload(content(b"%PDF-"), name="letter.pdf", external_id="doc_a", purpose="classify")


async def a_creation(cloud: LlamaCloud) -> Any:
    return await cloud.create(an_order("dfl-1"))


async def a_look(cloud: LlamaCloud) -> Any:
    return await cloud.job(JobKind.CLASSIFY, "cls-1")


async def a_download(cloud: LlamaCloud) -> Any:
    return b"".join([chunk async for chunk in cloud.read_file("dfl-1")])


async def a_listing(cloud: LlamaCloud) -> Any:
    return [job async for job in cloud.jobs(JobKind.SPLIT, since=0, until=1)]


DEEDS: dict[str, Deed] = {
    "upload": an_upload,
    "create": a_creation,
    "job": a_look,
    "read": a_download,
    "list": a_listing,
    "find": lambda cloud: cloud.find_file("doc_a"),
    "file": lambda cloud: cloud.file("dfl-1"),
    "cancel": lambda cloud: cloud.cancel(JobKind.CLASSIFY, "cls-1"),
    "check_key": lambda cloud: cloud.check_key(),
    "webhooks": lambda cloud: cloud.webhook_configs.list(),
}


@pytest.mark.parametrize(
    ("deed", "status", "expected"),
    [
        *[(deed, 401, AccessDenied) for deed in DEEDS],
        *[(deed, 402, OutOfCredits) for deed in ("upload", "create")],
        *[(deed, status, DocumentRefused) for deed in ("upload", "create") for status in (400, 413, 422)],
        ("job", 404, JobGone),
        ("cancel", 404, JobGone),
        ("file", 404, FileGone),
        ("read", 404, FileGone),
        ("create", 404, FileGone),
        ("list", 404, NotServed),
        ("list", 301, NotServed),
        ("check_key", 400, Permanent),
    ],
)
async def test_a_final_answer_is_asked_for_once_and_says_what_to_do_next(
    faulty: Faulty, deed: str, status: int, expected: type[MailroomError]
) -> None:
    answer = Answer(status, {"detail": "The vendor's reason."}, {"Location": "https://elsewhere.example/"})
    async with faulty.client(otherwise=answer) as (cloud, server, naps):
        with pytest.raises(expected, match=r"The vendor's reason\."):
            await DEEDS[deed](cloud)

    assert naps.seconds == []
    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504])
@pytest.mark.parametrize("deed", ["create", "job"])
async def test_a_stumble_is_tried_again_and_then_handed_up(faulty: Faulty, deed: str, status: int) -> None:
    async with faulty.client(otherwise=Answer(status, {"detail": "Later."})) as (cloud, server, naps):
        with pytest.raises(CloudBusy, match=r"Later\.") as caught:
            await DEEDS[deed](cloud)

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
    patience = Patience(answer_seconds=0.05, attempts=2)
    async with faulty.client(otherwise=Answer(late_seconds=5), patience=patience) as (cloud, _, naps):
        with pytest.raises(CloudBusy, match=r"did not answer GET /api/v2/classify/cls-1: ReadTimeout"):
            await a_look(cloud)

    assert len(naps.seconds) == 1


async def test_nobody_there_is_told_with_the_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    naps = Naps()
    cloud = LlamaCloud(f"http://127.0.0.1:{port}", KEY, sleep=naps)
    with pytest.raises(CloudBusy, match=rf"LlamaCloud at http://127\.0\.0\.1:{port} did not answer GET"):
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


async def test_before_a_second_upload_the_first_one_is_looked_for(faulty: Faulty) -> None:
    async with faulty.client(Answer(cut=True), Answer(200, {"items": [FILE.body]})) as (cloud, server, _):
        assert (await an_upload(cloud)).id == "dfl-1"

    assert [(asked.method, asked.query.get("external_file_id")) for asked in server.asked] == [
        ("POST", None),
        ("GET", "doc_a"),
    ]


async def test_of_several_files_the_one_that_lasts_longest_is_found_and_never_an_expired_one(faulty: Faulty) -> None:
    expired = {"id": "dfl-1", "external_file_id": "doc_a", "expires_at": "2027-01-15T07:59:59Z"}
    another = {"id": "dfl-2", "external_file_id": "doc_b"}
    short = {"id": "dfl-3", "external_file_id": "doc_a", "expires_at": "2027-01-15T08:00:01Z"}
    longer = {"id": "dfl-4", "external_file_id": "doc_a", "expires_at": "2027-01-16T08:00:00Z"}
    forever = {"id": "dfl-5", "external_file_id": "doc_a", "expires_at": None}

    async def found(*files: Mapping[str, str | None]) -> str | None:
        async with faulty.client(Answer(200, {"items": files})) as (cloud, _, _):
            file = await cloud.find_file("doc_a")
            return file.id if file else None

    assert await found(expired, another) is None
    assert await found(expired, short, longer) == "dfl-4"
    assert await found(forever, longer) == "dfl-5"


@pytest.mark.parametrize("deed", ["beta", "webhook"])
@pytest.mark.parametrize("answer", [Answer(503), Answer(cut=True)])
async def test_what_could_be_done_twice_is_not_repeated(faulty: Faulty, deed: str, answer: Answer) -> None:
    async with faulty.client(answer, JOB) as (cloud, server, _):
        with pytest.raises(CloudBusy):
            if deed == "beta":
                await cloud.create(an_order("dfl-1", JobKind.SPLIT, beta=True))
            else:
                await cloud.webhook_configs.create(Registration(url="https://m.example/"))

    assert len(server.asked) == 1


async def test_what_was_surely_not_done_is_repeated_all_the_same(faulty: Faulty) -> None:
    async with faulty.client(Answer(429), Answer(201, {"id": "spl-1", "status": "pending"})) as (cloud, _, _):
        assert (await cloud.create(an_order("dfl-1", JobKind.SPLIT, beta=True))).id == "spl-1"


async def test_a_list_goes_on_over_an_empty_page_and_ends_with_the_last_token(faulty: Faulty) -> None:
    def page(token: str | None, *ids: str) -> Answer:
        return Answer(200, {"items": [{"id": one, "status": "completed"} for one in ids], "next_page_token": token})

    async with faulty.client(page("t1", "a", "b"), page("t2"), page(None, "c")) as (cloud, server, _):
        assert [job.id for job in await a_listing(cloud)] == ["a", "b", "c"]

    assert [asked.query.get("page_token") for asked in server.asked] == [None, "t1", "t2"]
    assert {asked.query["page_size"] for asked in server.asked} == {"100"}
    assert {asked.query["created_at_on_or_after"] for asked in server.asked} == {"1970-01-01T00:00:00.000000Z"}


async def test_a_list_that_turns_in_a_circle_is_left(faulty: Faulty) -> None:
    page = Answer(200, {"items": [], "next_page_token": "again"})
    async with faulty.client(otherwise=page) as (cloud, server, _):
        with pytest.raises(CloudBusy, match="again and again"):
            await a_listing(cloud)

    assert len(server.asked) == 2


async def test_webhook_configurations_are_listed_the_old_way_where_the_new_one_is_missing(faulty: Faulty) -> None:
    async with faulty.client(Answer(404, {"detail": "Not Found"}), Answer(200, [SAVED])) as (cloud, server, _):
        assert [saved.id for saved in await cloud.webhook_configs.list()] == ["whc-1"]

    assert [asked.path for asked in server.asked] == ["/api/v2/webhook-configs", "/api/v1/beta/webhook-configs"]


async def test_the_path_prefix_is_kept_and_the_project_is_named(faulty: Faulty) -> None:
    async with faulty.client(JOB, prefix="/vendor/", project_id="p-1") as (cloud, server, _):
        await a_look(cloud)

    (asked,) = server.asked
    assert asked.path == "/vendor/api/v2/classify/cls-1"
    assert asked.query == {"project_id": "p-1", "expand": "usage"}
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert asked.headers["user-agent"].startswith("mailroom/")


@pytest.mark.parametrize("link", ["/bytes?signature=abc", "bytes?signature=abc", "absolute"])
async def test_a_download_goes_to_the_presigned_link_without_our_key(
    faulty: Faulty, elsewhere: Faulty, link: str
) -> None:
    bytes_ = Answer(200, b"the bytes")
    elsewhere.server.play(bytes_)
    url = f"{elsewhere.url}/bytes?signature=abc" if link == "absolute" else link
    async with faulty.client(Answer(200, {"url": url}), bytes_) as (cloud, server, _):
        assert await a_download(cloud) == b"the bytes"

    fetched = elsewhere.server.asked[0] if link == "absolute" else server.asked[1]
    assert (fetched.path, fetched.query) == ("/bytes", {"signature": "abc"})
    assert "authorization" not in fetched.headers


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(403, b"<Error>expired</Error>"), CloudBusy),
        (Answer(404, b"<Error>NoSuchKey</Error>"), FileGone),
        (Answer(cut=True), CloudBusy),
    ],
)
async def test_a_download_that_fails_never_shows_the_link(
    faulty: Faulty, answer: Answer, expected: type[MailroomError]
) -> None:
    async with faulty.client(Answer(200, {"url": "/bytes?signature=abc123"}), answer) as (cloud, _, _):
        with pytest.raises(expected) as caught:
            await a_download(cloud)

    assert "abc123" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/x", "http://[", "http://127.0.0.1:99999/"])
async def test_a_link_that_is_none_is_busy(faulty: Faulty, url: str) -> None:
    async with faulty.client(otherwise=Answer(200, {"url": url})) as (cloud, _, _):
        with pytest.raises(CloudBusy):
            await a_download(cloud)


async def test_a_download_is_opened_again_when_its_store_stumbles(faulty: Faulty) -> None:
    link = Answer(200, {"url": "/bytes"})
    async with faulty.client(link, Answer(503), link, Answer(200, b"the bytes")) as (cloud, _, _):
        assert await a_download(cloud) == b"the bytes"


@pytest.mark.parametrize("deed", list(DEEDS))
@pytest.mark.parametrize("status", [200, 400, 401, 404, 429, 500])
async def test_no_error_log_or_repr_ever_holds_a_secret(
    faulty: Faulty, deed: str, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    echo = f"You sent {KEY}, whsec_top and header-value."
    order = an_order(
        "dfl-1",
        registration=Registration(
            url="https://m.example/", headers={"X-K": "header-value"}, signing_secret="whsec_top"
        ),
    )

    async def creation(cloud: LlamaCloud) -> Any:
        return await cloud.create(order)

    body = {"detail": echo, "url": "/bytes?signature=presigned"} if status == 200 else {"detail": echo}
    async with faulty.client(otherwise=Answer(status, body), project_id="p-1") as (cloud, _, _):
        shown = repr(cloud) + repr(vars(cloud)) + repr(order)
        try:
            await (creation if deed == "create" else DEEDS[deed])(cloud)
        except MailroomError as error:
            shown += "".join(traceback.format_exception(error)) + repr(error) + error.fix

    for line in caplog.records:
        if not line.name.startswith("uvicorn"):
            shown += line.getMessage()
    assert KEY not in shown
    assert "presigned" not in shown
    if deed == "create":
        assert "whsec_top" not in shown
        assert "header-value" not in shown


@pytest.mark.parametrize(
    "url",
    [
        "api.cloud.eu.llamaindex.ai",
        "",
        "ftp://cloud.example",
        "https://",
        "https:///api",
        "http://[",
        "cloud:8000",
        "https://cloud.example:99999",
    ],
)
def test_a_base_url_that_is_not_whole_is_refused_by_its_settings_name(url: str) -> None:
    with pytest.raises(Misconfigured, match="LLAMA_CLOUD_BASE_URL"):
        LlamaCloud(url, KEY)


@pytest.mark.parametrize("url", ["https://me:pa55word@cloud.example", "me:pa55word@cloud.example"])
def test_a_base_url_with_a_password_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(Misconfigured, match="LLAMA_CLOUD_BASE_URL") as caught:
        LlamaCloud(url, KEY)

    assert "pa55word" not in str(caught.value)


@pytest.mark.parametrize("key", ["", f"{KEY}\n", f"{KEY} x", "llx-ключ"])
def test_a_key_that_cannot_stand_in_a_header_is_refused_without_showing_it(key: str) -> None:
    with pytest.raises(Misconfigured, match="LLAMA_CLOUD_API_KEY") as caught:
        LlamaCloud("https://cloud.example", key)

    assert "llx" not in str(caught.value)


async def test_nothing_is_opened_before_the_first_call() -> None:
    cloud = LlamaCloud("https://cloud.example", KEY)
    await cloud.close()


@pytest.mark.parametrize(("hint", "held_seconds"), [("", 0.5), ("3", 3.0), ("3600", 8.0)])
async def test_429_holds_everybody_up_for_a_moment_and_no_longer(
    faulty: Faulty, hint: str, held_seconds: float
) -> None:
    now, waited = [0.0], list[float]()

    async def sleep(seconds: float) -> None:
        waited.append(seconds)
        now[0] += seconds

    pace = Pace(Rate(10, 1), clock=lambda: now[0], sleep=sleep)
    call = Call(method="POST", path="/api/v2/classify", about=About.DOCUMENT, pace=pace)
    faulty.server.play(Answer(429, headers={"Retry-After": hint} if hint else {}), otherwise=JOB)
    transport = Transport(faulty.url, KEY, patience=Patience(), limits=httpx.Limits())
    with pytest.raises(Refusal):
        await transport.attempt(call)
    await transport.attempt(call)
    await transport.close()

    assert waited == [held_seconds]
