"""What the client makes of answers that only an odd server gives: lists, links and files."""

from collections.abc import AsyncIterator, Mapping

import pytest

from receiver.cloud.project import ProjectScope
from receiver.core.errors import (
    CloudBusy,
)
from tests.integration.cloud.faulty import FILE, JOB, KEY, Faulty, a_download, a_listing, a_look, an_upload
from tests.integration.cloud.pdf_fixtures import content
from tests.integration.cloud.scripted import Answer

pytestmark = pytest.mark.anyio

SAVED = {"id": "whc-1", "webhook_url": "https://m.example/", "has_secret": True}


async def test_before_a_second_upload_the_first_one_is_looked_for(faulty: Faulty) -> None:
    listed, link = Answer(200, {"items": [FILE.body]}), Answer(200, {"url": "/bytes"})
    async with faulty.client(Answer(cut=True), listed, link, Answer(200, b"%PDF-")) as (cloud, server, _):
        assert (await an_upload(cloud)).id == "dfl-1"

    assert [(asked.method, asked.query.get("external_file_id")) for asked in server.asked[:2]] == [
        ("POST", None),
        ("GET", "doc_a"),
    ]


async def test_before_a_second_upload_a_file_with_other_bytes_is_left_alone(faulty: Faulty) -> None:
    listed, link = Answer(200, {"items": [FILE.body]}), Answer(200, {"url": "/bytes"})
    ours = Answer(201, {"id": "dfl-2", "name": "letter.pdf"})
    async with faulty.client(Answer(cut=True), listed, link, Answer(200, b"theirs"), ours) as (cloud, _, _):
        assert (await an_upload(cloud)).id == "dfl-2"


async def test_a_file_that_cannot_be_read_is_none_of_ours(faulty: Faulty) -> None:
    listed = Answer(200, {"items": [FILE.body]})
    async with faulty.client(listed, otherwise=Answer(404, {"detail": "no such file"})) as (cloud, _, _):
        assert await cloud.find_file("doc_a", sha256="0") is None


async def test_of_several_files_the_one_that_lasts_longest_is_found_and_never_an_expired_one(
    faulty: Faulty, monkeypatch: pytest.MonkeyPatch
) -> None:
    expired = {"id": "dfl-1", "external_file_id": "doc_a", "expires_at": "2027-01-15T07:59:59Z"}
    another = {"id": "dfl-2", "external_file_id": "doc_b"}
    short = {"id": "dfl-3", "external_file_id": "doc_a", "expires_at": "2027-01-15T08:00:01Z"}
    longer = {"id": "dfl-4", "external_file_id": "doc_a", "expires_at": "2027-01-16T08:00:00Z"}
    forever = {"id": "dfl-5", "external_file_id": "doc_a", "expires_at": None}

    async def found(*files: Mapping[str, str | None]) -> str | None:
        async with faulty.client(Answer(200, {"items": files})) as (cloud, _, _):
            read: list[str] = []

            async def noted(file_id: str) -> AsyncIterator[bytes]:
                read.append(file_id)
                yield b"%PDF-"

            monkeypatch.setattr(cloud, "read_file", noted)
            file = await cloud.find_file("doc_a", sha256=content(b"%PDF-").sha256)
            assert read == ([file.id] if file else [])
            return file.id if file else None

    assert await found(expired, another) is None
    assert await found(expired, short, longer) == "dfl-4"
    assert await found(forever, longer) == "dfl-5"


async def test_a_list_goes_on_over_an_empty_page_and_ends_with_the_last_token(faulty: Faulty) -> None:
    def page(token: str | None, *ids: str) -> Answer:
        return Answer(200, {"items": [{"id": item, "status": "completed"} for item in ids], "next_page_token": token})

    async with faulty.client(page("t1", "a", "b"), page("t2"), page(None, "c")) as (cloud, server, _):
        assert [job.id for job in await a_listing(cloud)] == ["a", "b", "c"]

    assert [asked.query.get("page_token") for asked in server.asked] == [None, "t1", "t2"]
    assert {asked.query["page_size"] for asked in server.asked} == {"100"}
    assert {asked.query["created_at_on_or_after"] for asked in server.asked} == {"1970-01-01T00:00:00.000000Z"}


async def test_a_list_that_turns_in_a_circle_is_left(faulty: Faulty) -> None:
    page = Answer(200, {"items": [], "next_page_token": "again"})
    async with faulty.client(otherwise=page) as (cloud, server, _):
        with pytest.raises(CloudBusy, match=r"the same page .* repeatedly"):
            await a_listing(cloud)

    assert len(server.asked) == 2


async def test_webhook_configurations_are_listed_the_old_way_where_the_new_one_is_missing(faulty: Faulty) -> None:
    async with faulty.client(Answer(404, {"detail": "Not Found"}), Answer(200, [SAVED])) as (cloud, server, _):
        assert [saved.id for saved in await cloud.webhook_configs.list()] == ["whc-1"]

    assert [asked.path for asked in server.asked] == ["/api/v2/webhook-configs", "/api/v1/beta/webhook-configs"]


async def test_the_path_prefix_is_kept_and_the_project_is_named(faulty: Faulty) -> None:
    async with faulty.client(JOB, prefix="/vendor/", scope=ProjectScope(project_id="p-1")) as (cloud, server, _):
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


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/x", "http://[", "http://127.0.0.1:99999/"])
async def test_a_link_that_is_none_is_busy(faulty: Faulty, url: str) -> None:
    async with faulty.client(otherwise=Answer(200, {"url": url})) as (cloud, _, _):
        with pytest.raises(CloudBusy):
            await a_download(cloud)


@pytest.mark.parametrize(
    "host",
    ["10.0.0.1", "100.64.0.1", "169.254.169.254", "2852039166", "[fd00::1]", "[fe80::1]", "[::ffff:10.0.0.1]"],
)
async def test_a_link_into_a_network_where_llamacloud_is_not_is_not_followed(faulty: Faulty, host: str) -> None:
    async with faulty.client(otherwise=Answer(200, {"url": f"http://{host}/latest/meta-data"})) as (cloud, server, _):
        with pytest.raises(CloudBusy, match="network"):
            await a_download(cloud)
    assert {item.path for item in server.asked} == {"/api/v1/beta/files/dfl-1/content"}


async def test_a_redirect_to_another_host_is_not_followed(faulty: Faulty, elsewhere: Faulty) -> None:
    elsewhere.server.play(otherwise=Answer(200, b"the secrets of another host"))
    away = Answer(302, b"", {"Location": f"{elsewhere.url}/bytes"})
    async with faulty.client(Answer(200, {"url": "/bytes"}), away) as (cloud, _, _):
        with pytest.raises(CloudBusy, match=r"redirects to .*, which is not allowed"):
            await a_download(cloud)
    assert elsewhere.server.asked == []


@pytest.mark.parametrize("location", ["http://[", "http://127.0.0.1:99999/", "ftp://127.0.0.1/", "//169.254.169.254/x"])
async def test_a_redirect_to_nowhere_is_busy(faulty: Faulty, location: str) -> None:
    away = Answer(302, b"", {"Location": location})
    async with faulty.client(Answer(200, {"url": "/bytes"}), away) as (cloud, _, _):
        with pytest.raises(CloudBusy):
            await a_download(cloud)


async def test_redirects_on_the_same_host_are_followed_a_few_times(faulty: Faulty) -> None:
    link, on = Answer(200, {"url": "/a"}), Answer(307, b"", {"Location": "/b?signature=1"})
    async with faulty.client(link, on, on, Answer(200, b"the bytes")) as (cloud, server, _):
        assert await a_download(cloud) == b"the bytes"
    assert [item.path for item in server.asked[1:]] == ["/a", "/b", "/b"]
    async with faulty.client(link, otherwise=on) as (cloud, server, _):
        with pytest.raises(CloudBusy, match="redirects too often"):
            await a_download(cloud)
    assert len(server.asked) == 5


async def test_a_download_is_opened_again_when_its_store_stumbles(faulty: Faulty) -> None:
    link = Answer(200, {"url": "/bytes"})
    async with faulty.client(link, Answer(503), link, Answer(200, b"the bytes")) as (cloud, _, _):
        assert await a_download(cloud) == b"the bytes"
