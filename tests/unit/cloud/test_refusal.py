"""Each answer that is no success, in the words of core/errors.py."""

from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.cloud import refusal
from receiver.cloud.refusal import About
from receiver.core.errors import (
    CapReached,
    CloudBusy,
    CloudRefused,
    DocumentRefused,
    FileGone,
    JobGone,
    KeyRefused,
    MailroomError,
    NotServed,
    OutOfCredits,
    Owner,
    SettingsRefused,
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
        (401, About.ACCOUNT, KeyRefused),
        (403, About.JOB, CloudRefused),
        (407, About.ORDER, CloudRefused),
        (402, About.ORDER, OutOfCredits),
        (404, About.JOB, JobGone),
        (422, About.JOB, JobGone),
        (404, About.FILE, FileGone),
        (410, About.FILE, FileGone),
        (404, About.ORDER, CloudRefused),
        (400, About.ORDER, CloudRefused),
        (413, About.UPLOAD, DocumentRefused),
        (415, About.UPLOAD, DocumentRefused),
        (422, About.ORDER, CloudRefused),
        (431, About.ORDER, CloudRefused),
        (408, About.JOB, CloudBusy),
        (409, About.JOB, CloudBusy),
        (429, About.UPLOAD, CloudBusy),
        (500, About.JOB, CloudBusy),
        (503, About.ORDER, CloudBusy),
        (404, About.ACCOUNT, NotServed),
        (307, About.ACCOUNT, NotServed),
        (405, About.ACCOUNT, NotServed),
        (400, About.ACCOUNT, CloudRefused),
        (418, About.FILE, CloudRefused),
    ],
)
def test_every_status_says_what_to_do_next(status: int, about: About, expected: type[MailroomError]) -> None:
    assert type(error(status, about)) is expected


def test_a_path_that_is_not_there_is_told_from_a_file_that_is_not() -> None:
    assert type(error(404, About.ORDER, {"detail": "Not Found"})) is NotServed
    assert type(error(404, About.ORDER, {"detail": "File dfl-1 not found in project p"})) is CloudBusy
    assert type(error(400, About.ORDER, {"detail": "File ID dfl-1 is not in Project ID p-1"})) is CloudBusy


def test_a_page_of_html_is_somebody_elses_404() -> None:
    request = httpx.Request("GET", "https://not-llamacloud.example/api/v2/classify/cls-1")
    for about in (About.JOB, About.FILE, About.ORDER, About.ACCOUNT):
        page = httpx.Response(404, html="<html>no such page</html>", request=request)
        assert type(refusal.error(page, about, now=NOW)) is NotServed


def test_a_refused_key_names_its_setting() -> None:
    refused = error(401, About.ACCOUNT, {"detail": "Invalid API key"})

    assert "LLAMA_CLOUD_API_KEY" in str(refused)
    assert "Invalid API key" in str(refused)
    assert "LLAMA_CLOUD_BASE_URL" in refused.fix


@pytest.mark.parametrize(
    ("scope", "window"), [("project", "daily"), ("organization", "monthly"), ("API key", "hourly")]
)
def test_a_reached_cap_is_told_in_the_vendors_words(scope: str, window: str) -> None:
    words = f"This {scope} has reached its {window} usage limit."
    refused = error(402, About.ORDER, {"detail": words})
    assert type(refused) is CapReached
    assert words in str(refused)
    assert "window ends" in refused.fix
    assert type(error(402, About.ORDER, {"detail": "You have used up your credits."})) is OutOfCredits


def test_an_expired_key_is_a_refused_key_with_the_vendors_words() -> None:
    refused = error(401, About.ORDER, {"detail": "API key expired on 2026-11-01"})
    assert type(refused) is KeyRefused
    assert "API key expired on 2026-11-01" in str(refused)
    assert "create a new key at LlamaCloud if it has expired" in refused.fix


def test_the_message_names_request_status_and_reason() -> None:
    said = str(error(400, About.ORDER, {"detail": "Uploaded file is empty."}))
    assert said == (
        "LlamaCloud rejects the document (LlamaCloud returned 400 to POST /api/v2/classify: Uploaded file is empty.)"
    )


def test_a_validation_error_is_told_in_a_sentence_without_the_input() -> None:
    body = {
        "detail": [
            {"loc": ["body", "file_input"], "msg": "Field required", "type": "missing", "input": {"k": "hush-hush"}},
            {"loc": ["body", "webhook_configurations", 0, "webhook_url"], "msg": "Not a URL", "type": "url"},
        ]
    }
    refused = error(422, About.ORDER, body)

    assert "body.file_input: Field required; body.webhook_configurations.0.webhook_url: Not a URL" in str(refused)
    assert "hush-hush" not in str(refused)


def complaint(*loc: str | int) -> dict[str, Any]:
    return {"detail": [{"loc": ["body", *loc], "msg": "is not valid", "type": "value_error"}]}


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (complaint("webhook_configurations", 0, "webhook_url"), "MAILROOM_PUBLIC_URL"),
        (complaint("webhook_configurations", 0, "webhook_headers", "X Key"), "MAILROOM_WEBHOOK_HEADERS"),
        (complaint("webhook_configurations", 0, "webhook_signing_secret"), "MAILROOM_SIGNING_SECRETS"),
        (complaint("configuration", "rules", 1, "description"), "classify.rules[1].description"),
        (complaint("configuration", "parsing_configuration", "lang"), "classify.parsing.lang"),
        (complaint("configuration_id"), "classify.configuration_id"),
        (complaint("configuration"), "classify"),
        ({"detail": "Invalid classify configuration parameters for rules"}, "classify"),
        ({"detail": "Classify configuration cfg-1 not found"}, "classify.configuration_id"),
        ({"detail": "Invalid webhook header name: 'X Key'"}, "MAILROOM_WEBHOOK_HEADERS"),
        ({"detail": "Webhook URL must be absolute"}, "MAILROOM_PUBLIC_URL"),
        ({"detail": "Callback must be reachable"}, "MAILROOM_PUBLIC_URL"),
    ],
)
def test_a_refusal_of_what_we_configured_names_the_setting(body: Any, place: str) -> None:
    refused = error(404 if "not found" in str(body) else 422, About.ORDER, body)
    assert isinstance(refused, SettingsRefused)
    assert refused.owner is Owner.CONFIGURATION
    assert refused.place == place
    assert place in refused.fix
    assert ("mailroom.yaml" in refused.fix) is place.islower()


def test_a_split_jobs_refusal_names_the_split_section() -> None:
    request = httpx.Request("POST", "https://cloud.example/api/v1/split/jobs")
    body = complaint("configuration", "splitting_strategy", "allow_uncategorized")
    refused = refusal.error(httpx.Response(422, json=body, request=request), About.ORDER, now=NOW)
    assert isinstance(refused, SettingsRefused)
    assert refused.place == "split.uncategorized"


@pytest.mark.parametrize(
    "body",
    [
        {"detail": "Unsupported file type: .exe"},
        {"detail": "Uploaded file is empty."},
        {"detail": "The PDF is encrypted"},
        {"detail": "Invalid PDF header"},
        {"detail": "Too many pages"},
        complaint("file_input"),
        complaint("document_input", "value"),
    ],
)
def test_a_refused_document_is_the_documents(body: Any) -> None:
    for about in (About.UPLOAD, About.ORDER):
        refused = error(400, about, body)
        assert isinstance(refused, DocumentRefused)
        assert (refused.owner, refused.fix) == (Owner.DOCUMENT, DocumentRefused.fix)


@pytest.mark.parametrize(
    "body", [{"detail": "Bad request"}, complaint("transaction_id"), complaint("file_input", "configuration"), None]
)
def test_what_is_not_surely_about_the_document_is_not_blamed_on_it(body: Any) -> None:
    refused = error(400, About.ORDER, body)
    assert type(refused) is CloudRefused
    assert not refused.sure


def test_a_firewalls_refusal_is_told_from_that_of_the_key() -> None:
    assert type(error(403, About.ORDER, {"detail": "Invalid API key"})) is KeyRefused
    assert type(error(403, About.ORDER, {"message": "Forbidden"})) is CloudRefused
    request = httpx.Request("POST", "https://cloud.example/x")
    page = httpx.Response(403, html="<html>blocked</html>", request=request)
    assert "a firewall" in str(refusal.error(page, About.ORDER, now=NOW))


PLACES = st.sampled_from(
    ["webhook_configurations", "webhook_headers", "webhook_url", "configuration", "rules", "categories", "file_input",
     "file_id", "transaction_id", "query", "header", "organization_id", "webhook_signing_secret"]
)  # fmt: skip


@given(
    st.sampled_from([400, 404, 422]),
    st.lists(st.lists(PLACES | st.integers(0, 9), min_size=1, max_size=4), max_size=3),
    st.sampled_from([About.UPLOAD, About.ORDER]),
)
def test_no_complaint_about_anything_but_the_file_is_blamed_on_the_document(
    status: int, places: list[list[str | int]], about: About
) -> None:
    body = {"detail": [{"loc": place, "msg": "the file is not valid"} for place in places]}
    if not all({"file_input", "file_id"} & set(place) for place in places):
        assert not isinstance(error(status, about, body), DocumentRefused)


def test_known_secrets_are_blotted_out_of_the_vendors_text_and_words_are_not() -> None:
    said = str(error(400, About.ORDER, {"detail": "key llx-the-key may not send abc"}))
    assert "key *** may not send abc" in said


@pytest.mark.parametrize("body", [None, "text", ["a"], {"message": "x"}, {"detail": []}, {"detail": ["odd"]}])
def test_any_body_can_be_refused_with(body: Any) -> None:
    assert isinstance(error(400, About.ORDER, body), CloudRefused)


def test_a_page_of_html_is_not_repeated_and_a_long_text_is_cut() -> None:
    request = httpx.Request("GET", "https://cloud.example/x")
    page = httpx.Response(502, html="<html>" + "x" * 9999, request=request)
    text = httpx.Response(502, text="no upstream\n" * 999, request=request)

    assert refusal.vendor_reason(page) == ""
    assert refusal.vendor_reason(text).startswith("no upstream no upstream")
    assert len(refusal.vendor_reason(text)) <= refusal.TEXT_LIMIT + 1


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
    busy = error(429, About.ORDER, headers={"Retry-After": "42"})
    assert isinstance(busy, CloudBusy)
    assert busy.retry_after == 42.0


def test_a_server_error_that_should_not_be_retried_at_once_is_still_no_fault_of_the_document() -> None:
    assert isinstance(error(500, About.ORDER, headers={"x-should-retry": "false"}), CloudBusy)


@pytest.mark.parametrize(
    ("status", "said", "expected"),
    [(409, None, True), (409, "false", False), (500, "false", False), (404, "true", True), (404, None, False)],
)
def test_the_vendors_own_word_on_retrying_overrides_the_status(status: int, said: str | None, expected: bool) -> None:
    headers = {"x-should-retry": said} if said else None
    assert refusal.passing(answer(status, headers=headers)) is expected
