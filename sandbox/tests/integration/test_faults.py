"""Every fault of the switchboard, seen from outside."""

import hashlib
import hmac
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from llamacloud_sandbox.testing import start_sandbox
from support.caller import a_caller
from support.inbox import Inbox, until
from support.sample_documents import CONFIGURATION, INVOICE
from support.switchboard import Switchboard

Start = Callable[..., str]
ALWAYS = {"probability": 1}


@pytest.fixture
def start(http: httpx.Client, inbox: Inbox) -> Start:
    """Creates a classify job whose events go to the inbox (only its success, unless told otherwise); says its id."""
    files = {"file": ("letter.pdf", INVOICE)}
    file_id = http.post("/api/v1/beta/files", files=files, data={"purpose": "classify"}).json()["id"]

    def job(**hook: Any) -> str:
        target = inbox.hook(**{"webhook_events": ["classify.success", "classify.error"], **hook})
        body = {"file_input": file_id, "configuration": CONFIGURATION, "webhook_configurations": [target]}
        return str(http.post("/api/v2/classify", json=body).json()["id"])

    return job


def status(http: httpx.Client, job_id: str) -> str:
    """The job's status."""
    return str(http.get(f"/api/v2/classify/{job_id}").json()["status"])


def test_duplicate_sends_the_very_same_bytes_twice(start: Start, inbox: Inbox, switchboard: Switchboard) -> None:
    switchboard.set({"duplicate": {"next": 1}})
    start(webhook_signing_secret="s")
    first, second = inbox.wait(2)
    assert first == second
    assert switchboard.struck("duplicate") == 1


def test_new_event_id_tells_the_same_happening_under_another_id(
    start: Start, inbox: Inbox, switchboard: Switchboard
) -> None:
    switchboard.set({"new_event_id": {"next": 1}})
    start()
    first, second = (letter.event for letter in inbox.wait(2))
    assert first["event_id"] != second["event_id"]
    assert (first["event_type"], first["data"]) == (second["event_type"], second["data"])


def test_drop_sends_nothing(start: Start, inbox: Inbox, http: httpx.Client, switchboard: Switchboard) -> None:
    switchboard.set({"drop": {"next": 1}})
    dropped = start()
    until(lambda: status(http, dropped) == "COMPLETED")
    kept = start()
    assert [letter.event["data"]["job_id"] for letter in inbox.wait(1)] == [kept]
    assert [each["state"] for each in switchboard.deliveries(job_id=dropped)] == ["dropped"]


def test_delay_lets_the_result_be_there_long_before_its_event(
    start: Start, inbox: Inbox, http: httpx.Client, switchboard: Switchboard
) -> None:
    switchboard.set({"delay": {"next": 1, "seconds": 0.3}})
    job_id = start()
    until(lambda: status(http, job_id) == "COMPLETED")
    assert inbox.letters == []
    inbox.wait(1)


def test_reorder_lets_later_events_overtake(start: Start, inbox: Inbox, switchboard: Switchboard) -> None:
    switchboard.set({"reorder": {"next": 1, "seconds": 0.3}})
    start(webhook_events=None)
    assert [letter.kind for letter in inbox.wait(3)] == ["classify.running", "classify.success", "classify.pending"]


def test_an_early_event_comes_before_get_shows_the_result(
    start: Start, inbox: Inbox, http: httpx.Client, switchboard: Switchboard
) -> None:
    seen: list[str] = []
    inbox.on_arrival = lambda letter: seen.append(status(http, letter.event["data"]["job_id"]))
    switchboard.set({"early_event": {"next": 1, "seconds": 3600}})
    start()
    assert [letter.kind for letter in inbox.wait(1)] == ["classify.success"]
    assert seen == ["RUNNING"]


def test_an_early_event_is_not_told_again_when_the_job_is_done(
    start: Start, inbox: Inbox, http: httpx.Client, switchboard: Switchboard
) -> None:
    switchboard.set({"early_event": {"next": 1, "seconds": 0.05}})
    early = start()
    until(lambda: status(http, early) == "COMPLETED")
    usual = start()
    assert [letter.event["data"]["job_id"] for letter in inbox.wait(2)] == [early, usual]


def test_data_id_only_names_the_job_in_data_id(start: Start, inbox: Inbox, switchboard: Switchboard) -> None:
    switchboard.set({"data_id_only": ALWAYS})
    job_id = start()
    assert inbox.wait(1)[0].event["data"] == {"id": job_id}


def test_wrong_signature_does_not_match_the_secret(start: Start, inbox: Inbox, switchboard: Switchboard) -> None:
    switchboard.set({"wrong_signature": ALWAYS})
    start(webhook_signing_secret="whsec_1")
    letter = inbox.wait(1)[0]
    given = letter.header("LC-Signature") or ""
    assert given.startswith("sha256=")
    assert given != "sha256=" + hmac.new(b"whsec_1", letter.body, hashlib.sha256).hexdigest()


@pytest.mark.parametrize(
    ("fault", "code"), [("rate_limit", 429), ("payment_required", 402), ("unauthorized", 401), ("server_error", 503)]
)
def test_an_api_fault_answers_and_has_no_effect(
    http: httpx.Client, switchboard: Switchboard, fault: str, code: int
) -> None:
    switchboard.set({fault: {"next": 1, "status": 503, "method": "POST", "path": "/api/v1/beta/files"}})
    assert http.get("/api/v1/projects").status_code == 200
    files, data = {"file": ("letter.pdf", INVOICE)}, {"purpose": "classify"}
    answer = http.post("/api/v1/beta/files", files=files, data=data)
    assert answer.status_code == code
    assert isinstance(answer.json()["detail"], str)
    assert http.get("/api/v1/beta/files").json()["items"] == []
    assert http.post("/api/v1/beta/files", files=files, data=data).status_code == 201


def test_a_firewall_answers_with_a_page(http: httpx.Client, switchboard: Switchboard) -> None:
    switchboard.set({"forbidden": {"next": 1}})
    answer = http.get("/api/v1/projects")
    assert (answer.status_code, answer.headers["content-type"]) == (403, "text/html; charset=utf-8")
    assert http.get("/api/v1/projects").status_code == 200


def test_slow_answers_late(http: httpx.Client, switchboard: Switchboard) -> None:
    switchboard.set({"slow": {"next": 1, "seconds": 1}})
    with pytest.raises(httpx.ReadTimeout):
        http.get("/api/v1/projects", timeout=0.1)
    assert http.get("/api/v1/projects").status_code == 200


def test_cut_breaks_the_answer_off_after_the_request_took_effect(http: httpx.Client, switchboard: Switchboard) -> None:
    switchboard.set({"cut": {"next": 1, "method": "POST"}})
    with pytest.raises(httpx.RemoteProtocolError):
        http.post("/api/v1/files", files={"upload_file": ("letter.pdf", INVOICE)})
    assert len(http.get("/api/v1/beta/files").json()["items"]) == 1


def test_a_stuck_job_stays_pending(start: Start, http: httpx.Client, switchboard: Switchboard) -> None:
    switchboard.set({"stuck_job": {"next": 1}})
    stuck, other = start(), start()
    until(lambda: status(http, other) == "COMPLETED")
    assert status(http, stuck) == "PENDING"


def test_a_failed_job_says_why(start: Start, inbox: Inbox, http: httpx.Client, switchboard: Switchboard) -> None:
    switchboard.set({"failed_job": {"next": 1, "message": "The parser gave up."}})
    job_id = start()
    assert inbox.wait(1)[0].kind == "classify.error"
    job = http.get(f"/api/v2/classify/{job_id}").json()
    assert (job["status"], job["error_message"], job["result"]) == ("FAILED", "The parser gave up.", None)


def test_an_expired_file_fails_the_job_and_has_no_content_any_more(
    start: Start, inbox: Inbox, http: httpx.Client, switchboard: Switchboard
) -> None:
    switchboard.set({"expired_file": {"next": 1}})
    job = http.get(f"/api/v2/classify/{start()}").json()
    assert inbox.wait(1)[0].kind == "classify.error"
    assert http.get(f"/api/v2/classify/{job['id']}").json()["error_message"] == "Source file not found in storage"
    answer = http.get(f"/api/v1/beta/files/{job['file_input']}/content")
    assert (answer.status_code, answer.json()["detail"]) == (404, "Source file not found in storage")


def test_a_wrong_switch_is_refused_with_the_names_there_are(http: httpx.Client, switchboard: Switchboard) -> None:
    answer = http.put("/_sandbox/faults", json={"explode": 1})
    assert answer.status_code == 422
    assert "unknown fault 'explode'; there are: duplicate," in answer.json()["detail"]


def test_faults_come_from_the_command_line_and_a_reset_brings_them_back() -> None:
    with start_sandbox("--fault", "server_error=next:1") as sandbox, a_caller(sandbox.url) as http:
        codes = [http.get("/api/v1/projects").status_code for _ in range(2)]
        http.post("/api/v1/files", files={"upload_file": ("letter.pdf", INVOICE)})
        http.post("/_sandbox/reset").raise_for_status()
        codes += [http.get("/api/v1/projects").status_code for _ in range(2)]
        assert codes == [500, 200, 500, 200]
        assert http.get("/_sandbox/stats").json()["files"] == 0
