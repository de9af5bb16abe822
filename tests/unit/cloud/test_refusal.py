"""Each answer that is no success, in the words of core/errors.py."""

from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from receiver.cloud import refusal
from receiver.cloud.refusal import About
from receiver.core.errors import (
    AccessDenied,
    CloudBusy,
    DocumentRefused,
    FileGone,
    JobGone,
    MailroomError,
    NotServed,
    OutOfCredits,
    Owner,
    Permanent,
)

NOW = 1_800_000_000.0


def answer(status: int, body: Any = None, headers: dict[str, str] | None = None) -> httpx.Response:
    request = httpx.Request("POST", "https://cloud.example/api/v2/classify?project_id=p")
    return httpx.Response(status, json=body, headers=headers, request=request)


def error(status: int, about: About, body: Any = None, headers: dict[str, str] | None = None) -> MailroomError:
    return refusal.error(answer(status, body, headers), about, now=NOW, hide=("llx-the-key", "abc"))


@pytest.mark.parametrize(
    ("status", "about", "expected"),
    [
        (401, About.ACCOUNT, AccessDenied),
        (403, About.JOB, AccessDenied),
        (402, About.DOCUMENT, OutOfCredits),
        (404, About.JOB, JobGone),
        (422, About.JOB, JobGone),
        (404, About.FILE, FileGone),
        (410, About.FILE, FileGone),
        (404, About.DOCUMENT, FileGone),
        (400, About.DOCUMENT, DocumentRefused),
        (413, About.DOCUMENT, DocumentRefused),
        (422, About.DOCUMENT, DocumentRefused),
        (408, About.JOB, CloudBusy),
        (409, About.JOB, CloudBusy),
        (429, About.DOCUMENT, CloudBusy),
        (500, About.JOB, CloudBusy),
        (503, About.DOCUMENT, CloudBusy),
        (404, About.ACCOUNT, NotServed),
        (307, About.ACCOUNT, NotServed),
        (405, About.ACCOUNT, NotServed),
        (400, About.ACCOUNT, Permanent),
        (418, About.FILE, Permanent),
    ],
)
def test_every_status_says_what_to_do_next(status: int, about: About, expected: type[MailroomError]) -> None:
    assert type(error(status, about)) is expected


def test_a_path_that_is_not_there_is_told_from_a_file_that_is_not() -> None:
    assert type(error(404, About.DOCUMENT, {"detail": "Not Found"})) is NotServed
    assert type(error(404, About.DOCUMENT, {"detail": "File dfl-1 not found in project p"})) is FileGone


def test_a_refused_key_names_its_setting() -> None:
    refused = error(401, About.ACCOUNT, {"detail": "Invalid API key"})

    assert "LLAMA_CLOUD_API_KEY" in str(refused)
    assert "Invalid API key" in str(refused)
    assert "LLAMA_CLOUD_BASE_URL" in refused.fix


def test_the_message_names_request_status_and_reason() -> None:
    said = str(error(400, About.DOCUMENT, {"detail": "Uploaded file is empty."}))
    assert said == (
        "LlamaCloud refuses the document (LlamaCloud answers 400 to POST /api/v2/classify: Uploaded file is empty.)"
    )


def test_a_validation_error_is_told_in_a_sentence_without_the_input() -> None:
    body = {
        "detail": [
            {"loc": ["body", "file_input"], "msg": "Field required", "type": "missing", "input": {"k": "hush-hush"}},
            {"loc": ["body", "webhook_configurations", 0, "webhook_url"], "msg": "Not a URL", "type": "url"},
        ]
    }
    refused = error(422, About.DOCUMENT, body)

    assert "body.file_input: Field required; body.webhook_configurations.0.webhook_url: Not a URL" in str(refused)
    assert "hush-hush" not in str(refused)


@pytest.mark.parametrize(
    "body",
    [
        {"detail": [{"loc": ["body", "configuration", "rules"], "msg": "List should have at least 1 item"}]},
        {"detail": "Invalid classify configuration parameters for rules"},
    ],
)
def test_a_refused_configuration_is_not_the_documents_fault(body: Any) -> None:
    refused = error(400, About.DOCUMENT, body)

    assert isinstance(refused, DocumentRefused)
    assert refused.owner is Owner.CONFIGURATION
    assert "mailroom.yaml" in refused.fix


def test_a_refused_document_is() -> None:
    refused = error(400, About.DOCUMENT, {"detail": "Unsupported file type: .exe"})
    assert (refused.owner, refused.fix) == (Owner.DOCUMENT, DocumentRefused.fix)


def test_a_file_that_classify_does_not_find_is_gone_though_it_says_400() -> None:
    assert isinstance(error(400, About.DOCUMENT, {"detail": "File ID dfl-1 is not in Project ID p-1"}), FileGone)


def test_known_secrets_are_blotted_out_of_the_vendors_text_and_words_are_not() -> None:
    said = str(error(400, About.DOCUMENT, {"detail": "key llx-the-key may not send abc"}))
    assert "key *** may not send abc" in said


@pytest.mark.parametrize("body", [None, "text", ["a"], {"message": "x"}, {"detail": []}, {"detail": ["odd"]}])
def test_any_body_can_be_refused_with(body: Any) -> None:
    assert isinstance(error(400, About.DOCUMENT, body), DocumentRefused)


def test_a_page_of_html_is_not_repeated_and_a_long_text_is_cut() -> None:
    request = httpx.Request("GET", "https://cloud.example/x")
    page = httpx.Response(502, html="<html>" + "x" * 9999, request=request)
    text = httpx.Response(502, text="no upstream\n" * 999, request=request)

    assert refusal.reason(page) == ""
    assert refusal.reason(text).startswith("no upstream no upstream")
    assert len(refusal.reason(text)) <= refusal.TEXT_LIMIT + 1


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("7", 7.0),
        ("1.5", 1.5),
        (format_datetime(datetime.fromtimestamp(NOW + 30, UTC), usegmt=True), 30.0),
        (format_datetime(datetime.fromtimestamp(NOW - 30, UTC), usegmt=True), None),
        ("86400", 3600.0),
        ("0", None),
        ("-5", None),
        ("soon", None),
        ("nan", None),
        ("", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_date(value: str, expected: float | None) -> None:
    assert refusal.retry_after(answer(429, headers={"Retry-After": value}), now=NOW) == expected


def test_the_hint_is_handed_on_to_the_task_engine() -> None:
    busy = error(429, About.DOCUMENT, headers={"Retry-After": "42"})
    assert isinstance(busy, CloudBusy)
    assert busy.retry_after == 42.0


def test_a_server_error_that_should_not_be_retried_at_once_is_still_no_fault_of_the_document() -> None:
    assert isinstance(error(500, About.DOCUMENT, headers={"x-should-retry": "false"}), CloudBusy)


@pytest.mark.parametrize(
    ("status", "said", "expected"),
    [(409, None, True), (409, "false", False), (500, "false", False), (404, "true", True), (404, None, False)],
)
def test_the_vendors_own_word_on_retrying_overrides_the_status(status: int, said: str | None, expected: bool) -> None:
    headers = {"x-should-retry": said} if said else None
    assert refusal.passing(answer(status, headers=headers)) is expected
