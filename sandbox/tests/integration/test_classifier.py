"""Classify v1, which the vendor keeps alive and its published template uses."""

from typing import Any

import httpx
import pytest

from support.inbox import Inbox, until
from support.sample_documents import CONFIGURATION, CONTRACT, INVOICE

JOBS = "/api/v1/classifier/jobs"


def file_id(http: httpx.Client, name: str, content: bytes) -> str:
    return str(http.post("/api/v1/files", files={"upload_file": (name, content)}).raise_for_status().json()["id"])


def done(http: httpx.Client, job: dict[str, Any]) -> dict[str, Any]:
    until(lambda: http.get(f"{JOBS}/{job['id']}").json()["status"] != "PENDING")
    return dict(http.get(f"{JOBS}/{job['id']}").json())


def test_each_file_of_a_job_has_a_result(http: httpx.Client, inbox: Inbox) -> None:
    ids = [file_id(http, "a.pdf", INVOICE), file_id(http, "b.pdf", CONTRACT)]
    hook = {**inbox.hook(), "webhook_events": ["classify.success"]}
    body = {"file_ids": ids, "rules": CONFIGURATION["rules"], "mode": "MULTIMODAL", "webhook_configurations": [hook]}
    job = http.post(JOBS, json=body).raise_for_status().json()
    finished = done(http, job)
    assert (finished["status"], finished["rules"]) == ("SUCCESS", CONFIGURATION["rules"])
    found = http.get(f"{JOBS}/{job['id']}/results").json()
    assert {item["file_id"]: item["result"]["type"] for item in found["items"]} == dict(
        zip(ids, ["invoice", "contract"], strict=True)
    )
    assert {item["classify_job_id"] for item in found["items"]} == {job["id"]}
    assert [item["id"] for item in http.get(JOBS).json()["items"]] == [job["id"]]
    assert http.get("/api/v2/classify").json()["items"] == []  # v2 shows its own jobs alone
    assert [(letter.kind, letter.event["data"]["job_id"]) for letter in inbox.wait(1)] == [
        ("classify.success", job["id"])
    ]


def test_some_files_that_fail_are_a_partial_success(http: httpx.Client) -> None:
    ids = [file_id(http, "a.pdf", INVOICE), file_id(http, "b.pdf", b"%PDF-1.7 torn")]
    job = http.post(JOBS, json={"file_ids": ids, "rules": CONFIGURATION["rules"]}).json()
    assert done(http, job)["status"] == "PARTIAL_SUCCESS"
    results = {item["file_id"]: item["result"] for item in http.get(f"{JOBS}/{job['id']}/results").json()["items"]}
    assert results[ids[1]] is None


@pytest.mark.parametrize(
    ("changed", "status"),
    [({"file_ids": []}, 422), ({"file_ids": ["dfl-none"]}, 400), ({"rules": []}, 422), ({"mode": "SLOW"}, 422)],
)
def test_what_cannot_be_is_refused(http: httpx.Client, changed: dict[str, Any], status: int) -> None:
    body = {"file_ids": [file_id(http, "a.pdf", INVOICE)], "rules": CONFIGURATION["rules"], **changed}
    assert http.post(JOBS, json=body).status_code == status
    assert http.get(f"{JOBS}/none").status_code == 404


def test_the_older_path_of_content_answers_a_link_too(http: httpx.Client) -> None:
    name = file_id(http, "a.pdf", INVOICE)
    link = http.get(f"/api/v1/files/{name}/content").raise_for_status().json()
    assert httpx.get(link["url"]).content == INVOICE
