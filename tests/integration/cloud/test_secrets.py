"""No secret gets out, and settings that cannot be right are refused by name."""

import logging
import traceback
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from receiver.bootstrap import renew
from receiver.cloud.client import LlamaCloud
from receiver.cloud.project import ProjectScope
from receiver.core.errors import (
    CloudBusy,
    FileGone,
    MailroomError,
    Misconfigured,
)
from receiver.core.job import WebhookConfiguration
from receiver.settings import Secret
from tests.integration.cloud.faulty import (
    DEEDS,
    KEY,
    Faulty,
    a_download,
)
from tests.integration.cloud.pdf_fixtures import an_order
from tests.integration.cloud.scripted import Answer
from tests.receivers import an_app, settings_with

pytestmark = pytest.mark.anyio


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


@pytest.mark.parametrize("action", list(DEEDS))
@pytest.mark.parametrize("status", [200, 400, 401, 404, 429, 500])
async def test_no_error_log_or_repr_ever_holds_a_secret(
    faulty: Faulty, action: str, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    echo = f"You sent {KEY}, whsec_top and header-value."
    order = an_order(
        "dfl-1",
        registration=WebhookConfiguration(
            url="https://m.example/", headers={"X-K": "header-value"}, signing_secret="whsec_top"
        ),
    )

    async def creation(cloud: LlamaCloud) -> Any:
        return await cloud.create(order)

    body = {"detail": echo, "url": "/bytes?signature=presigned"} if status == 200 else {"detail": echo}
    async with faulty.client(otherwise=Answer(status, body), scope=ProjectScope(project_id="p-1")) as (cloud, _, _):
        shown = repr(cloud) + repr(vars(cloud)) + repr(order)
        try:
            await (creation if action == "create" else DEEDS[action])(cloud)
        except MailroomError as error:
            shown += "".join(traceback.format_exception(error)) + repr(error) + error.fix

    for line in caplog.records:
        if not line.name.startswith("uvicorn"):
            shown += line.getMessage()
    assert KEY not in shown
    assert "presigned" not in shown
    if action == "create":
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


async def test_a_new_key_is_used_from_then_on_and_one_that_cannot_be_sent_changes_nothing(faulty: Faulty) -> None:
    async with faulty.client(otherwise=Answer(200, {"id": "cls-1", "status": "PENDING"})) as (cloud, server, _):
        await DEEDS["job"](cloud)
        cloud.renew("llx-another-key")
        with pytest.raises(Misconfigured):
            cloud.renew("llx-ключ")
        await DEEDS["job"](cloud)
    assert [asked.headers["authorization"] for asked in server.asked] == [f"Bearer {KEY}", "Bearer llx-another-key"]


async def test_an_application_takes_over_the_key_of_its_settings(faulty: Faulty, tmp_path: Path) -> None:
    app = an_app(tmp_path)
    async with faulty.client(otherwise=Answer(200, {"id": "cls-1", "status": "PENDING"})) as (cloud, server, _):
        renew(
            replace(app, context=replace(app.context, cloud=cloud)),
            settings_with(llama_cloud_api_key=Secret("llx-new")),
        )
        await DEEDS["job"](cloud)
    assert server.asked[0].headers["authorization"] == "Bearer llx-new"
