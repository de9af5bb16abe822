"""A machine is lost and comes back from its backup: nothing that was in it is lost, and nothing is doubled anywhere."""

import hashlib
import json
import shutil
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest

from llamacloud_sandbox.testing import start_sandbox
from tests.processes import ROOT, free_port, ran, running, until, working

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
SAMPLES = ROOT / "samples"
EVERY_STATE = (
    "contract-mutual-nda.pdf",  # routed
    "recipe-walnut-bread.pdf",  # no rule fits: review
    "ambiguous-staircase-quote.pdf",  # too uncertain: review
    "locked-payslip.pdf",  # failed
    "receipt-trattoria-pinolo.pdf",  # its place cannot be made: parked
)
INVOICE = (SAMPLES / "invoice-harbour-freight.pdf").read_bytes()
TABLE = """\
classify:
  rules:
    - {type: invoice, description: "contains an invoice number, line items and a total amount due"}
    - {type: contract, description: "a legal agreement between parties with obligations and signatures"}
    - {type: receipt, description: "a receipt of a shop or restaurant: items bought, a total, paid by cash or card"}
split: {then: classify}
routes:
  - {type: invoice, min_confidence: 0.5, to: ["folder://OUT/invoices/"]}
  - {type: contract, min_confidence: 0.5, to: ["folder://OUT/contracts/"]}
  - {type: receipt, min_confidence: 0.5, to: ["folder://OUT/a-file/receipts/"]}
no_match: {to: ["folder://OUT/unsorted/"], review: true}
low_confidence: {review: true}
failed: {to: ["folder://OUT/failed/"]}
packet: {to: ["folder://OUT/packets/"]}
alerts: [{on: ["*"], to: log}]
deadline: 4 seconds
"""


class Office:
    """What stays when the machine goes: table and secrets, the destinations, LlamaCloud, the backup, the senders."""

    def __init__(self, folder: Path, cloud: str) -> None:
        self.machine, self.out, self.backup = folder / "machine", folder / "out", folder / "backup"
        self.port, self.operator = free_port(), free_port()
        self.out.mkdir()
        (self.out / "a-file").touch()
        (folder / "mailroom.yaml").write_text(TABLE.replace("OUT", str(self.out)))
        self.env = working(
            LLAMA_CLOUD_BASE_URL=cloud,
            MAILROOM_OPERATOR_ADDRESS=f"127.0.0.1:{self.operator}",
            MAILROOM_CONFIG=str(folder / "mailroom.yaml"),
            MAILROOM_PUBLIC_URL=f"http://127.0.0.1:{self.port}",
            MAILROOM_STORE=f"sqlite:///{self.machine}/mailroom.db",
            MAILROOM_SWEEP_SECONDS="1",
            MAILROOM_LEASE_SECONDS="5",
        )
        self.sent: dict[str, bytes] = {}

    def send(self, name: str, content: bytes, *, packet: bool = False) -> None:
        """Sends a document until it is acknowledged."""
        token = {"authorization": f"Bearer {self.env['MAILROOM_ADMIN_TOKEN']}"}
        url = f"http://127.0.0.1:{self.operator}/documents?packet={str(packet).lower()}"
        answer = httpx.post(url, files={"file": (name, content)}, headers=token, timeout=30)
        assert answer.status_code == 202, answer.text
        self.sent[name] = content

    def documents(self, **env: str) -> list[dict[str, Any]]:
        done = ran(self.machine.parent, "documents", "--limit", "2000", "--json", env={**self.env, **env})
        assert done.code == 0, done.err
        found: list[dict[str, Any]] = json.loads(done.out)["documents"]
        return found

    def balance(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(ran(self.machine.parent, "balance", "--json", env=self.env).out)
        return found

    def settled(self) -> bool:
        return bool(self.balance()["open"] == 0)

    def command(self, *arguments: str | Path) -> dict[str, Any]:
        done = ran(self.machine.parent, *map(str, arguments), "--json", env=self.env)
        assert done.code == 0, done.err
        found: dict[str, Any] = json.loads(done.out)
        return found


def test_a_lost_machine_comes_back_from_its_backup(tmp_path: Path) -> None:
    with start_sandbox("--think", "0.3", "--no-limits") as sandbox:
        office = Office(tmp_path, sandbox.url)
        office.machine.mkdir()
        serve = ("serve", "--port", str(office.port))
        with running(tmp_path, *serve, env=office.env) as process:
            for name in EVERY_STATE:
                office.send(name, (SAMPLES / name).read_bytes())
            office.send("morning.pdf", (SAMPLES / "packets" / "morning-mail.pdf").read_bytes(), packet=True)
            until(office.settled, "all are settled")
            with sending(office):
                until(lambda: len(office.sent) > 15, "mail comes in")
                made = office.command("backup", office.backup)
                until(lambda: len(office.sent) > 30, "more mail comes in")
            process.process.kill()
            process.process.wait()
            shutil.rmtree(office.machine)
            process.process.returncode = 0
        shutil.copyfile(office.backup / "mailroom.db", tmp_path / "look.db")
        in_backup = office.documents(MAILROOM_STORE=f"sqlite:///{tmp_path}/look.db")
        assert {item["state"] for item in in_backup} == {"open", "routed", "review", "failed"}
        assert len(in_backup) == made["documents"] < len(office.sent) + 5

        office.machine.mkdir()
        assert office.command("restore", office.backup) == made
        with running(tmp_path, *serve, env=office.env):
            until(office.settled, "what was under way in the backup is settled")
            there = {item["document_id"]: item for item in office.documents()}
            for item in in_backup:
                assert item["document_id"] in there, item["name"]
                assert item["state"] == "open" or there[item["document_id"]]["state"] == item["state"], item
            for name, content in list(office.sent.items()):  # their senders have them still
                office.send(name, content, packet=name == "morning.pdf")
            until(office.settled, "all of it is settled")
            everything_in_its_place(office, sandbox.url)


class sending:  # noqa: N801 - reads like the function that it could be
    """Somebody who sends one invoice after the other while the block lasts."""

    def __init__(self, office: Office) -> None:
        self._office, self._going = office, True
        self._thread = threading.Thread(target=self._send)

    def _send(self) -> None:
        number = 0
        while self._going:
            self._office.send(f"invoice-{number}.pdf", INVOICE + f"\n% copy {number}\n".encode())
            number += 1

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._going = False
        self._thread.join()


def everything_in_its_place(office: Office, cloud: str) -> None:
    documents = office.documents()
    names = Counter(item["name"] for item in documents if "parent" not in item)
    assert names == Counter(office.sent.keys())
    balance = office.balance()
    assert balance["balanced"], balance
    assert balance["taken_in"] == len(documents)
    delivered = Counter(hashlib.sha256(path.read_bytes()).hexdigest() for path in office.out.rglob("*.pdf"))
    for name, content in office.sent.items():
        if name.startswith(("invoice", "contract", "locked", "morning")):
            assert delivered[hashlib.sha256(content).hexdigest()] == 1, name
    assert max(delivered.values()) == 1
    jobs = Counter(item["transaction_id"] for item in pages(f"{cloud}/api/v2/classify"))
    assert max(jobs.values()) == 1
    classified = [item for item in documents if not item.get("packet")]
    assert len(jobs) == len(classified), "one job for each document, and none anew"


def pages(url: str) -> list[dict[str, Any]]:
    """All items of a listing at LlamaCloud."""
    found: list[dict[str, Any]] = []
    token = None
    with httpx.Client(headers={"authorization": "Bearer llx-a-key-for-tests"}) as client:
        while True:
            answer = client.get(url, params={"page_size": 100, **({"page_token": token} if token else {})}).json()
            found += answer["items"]
            token = answer.get("next_page_token")
            if not token:
                return found
