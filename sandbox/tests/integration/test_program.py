"""`llamacloud-sandbox` as a program: how it starts, and what outlives a restart."""

import json
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from llamacloud_sandbox.__main__ import main
from llamacloud_sandbox.testing import sandbox_in_thread, start_sandbox
from support.caller import a_caller
from support.inbox import Inbox, until
from support.sample_documents import CONFIGURATION, INVOICE

HEADERS = {"Authorization": "Bearer llx-1"}


def test_it_prints_one_line_writes_its_port_and_stops_when_told(tmp_path: Path) -> None:
    port_file = tmp_path / "port"
    command = [sys.executable, "-m", "llamacloud_sandbox", "--port-file", str(port_file)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        url = f"http://127.0.0.1:{int(port_file.read_text())}"
        assert line == f"sandbox listening on {url}\n"
        assert httpx.get(f"{url}/api/v1/projects", headers=HEADERS).status_code == 200
    finally:
        process.terminate()
        rest, _ = process.communicate(timeout=10)
    assert rest == ""


@pytest.mark.parametrize(
    "wrong",
    [
        ["--nonsense"], ["--fault", "explode=1"], ["--fault", "drop=often"], ["--retry-delays", "soon"],
        ["--port", "x"], ["--port", "70000"], ["--think", "nan"], ["--think", "-1"], ["--credits", "inf"],
    ],
)  # fmt: skip
def test_wrong_usage_is_exit_2(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(wrong) == 2
    error = capsys.readouterr().err
    assert error.startswith("llamacloud-sandbox: ")
    assert error.endswith("\n  fix: see llamacloud-sandbox --help\n")
    assert not {"Usage", "Error", "integer", "float", "range"} & set(error.split())


@pytest.mark.parametrize(
    "wrong", [["--judge", "oracle"], ["--judge", "scripted:/no/such/file"], ["--host", "256.0.0.1"]]
)
def test_what_cannot_be_started_is_exit_1_with_one_line(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(wrong) == 1
    error = capsys.readouterr().err
    assert error.startswith("llamacloud-sandbox: ")
    assert error.count("\n") == 1


def test_the_faults_can_be_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list-faults"]) == 0
    assert "wrong_signature" in capsys.readouterr().out


def test_a_state_folder_survives_a_restart_and_goes_on_with_open_jobs(tmp_path: Path, inbox: Inbox) -> None:
    state = str(tmp_path / "state")
    hook = inbox.hook(webhook_events=["classify.success"])
    with start_sandbox("--state", state, "--think", "3600") as first:
        with a_caller(first.url) as http:
            file_id = http.post("/api/v1/files", files={"upload_file": ("letter.pdf", INVOICE)}).json()["id"]
            body = {"file_input": file_id, "configuration": CONFIGURATION, "webhook_configurations": [hook]}
            job_id = http.post("/api/v2/classify", json={**body, "transaction_id": "t-1"}).json()["id"]
        first.process.kill()
        first.process.wait(10)
    with start_sandbox("--state", state, "--instant") as second, a_caller(second.url) as http:
        assert inbox.wait(1)[0].event["data"]["job_id"] == job_id
        job = http.get(f"/api/v2/classify/{job_id}").json()
        assert (job["status"], job["result"]["type"]) == ("COMPLETED", "invoice")
        assert http.post("/api/v2/classify", json={**body, "transaction_id": "t-1"}).json()["id"] == job_id
        url = http.get(f"/api/v1/beta/files/{file_id}/content").json()["url"]
        assert httpx.get(url).content == INVOICE


def test_think_time_shows_every_status_on_the_way() -> None:
    with sandbox_in_thread(think_seconds=0.4) as url, a_caller(url) as http:
        file_id = http.post("/api/v1/files", files={"upload_file": ("letter.pdf", INVOICE)}).json()["id"]
        body = {"file_input": file_id, "configuration": CONFIGURATION}
        job_id = http.post("/api/v2/classify", json=body).json()["id"]
        seen: list[str] = []

        def completed() -> bool:
            seen.append(http.get(f"/api/v2/classify/{job_id}").json()["status"])
            return seen[-1] == "COMPLETED"

        until(completed)
        assert list(dict.fromkeys(seen)) == ["PENDING", "RUNNING", "COMPLETED"]


def test_contract_mode_answers_a_shape_where_strict_mode_refuses() -> None:
    with sandbox_in_thread(contract=True) as url, a_caller(url) as http:
        assert http.get("/api/v2/classify/job_id").json()["status"] == "COMPLETED"
        assert http.post("/api/v2/classify", json={}).json()["result"]["type"] == "invoice"
        assert http.delete("/api/v1/beta/files/unknown").status_code == 204
        assert http.get("/api/v1/classifier/jobs/job_id").json()["status"] == "SUCCESS"
        assert httpx.get(f"{url}/api/v2/classify/job_id").status_code == 401


def test_the_api_description_names_every_operation(sandbox_url: str) -> None:
    document = httpx.get(f"{sandbox_url}/openapi.json").json()
    operations = {(method, path) for path, methods in document["paths"].items() for method in methods}
    assert {("post", "/api/v2/classify"), ("delete", "/api/v1/split/jobs/{job_id}")} <= operations
    assert not any(path.startswith("/_sandbox") for _, path in operations)
    references = {part.split('"')[0] for part in json.dumps(document).split('"$ref": "')[1:]}
    assert all(each.removeprefix("#/components/schemas/") in document["components"]["schemas"] for each in references)
