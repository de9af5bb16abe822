"""An outsider at the door of a real receiver, with LlamaCloud's stand-in behind it: only HTTP goes in.

The outsider has the static header, the signing secret and the token of one document: all that LlamaCloud is told of it.
What became of it is read from the store's file and asked of LlamaCloud. The same attacks, and many more of their kind,
are made without processes in tests/unit/pipeline/test_whose_word.py.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from llamacloud_sandbox.testing import start_sandbox
from receiver.core import token
from receiver.core.change import Query, R
from receiver.core.document import Document, DocumentState, Step
from receiver.core.job import Job
from receiver.core.task import Task, TaskState
from receiver.core.verify_webhook import TOKEN_HEADER, sign
from receiver.pipeline.event_limit import BURST
from receiver.ports import Store
from receiver.store.sqlite.store import SqliteStore
from tests.e2e.test_tutorial import free_port

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
HEADER, TOKENS, SIGNING = "the-static-header-of-this-test", "the-token-secret-of-this-test", "whsec_the-signing-secret"
TABLE = """\
classify:
  rules:
    - {type: invoice, description: "contains an invoice number, line items and a total amount due"}
    - {type: contract, description: "a legal agreement between parties with obligations and signatures"}
routes:
  - {type: invoice, to: ["folder://./filed/invoices/"]}
  - {type: contract, to: ["folder://./filed/contracts/"]}
no_match: {review: true}
low_confidence: {review: true}
failed: {to: ["folder://./filed/failed/"]}
"""
CONFIGURATION = {"rules": yaml.safe_load(TABLE)["classify"]["rules"]}
INVOICE = (ROOT / "samples" / "invoice-northlight-electrical.pdf").read_bytes()
CONTRACT = (ROOT / "samples" / "contract-mutual-nda.pdf").read_bytes()


class Place:
    """A receiver with its store, and LlamaCloud."""

    def __init__(self, folder: Path, cloud: str, port: int) -> None:
        self.folder = folder
        self.cloud = httpx.Client(base_url=cloud, headers={"Authorization": "Bearer llx-1"}, trust_env=False)
        self.door = httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False)
        (folder / "mailroom.yaml").write_text(TABLE)
        ours = ("MAILROOM_", "AWS_", "LLAMA_")
        self.env = {name: value for name, value in os.environ.items() if not name.startswith(ours)} | {
            "LLAMA_CLOUD_API_KEY": "llx-1",
            "LLAMA_CLOUD_BASE_URL": cloud,
            "MAILROOM_PUBLIC_URL": f"http://127.0.0.1:{port}",
            "MAILROOM_OPERATOR_ADDRESS": "127.0.0.1:0",
            "MAILROOM_WEBHOOK_HEADERS": json.dumps({"X-Mailroom-Key": [HEADER]}),
            "MAILROOM_TOKEN_SECRETS": TOKENS,
            "MAILROOM_SIGNING_SECRETS": SIGNING,
            "PYTHONPATH": str(ROOT),
        }

    def mailroom(self, *arguments: str) -> str:
        command = [sys.executable, "-m", "receiver", *arguments]
        done = subprocess.run(command, cwd=self.folder, env=self.env, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def submit(self, name: str, content: bytes) -> str:
        """The id of the document that this file becomes."""
        (self.folder / name).write_bytes(content)
        return str(json.loads(self.mailroom("submit", name, "--json"))["documents"][0]["document_id"])

    def faults(self, **faults: Any) -> None:
        self.cloud.put("/_sandbox/faults", json=faults).raise_for_status()

    def say(self, token_of: str, event_type: str, event_id: str, **data: str) -> int:
        """The status of the answer to an event with the token of this document."""
        said = {"event_id": event_id, "event_type": event_type, "timestamp": time.time(), "data": data}
        body = json.dumps(said).encode()
        proofs = {
            "Content-Type": "application/json",
            "X-Mailroom-Key": HEADER,
            "LC-Signature": sign(body, SIGNING.encode()).decode(),
            TOKEN_HEADER: token.make_token(token_of, TOKENS.encode(), expires_at=time.time() + 3600),
        }
        return self.door.post("/webhooks/llamacloud", content=body, headers=proofs).status_code

    def somebody_elses_job(self) -> str:
        """A finished job of the same project, created without Mailroom."""
        uploaded = self.cloud.post(
            "/api/v1/beta/files", data={"purpose": "classify"}, files={"file": ("theirs.pdf", CONTRACT)}
        )
        asked = {"file_input": uploaded.json()["id"], "configuration": CONFIGURATION}
        job_id = str(self.cloud.post("/api/v2/classify", json=asked).json()["id"])
        self.wait(lambda: self.job(job_id)["status"] == "COMPLETED")
        return job_id

    def job(self, job_id: str) -> dict[str, Any]:
        return dict(self.cloud.get(f"/api/v2/classify/{job_id}").json())

    def jobs(self) -> int:
        return len(self.cloud.get("/api/v2/classify", params={"page_size": 100}).json()["items"])

    def looks(self) -> int:
        """How often LlamaCloud was asked about one job."""
        asked: dict[str, int] = self.cloud.get("/_sandbox/stats").json()["requests"]
        return sum(times for route, times in asked.items() if route.startswith("GET /api/v2/classify/{job_id}"))

    def document(self, document_id: str) -> Document:
        found = self.read(lambda store: store.get(Document, document_id))
        assert isinstance(found, Document)
        return found

    def submitted(self, document_id: str) -> Document:
        """The document, once its job is on record."""
        self.wait(lambda: self.document(document_id).step is Step.SUBMITTED)
        return self.document(document_id)

    def records(self, kind: type[R], by: str = "all", key: str | None = None) -> list[R]:
        return list(self.read(lambda store: store.find(kind, Query(by=by, key=key, limit=500))).records)

    def read(self, ask: Callable[[Store], Awaitable[Any]]) -> Any:
        async def asked() -> Any:
            store = SqliteStore(self.folder / "mailroom.db")
            try:
                return await ask(store)
            finally:
                await store.close()

        return asyncio.run(asked())

    def wait(self, holds: Callable[[], bool]) -> None:
        for _ in range(2400):
            if holds():
                return
            time.sleep(0.05)
        raise AssertionError("it did not come about")

    def quiet(self, *document_ids: str) -> None:
        """Waits until every reaction about these documents is over."""

        def over() -> bool:
            tasks = [task for item in document_ids for task in self.records(Task, "subject", item)]
            reactions = [task for task in tasks if task.kind == "react"]
            return bool(reactions) and all(task.state is TaskState.DONE for task in reactions)

        self.wait(over)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    port = free_port()
    with start_sandbox("--no-limits", "--think", "0.05") as sandbox:
        place = Place(tmp_path_factory.mktemp("outsider"), sandbox.url, port)
        command = [sys.executable, "-m", "receiver", "serve", "--port", str(port)]
        with (place.folder / "log").open("w") as log, place.cloud, place.door:
            serving = subprocess.Popen(command, cwd=place.folder, env=place.env, stdout=subprocess.DEVNULL, stderr=log)
            try:
                place.wait(lambda: _is_up(place))
                yield place
            finally:
                serving.terminate()
                serving.wait(20)


def _is_up(place: Place) -> bool:
    try:
        return place.door.get("/readyz").is_success
    except httpx.TransportError:
        return False


def test_a_foreign_job_routes_no_document_of_ours_while_it_has_no_job_of_its_own(place: Place) -> None:
    foreign = place.somebody_elses_job()
    place.faults(server_error={"next": 10_000, "method": "POST", "path": "/api/v2/classify"})
    ours = place.submit("ours.pdf", INVOICE)
    place.wait(lambda: bool(place.document(ours).transactions))
    before = place.document(ours)
    assert before.step is Step.RECEIVED
    for number, event_type in enumerate(["classify.stuck", "classify.success", "classify.error"]):
        assert place.say(ours, event_type, f"foreign-{number}", job_id=foreign) == 202
    place.quiet(ours)
    assert place.document(ours) == before
    place.faults()
    place.wait(lambda: place.document(ours).state is DocumentState.ROUTED)
    assert place.document(ours).type == "invoice"


def test_no_word_from_outside_cancels_a_job_or_has_it_paid_for_again(place: Place) -> None:
    place.faults(stuck_job={"next": 1})
    ours = place.submit("slow.pdf", INVOICE + b"\n%slow")
    place.wait(lambda: place.document(ours).step is Step.SUBMITTED)
    before, jobs = place.document(ours), place.jobs()
    words = [
        f"{kind}.{word}" for kind in ("classify", "split", "recheck") for word in ("stuck", "gone", "check", "poll")
    ]
    for number, word in enumerate(words):
        assert place.say(ours, word, f"word-{number}", job_id=before.job_id) == 202
    place.quiet(ours)
    assert place.document(ours) == before
    assert (place.job(before.job_id)["status"], place.jobs()) == ("PENDING", jobs)


def test_the_token_of_one_document_moves_no_other(place: Place) -> None:
    # No event comes, and whoever asks LlamaCloud about its jobs is told nothing: both documents stay submitted.
    place.faults(drop={"probability": 1}, server_error={"probability": 1, "method": "GET", "path": "/api/v2/classify"})
    ours, theirs = place.submit("a.pdf", INVOICE + b"\n%a"), place.submit("b.pdf", CONTRACT + b"\n%b")
    place.submitted(ours)
    before = place.submitted(theirs)
    jobs, looks = place.records(Job, "document", theirs), place.looks()
    assert place.say(ours, "classify.success", "both", job_id="cls-nope", id=before.job_id) == 401
    assert place.say(ours, "classify.success", "straight", job_id=before.job_id) == 401
    for number, (event_type, event_id, job_id) in enumerate(
        [
            ("classify.success", before.job_id, ""),
            ("classify.success", "evt-of-theirs", ""),
            *(("finished", f"swept-{number}", f"recheck:{before.job_id}") for number in range(3)),
            *((f"swept:{number}", f"glued-{number}", f"{before.job_id}:classify.success") for number in range(10)),
            ("classify.success", "slashed", f"../classify/{before.job_id}"),
            ("classify.success", "queried", f"{before.job_id}?x=1"),
        ]
    ):
        assert place.say(ours, event_type, event_id, **({"job_id": job_id} if job_id else {})) == 202, number
    place.quiet(ours)
    assert (place.document(theirs), place.records(Job, "document", theirs)) == (before, jobs)
    assert place.looks() == looks
    place.faults()
    assert place.say(theirs, "classify.success", "evt-of-theirs", job_id=before.job_id) == 202
    place.wait(lambda: place.document(theirs).state is DocumentState.ROUTED)
    assert place.document(theirs).type == "contract"


def test_a_flood_about_jobs_that_nobody_knows_costs_llamacloud_nothing(place: Place) -> None:
    place.faults(stuck_job={"next": 1})
    ours = place.submit("c.pdf", INVOICE + b"\n%c")
    place.submitted(ours)
    looks = place.looks()
    statuses = [place.say(ours, "classify.success", f"flood-{n}", job_id=f"cls-{n}") for n in range(200)]
    assert statuses == [202] * BURST + [429] * (200 - BURST)
    place.quiet(ours)
    # On a busy machine its own job is overdue meanwhile, and asked for; each job of the flood would be one look more.
    assert place.looks() - looks < BURST // 8
    assert place.records(Task, "state", TaskState.PARKED) == []
