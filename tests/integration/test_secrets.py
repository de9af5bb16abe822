"""No secret is ever shown: not in an answer, a metric, a log line, a repr or an error, whatever goes wrong."""

import io
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from receiver.core.change import Insert, Write
from receiver.core.document import DocumentState
from receiver.core.errors import Misconfigured
from receiver.core.verify_webhook import TOKEN_HEADER
from receiver.http.webhook import PATH
from receiver.log import JsonLines
from receiver.settings import Secret, Settings
from receiver.store.memory import MemoryStore
from tests.builders import NOW, a_document, a_job, a_task
from tests.receivers import (
    ADMIN_TOKEN,
    HEADER,
    SECRETS,
    BusyStore,
    Sender,
    a_body,
    an_app,
    client_of,
    operator_of,
    post,
    settings_with,
)

AUTH = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
WRONG: list[dict[str, str | None]] = [
    {HEADER: None},
    {HEADER: "a-wrong-header-value-x4716x"},
    {"LC-Signature": "sha256=x4717x"},
    {TOKEN_HEADER: "v1.x4718x"},
]
TOKENS: list[dict[str, str]] = [AUTH, {}, {"Authorization": "Bearer x"}]
PATHS = ["/documents", "/documents/doc-1", "/events", "/tasks", "/overview", "/metrics", "/readyz", "/"]
BODY = a_body(note="a-body-x4719x")


class Breaking(MemoryStore):
    """A store with a mistake in it, on the first change."""

    async def apply(self, *writes: Write) -> None:
        raise RuntimeError("a mistake")


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """All that the application writes, from debug on."""
    written, logger = io.StringIO(), logging.getLogger("mailroom")
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonLines())
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield written
    logger.removeHandler(handler)
    logger.setLevel(level)


def assert_silent(text: str) -> None:
    proofs = [value for name, value in Sender().proofs(BODY).items() if name != "Content-Type"]
    for secret in (*SECRETS, *proofs, "x4716x", "x4717x", "x4718x", "x4719x"):
        assert secret not in text


@pytest.mark.anyio
async def test_no_answer_and_no_log_line_shows_a_secret_a_header_value_or_a_body(
    tmp_path: Path, log: io.StringIO
) -> None:
    heard = []
    for store in (MemoryStore(clock=lambda: NOW), BusyStore(clock=lambda: NOW), Breaking(clock=lambda: NOW)):
        if type(store) is MemoryStore:
            await store.apply(Insert(a_document(id="doc-1", state=DocumentState.REVIEW)), Insert(a_task(id="task-1")))
            await store.apply(Insert(a_job(id="job-2", document_id="doc_other")))
        app = an_app(tmp_path, store=store)
        async with client_of(app) as client, operator_of(app) as operator:
            answers = [await post(client, BODY), await post(client, BODY), await post(client, b"{")]
            answers += [await post(client, BODY, Sender(headers=wrong)) for wrong in WRONG]
            answers += [await post(client, a_body("e", job_id="job-2"))]
            answers += [await client.request(method, PATH) for method in ("GET", "PUT")]
            answers += [await operator.get(path, headers=token) for path in PATHS for token in TOKENS]
            answers += [await operator.post("/documents/doc-1/route", headers=AUTH, json={"to": "invoice"})]
            answers += [await operator.post("/tasks/task-1/replay", headers=AUTH)]
            answers += [await operator.post("/documents", headers=AUTH, files=[("f", ("a.pdf", b"%PDF"))])]
        heard += [f"{answer.status_code} {answer.headers} {answer.text}" for answer in answers]
        heard.append(repr(app))
    assert_silent("\n".join(heard))
    assert_silent(log.getvalue())
    assert "event.accepted" in log.getvalue()
    assert "event.refused" in log.getvalue()
    assert "unhandled_exception" in log.getvalue()


def test_no_settings_object_and_no_summary_shows_a_secret() -> None:
    settings = settings_with()
    assert_silent(f"{settings} {settings!r} {settings.summary()} {settings.webhook_secrets()}")


@pytest.mark.parametrize(
    "headers",
    [
        '{"X-Key": "static-header-secret-4711"}',
        "static-header-secret-4711",
        '{"X-Key": [""]}',
        '{"X-Key": ["x4716x"]}',
        '{"X-Key": ["x4716x x4717x x4718x x4719x\\n"]}',
    ],
)
def test_a_secret_that_cannot_be_read_is_not_shown_by_the_error(headers: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        Settings(webhook_headers=Secret(headers)).webhook_secrets()
    assert_silent(f"{caught.value!r} {caught.value} {caught.value.__cause__!r}")
