"""The webhook sender, seen from the receiver: the exact bytes, the attempts, who is told what."""

import hashlib
import hmac
import json
import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from llamacloud_sandbox.testing import sandbox_in_thread
from support.caller import a_caller
from support.inbox import Inbox, Letter, until
from support.sample_documents import CONFIGURATION, INVOICE
from support.switchboard import Switchboard

Start = Callable[..., str]


@pytest.fixture
def start(http: httpx.Client) -> Start:
    """Creates a classify job of an invoice with these webhooks, and says its id."""
    files = {"file": ("letter.pdf", INVOICE)}
    file_id = http.post("/api/v1/beta/files", files=files, data={"purpose": "classify"}).json()["id"]

    def job(*hooks: dict[str, Any]) -> str:
        body = {"file_input": file_id, "configuration": CONFIGURATION, "webhook_configurations": hooks}
        answer = http.post("/api/v2/classify", json=body)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])

    return job


SUCCESS = ["classify.success"]


def states(switchboard: Switchboard, job_id: str) -> list[str]:
    """What became of the job's deliveries; there is none before the job has ended."""
    return [str(delivery["state"]) for delivery in switchboard.deliveries(job_id=job_id)]


def test_a_delivery_is_exactly_as_documented(start: Start, inbox: Inbox) -> None:
    hook = inbox.hook(webhook_events=SUCCESS, webhook_headers={"X-Mailroom": "v1"}, webhook_signing_secret="whsec_1")
    job_id = start(hook)
    letter = inbox.wait(1)[0]
    assert [name for name, _ in letter.headers] == [
        "Host",
        "Content-Type",
        "User-Agent",
        "X-Webhook-Event-ID",
        "X-Webhook-Event-Type",
        "LC-Signature",
        "X-Mailroom",
        "Content-Length",
    ]
    assert letter.header("Content-Type") == "application/json"
    assert letter.header("User-Agent") == "llamaindex-webhook-service/1.0"
    assert letter.header("X-Mailroom") == "v1"
    assert letter.header("LC-Signature") == "sha256=" + hmac.new(b"whsec_1", letter.body, hashlib.sha256).hexdigest()
    event = json.loads(letter.body)
    assert set(event) == {"event_id", "event_type", "timestamp", "data"}
    assert (event["event_type"], event["data"]) == ("classify.success", {"id": job_id, "job_id": job_id})
    assert letter.header("X-Webhook-Event-ID") == event["event_id"]
    assert letter.header("X-Webhook-Event-Type") == event["event_type"]
    assert isinstance(event["timestamp"], float)


def test_the_default_format_is_a_string_inside_json(start: Start, inbox: Inbox) -> None:
    start({"webhook_url": inbox.url, "webhook_events": SUCCESS})
    text = json.loads(inbox.wait(1)[0].body)
    assert isinstance(text, str)
    assert json.loads(text)["event_type"] == "classify.success"


def test_without_a_subscription_every_event_comes_in_order(start: Start, inbox: Inbox) -> None:
    start(inbox.hook())
    assert [letter.kind for letter in inbox.wait(3)] == ["classify.pending", "classify.running", "classify.success"]


def test_several_targets_are_told_each_what_it_wants(start: Start, inbox: Inbox) -> None:
    start(
        {"webhook_url": f"{inbox.url}/one", "webhook_events": SUCCESS},
        {"webhook_url": f"{inbox.url}/two", "webhook_events": ["classify.pending"]},
        {"webhook_url": f"{inbox.url}/three", "webhook_events": ["classify.error"]},
    )
    told = {(letter.path, letter.kind) for letter in inbox.wait(2)}
    assert told == {("/webhooks/one", "classify.success"), ("/webhooks/two", "classify.pending")}


@pytest.mark.parametrize("refusal", [500, 401, 302, 404])
def test_anything_but_a_2xx_is_tried_again_with_the_same_bytes(start: Start, inbox: Inbox, refusal: int) -> None:
    inbox.statuses = [refusal, refusal]
    start(inbox.hook(webhook_events=SUCCESS, webhook_signing_secret="s"))
    first, second, third = inbox.wait(3)
    assert first == second == third


def test_after_three_attempts_the_event_is_lost(start: Start, inbox: Inbox, switchboard: Switchboard) -> None:
    inbox.statuses = [503] * 9
    job_id = start(inbox.hook(webhook_events=SUCCESS))
    until(lambda: states(switchboard, job_id) == ["failed"])
    assert len(inbox.letters) == 3
    assert [each["status"] for each in switchboard.deliveries(job_id=job_id)[0]["attempts"]] == [503] * 3


def test_a_target_that_is_not_there_is_tried_three_times(start: Start, switchboard: Switchboard) -> None:
    job_id = start({"webhook_url": "http://127.0.0.1:1/webhooks", "webhook_events": SUCCESS})
    until(lambda: states(switchboard, job_id) == ["failed"])
    attempts = switchboard.deliveries(job_id=job_id)[0]["attempts"]
    assert ["ConnectError" in each["error"] for each in attempts] == [True] * 3


def test_a_target_that_takes_too_long_is_tried_again(inbox: Inbox) -> None:
    enough = threading.Event()

    def hold_the_first(_: Letter) -> None:
        if not inbox.letters:
            enough.wait(10)

    inbox.on_arrival = hold_the_first
    with (
        sandbox_in_thread(think_seconds=0, webhook_timeout_seconds=0.5, retry_delays=(0.01, 0.01)) as url,
        a_caller(url) as http,
    ):
        file_id = http.post("/api/v1/files", files={"upload_file": ("letter.pdf", INVOICE)}).json()["id"]
        hooks = [inbox.hook(webhook_events=SUCCESS)]
        body = {"file_input": file_id, "configuration": CONFIGURATION, "webhook_configurations": hooks}
        http.post("/api/v2/classify", json=body)
        board = Switchboard(http)
        until(lambda: board.deliveries() and board.deliveries()[0]["attempts"])
        inbox.on_arrival = None
        enough.set()
        until(lambda: [each["state"] for each in board.deliveries()] == ["delivered"])
        first, *_, last = board.deliveries()[0]["attempts"]
    assert "TimeoutError" in first["error"]
    assert last["status"] == 200


def test_what_was_sent_is_kept_without_the_users_header_values(
    start: Start, inbox: Inbox, switchboard: Switchboard
) -> None:
    job_id = start(inbox.hook(webhook_events=SUCCESS, webhook_headers={"X-Token": "confidential"}))
    until(lambda: states(switchboard, job_id) == ["delivered"])
    kept = switchboard.deliveries(job_id=job_id)[0]
    assert kept["body"].encode() == inbox.letters[0].body
    assert kept["custom_headers"] == ["X-Token"]
    assert "confidential" not in json.dumps(kept)


def test_private_addresses_are_blocked_when_told_so(inbox: Inbox) -> None:
    with sandbox_in_thread(think_seconds=0, allow_loopback=False) as url, a_caller(url) as http:
        files = {"upload_file": ("letter.pdf", INVOICE)}
        file_id = http.post("/api/v1/files", files=files).json()["id"]
        body = {"file_input": file_id, "configuration": CONFIGURATION, "webhook_configurations": [inbox.hook()]}
        job_id = http.post("/api/v2/classify", json=body).json()["id"]
        until(lambda: http.get(f"/api/v2/classify/{job_id}").json()["status"] == "COMPLETED")
        board = Switchboard(http)
        until(lambda: {each["state"] for each in board.deliveries()} == {"blocked"})
    assert inbox.letters == []
