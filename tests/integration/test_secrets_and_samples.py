"""Samples, saved configurations, the doctor and a rotation, against real processes."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from llamacloud_sandbox.api import own_project
from llamacloud_sandbox.testing import start_sandbox
from receiver.core.sample import Proofs, Sample, proof_headers

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]

TABLE = """\
classify:
  rules: [{type: invoice, description: "has an invoice number and a total"}]
routes:
  - {type: invoice, to: ["folder://./filed/"]}
no_match: {review: true}
low_confidence: {review: true}
failed: {review: true}
"""


class Mailroom:
    """A receiver as its own process, and the command line on the same settings."""

    def __init__(self, folder: Path, sandbox: str) -> None:
        self.folder = folder
        self.signing = folder / "signing"
        self.signing.write_text("whsec_old-signing-secret")
        (folder / "mailroom.yaml").write_text(TABLE)
        ours = ("MAILROOM_", "AWS_", "LLAMA_")
        self.env = {name: value for name, value in os.environ.items() if not name.startswith(ours)} | {
            "LLAMA_CLOUD_API_KEY": "llx-test",
            "LLAMA_CLOUD_BASE_URL": sandbox,
            "MAILROOM_SIGNING_SECRETS_FILE": str(self.signing),
            "MAILROOM_OPERATOR_ADDRESS": "127.0.0.1:0",
            "MAILROOM_WEBHOOK_HEADERS": '{"X-Mailroom-Key": ["a-key-of-the-samples"]}',
        }
        self.url = ""

    @contextmanager
    def serving(self) -> Iterator[None]:
        """The receiver, on a free port; it learns its own address as its public URL."""
        port = _free_port()
        self.url = self.env["MAILROOM_PUBLIC_URL"] = f"http://127.0.0.1:{port}"
        with (self.folder / "log").open("wb") as log:
            child = subprocess.Popen(
                [sys.executable, "-m", "receiver", "serve", "--port", str(port)],
                cwd=self.folder, env=self.env | {"PYTHONPATH": str(ROOT)}, stderr=log,
            )  # fmt: skip
        try:
            _until(lambda: httpx.get(f"{self.url}/readyz").is_success)
            yield
        finally:
            child.terminate()
            assert child.wait(timeout=30) == 0

    def run(self, *arguments: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-m", "receiver", *arguments],
            cwd=self.folder, env=self.env | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    def json(self, *arguments: str) -> Any:
        code, said = self.run(*arguments, "--json")
        return code, json.loads(said)


def _free_port() -> int:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _until(holds: Any, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if holds():
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.05)
    raise AssertionError("it did not come true in time")


@pytest.fixture
def mailroom(tmp_path: Path) -> Iterator[Mailroom]:
    with start_sandbox("--instant") as sandbox:
        mailroom = Mailroom(tmp_path, sandbox.url)
        with mailroom.serving():
            yield mailroom


def test_a_triggered_sample_is_let_in_and_a_repetition_is_known(mailroom: Mailroom) -> None:
    code, said = mailroom.json(
        "trigger", "classify.success", "--type", "invoice", "--confidence", "0.9", "--duplicates", "1"
    )
    assert code == 0
    assert [answer["status"] for answer in said["answers"]] == [202, 200]
    assert json.loads(said["body"])["data"]["result"] == {"type": "invoice", "confidence": 0.9}
    assert "a-key-of-the-samples" not in json.dumps(said)


def test_a_string_body_is_let_in_and_a_wrong_signature_is_not(mailroom: Mailroom) -> None:
    code, said = mailroom.json("trigger", "split.success", "--string", "--id-only")
    assert (code, said["answers"][0]["status"]) == (0, 202)
    code, said = mailroom.json("trigger", "split.success", "--wrong-signature")
    assert (code, said["answers"][0]["status"]) == (1, 401)


def test_drift_names_what_differs_and_apply_mends_it(mailroom: Mailroom) -> None:
    assert mailroom.run("webhooks", "drift") == (1, "nothing is saved for our URL; mailroom webhooks apply saves it\n")
    assert mailroom.run("webhooks", "apply")[0] == 0
    assert mailroom.run("webhooks", "drift")[0] == 0
    (saved,) = mailroom.json("webhooks", "list")[1]["webhooks"]
    base, key = mailroom.env["LLAMA_CLOUD_BASE_URL"], {"Authorization": "Bearer llx-test"}
    changed = {"webhook_url": "http://127.0.0.1:1/else", "webhook_output_format": "string"}
    httpx.put(f"{base}/api/v1/beta/webhook-configs/{saved['id']}", json=changed, headers=key).raise_for_status()
    code, said = mailroom.json("webhooks", "drift")
    assert code == 1
    assert any("format is string" in item for item in said["drift"]) or any(
        "nothing is saved" in item for item in said["drift"]
    )


def test_the_doctor_sees_its_own_event_arrive(mailroom: Mailroom) -> None:
    code, said = mailroom.json("doctor", "--wait", "30")
    assert code == 0, said
    whats = [item["what"] for item in said["findings"]]
    assert whats == ["settings", "store", "LlamaCloud", "folder://./filed/", "sweep", "public URL", "self-test job"]
    assert mailroom.json("balance")[1]["taken_in"] == 0


def test_the_doctor_says_when_jobs_take_longer_than_the_deadline(mailroom: Mailroom) -> None:
    faults = f"{mailroom.env['LLAMA_CLOUD_BASE_URL']}/_sandbox/faults"
    httpx.put(faults, json={"delay": {"probability": 1, "seconds": 2}}).raise_for_status()
    (mailroom.folder / "mailroom.yaml").write_text(TABLE + "deadline: 1 second\n")
    code, said = mailroom.json("doctor", "--wait", "30")
    assert code == 1
    (finding,) = [item for item in said["findings"] if not item["fine"]]
    assert finding["what"] == "self-test job"
    assert "the deadline is 1 s; raise deadline in mailroom.yaml" in finding["detail"]


def test_the_doctor_names_the_project_and_fails_for_one_that_the_key_does_not_open(mailroom: Mailroom) -> None:
    def about_llamacloud(project: str) -> dict[str, Any]:
        mailroom.env["LLAMA_CLOUD_PROJECT_ID"] = project
        _, said = mailroom.json("doctor", "--no-job")
        (finding,) = [item for item in said["findings"] if item["what"] == "LlamaCloud"]
        return dict(finding)

    ours = own_project(mailroom.env["LLAMA_CLOUD_API_KEY"])
    found = about_llamacloud(ours)
    assert found["fine"]
    assert f"project Default ({ours})" in found["detail"]
    wrong = about_llamacloud("11111111-aaaa-4aaa-8aaa-111111111111")
    assert not wrong["fine"]
    assert "does not open this project; it opens: Default" in wrong["detail"]


def test_the_doctor_looks_for_the_saved_webhooks_that_the_table_names(mailroom: Mailroom) -> None:
    def saved_webhooks(named: str) -> dict[str, Any]:
        ids = f"  webhook_configuration_ids: [{named}]\n"
        (mailroom.folder / "mailroom.yaml").write_text(TABLE.replace("  rules:", f"{ids}  rules:", 1))
        _, said = mailroom.json("doctor", "--no-job")
        (finding,) = [item for item in said["findings"] if item["what"] == "saved webhooks"]
        return dict(finding)

    assert mailroom.run("webhooks", "apply")[0] == 0
    (saved,) = mailroom.json("webhooks", "list")[1]["webhooks"]
    assert saved_webhooks(saved["id"])["fine"]
    missing = saved_webhooks(f"{saved['id']}, whc-none")
    assert not missing["fine"]
    assert "LlamaCloud has no whc-none; correct webhook_configuration_ids" in missing["detail"]


def test_a_rotation_under_load_refuses_no_event_and_drops_the_old_secret(mailroom: Mailroom) -> None:
    answers: list[int] = []
    stop = threading.Event()
    sender = threading.Thread(target=_send, args=(mailroom, answers, stop))
    sender.start()
    try:
        code, said = mailroom.run(
            "webhooks", "rotate", "signing", "--new", "whsec_new-signing-secret", "--quiet-seconds", "3"
        )
    finally:
        stop.set()
        sender.join()
    assert code == 0, said
    assert mailroom.signing.read_text() == "whsec_new-signing-secret"
    assert len(answers) > 20
    assert set(answers) == {202}
    assert _post(mailroom, "whsec_old-signing-secret") == 401


def _send(mailroom: Mailroom, answers: list[int], stop: threading.Event) -> None:
    """Events as LlamaCloud would send them: with the secret that was the first when the job was created, until the
    switch, and with the new one from then on."""
    while not stop.is_set():
        answers.append(_post(mailroom, mailroom.signing.read_text().split(",")[0]))
        time.sleep(0.05)


def _post(mailroom: Mailroom, secret: str) -> int:
    name = os.urandom(8).hex()  # a job of its own each: of one job only so many events are kept at once
    sample = Sample(event_id=name, type="parse.success", job_id=name, timestamp=time.time())
    proofs = Proofs(headers={"X-Mailroom-Key": "a-key-of-the-samples"}, signing_secret=secret.encode())
    body = sample.body()
    return httpx.post(
        f"{mailroom.url}/webhooks/llamacloud", content=body, headers=proof_headers(sample, body, proofs)
    ).status_code
