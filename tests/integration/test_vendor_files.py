"""Documents that are at LlamaCloud already: the command and the API, through a proxy that records every call."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from llamacloud_sandbox.api import own_project
from llamacloud_sandbox.routes.projects import ORGANIZATION_ID
from llamacloud_sandbox.testing import sandbox_in_thread
from tests.integration.cloud.pdf_fixtures import CONTRACT, INVOICE, pdf
from tests.processes import free_port, ran, running, until, working
from tests.recording_proxy import RecordingProxy, recording_proxy

pytestmark = pytest.mark.slow

TABLE = """\
classify:
  rules:
    - {type: invoice, description: "contains an invoice number, line items and a total amount due"}
    - {type: contract, description: "a legal agreement between parties with obligations and signatures"}
split: {then: route, min_confidence: low}
routes:
  - {type: invoice, to: ["folder://./filed/"]}
  - {type: contract, to: ["folder://./filed/"]}
no_match: {review: true}
low_confidence: {review: true}
failed: {review: true}
deadline: 5 seconds
"""
KEY = "llx-a-key-for-tests"


@dataclass
class Stage:
    folder: Path
    env: dict[str, str]
    proxy: RecordingProxy
    url: str
    page: str

    def at_llamacloud(self, data: bytes, name: str, *, parse: bool = False) -> str:
        """The id of a file, or of its parse job, that somebody else put there; nothing of it is recorded."""
        headers = {"Authorization": f"Bearer {KEY}"}
        with httpx.Client(base_url=self.url, headers=headers) as http:
            file_id = http.post("/api/v1/files", files={"upload_file": (name, data)}).raise_for_status().json()["id"]
            if not parse:
                return str(file_id)
            return str(http.post("/api/v2/parse", json={"file_id": file_id}).raise_for_status().json()["id"])

    def submit(self, *arguments: str) -> list[dict[str, Any]]:
        done = ran(self.folder, "submit", "--json", "--wait", *arguments, env=self.env)
        assert done.code == 0, done.err
        return list(json.loads(done.out)["documents"])


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("stage")
    (folder / "mailroom.yaml").write_text(TABLE)
    port, page = free_port(), free_port()
    with sandbox_in_thread(think_seconds=0, limits=False) as url, recording_proxy(url) as (proxied, proxy):
        env = working(
            LLAMA_CLOUD_API_KEY=KEY,
            LLAMA_CLOUD_BASE_URL=proxied,
            LLAMA_CLOUD_PROJECT_ID=own_project(KEY),
            LLAMA_CLOUD_ORGANIZATION_ID=ORGANIZATION_ID,
            MAILROOM_PUBLIC_URL=f"http://127.0.0.1:{port}",
            MAILROOM_OPERATOR_ADDRESS=f"127.0.0.1:{page}",
            MAILROOM_SWEEP_SECONDS="1",
        )
        with running(folder, "serve", "--port", str(port), env=env):
            yield Stage(folder, env, proxy, url, f"http://127.0.0.1:{page}")


def test_submit_by_id_uploads_nothing_and_every_call_names_the_project(stage: Stage) -> None:
    file_id = stage.at_llamacloud(pdf(INVOICE), "there.pdf")
    parse_id = stage.at_llamacloud(pdf(CONTRACT), "scan.pdf", parse=True)
    packet_id = stage.at_llamacloud(pdf(INVOICE, CONTRACT), "morning.pdf")
    documents = stage.submit("--file", file_id, "--parse-job", f"{parse_id}=lease.pdf", "--metadata", "customer=42")
    assert {item["name"]: (item["type"], item["state"]) for item in documents} == {
        "there.pdf": ("invoice", "routed"),
        "lease.pdf": ("contract", "routed"),
    }
    assert [item["fresh"] for item in stage.submit("--file", file_id)] == [False]
    (packet,) = stage.submit("--packet", "--file", packet_id)
    assert packet["state"] == "routed"
    filed = {path.name for path in (stage.folder / "filed").rglob("*.pdf")}
    assert {"there.pdf", "lease.pdf"} < filed
    assert [request for request in stage.proxy.requests if request.is_upload] == []
    both = {"project_id": own_project(KEY), "organization_id": ORGANIZATION_ID}
    asked = [request for request in stage.proxy.requests if request.path.startswith("/api/")]
    assert asked
    assert all(both.items() <= request.query.items() for request in asked)


def test_documents_takes_ids_as_json(stage: Stage) -> None:
    ids = [stage.at_llamacloud(pdf(f"{INVOICE} {number}"), f"{number}.pdf") for number in range(2)]
    headers = {"Authorization": f"Bearer {stage.env['MAILROOM_ADMIN_TOKEN']}"}
    body = {"documents": [{"file_id": ids[0], "metadata": {"a": "b"}}, {"file_id": ids[1], "name": "mine.pdf"}]}
    with httpx.Client(base_url=stage.page, headers=headers) as http:
        first = http.post("/documents", json=body)
        assert first.status_code == 202, first.text
        assert [item["fresh"] for item in first.json()["documents"]] == [True, True]
        assert [item["fresh"] for item in http.post("/documents", json=body).json()["documents"]] == [False, False]
        assert http.post("/documents", json={"file_id": ids[0]}).json()["documents"][0]["fresh"] is False

        def routed(document: dict[str, Any]) -> bool:
            return bool(http.get(f"/documents/{document['document_id']}").json()["state"] == "routed")

        until(lambda: all(map(routed, first.json()["documents"])), "both are routed")
        malformed: list[dict[str, Any]] = [
            {},
            {"documents": []},
            {"documents": [{"file_id": ids[0]}, {"file_id": "../x"}]},
            {"file_id": ids[0], "packets": True},
            {"file_id": 1},
            {"documents": [{"file_id": ids[0]}] * 101},
        ]
        for wrong in malformed:
            refused = http.post("/documents", json=wrong)
            assert (refused.status_code, refused.json()["error"]["code"]) == (400, "malformed"), wrong


def test_wrong_options_are_refused_with_the_fix(stage: Stage) -> None:
    for arguments, said in (
        ((), "name files or folders, or give --file or --parse-job"),
        (("--file", "pjb-1"), "is not a file id of LlamaCloud's; write it like dfl-…"),
        (("--parse-job", "dfl-1"), "is not a parse job id of LlamaCloud's; write it like pjb-…"),
        (("--metadata", "a=b", "mailroom.yaml"), "--metadata needs --file or --parse-job"),
        (("--file", "dfl-1", "--metadata", "a"), "write KEY=VALUE"),
    ):
        done = ran(stage.folder, "submit", *arguments, env=stage.env)
        assert done.code == 2
        assert said in done.err
