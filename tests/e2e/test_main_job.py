"""The main job as a user runs it: one command, real servers, every delivery read back."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "samples"
DEMO = [sys.executable, "-m", "receiver", "demo"]

pytestmark = [pytest.mark.slow, pytest.mark.aws]


def environment(**more: str) -> dict[str, str]:
    ours = ("MAILROOM_", "AWS_", "LLAMA_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)} | more


def demo(*arguments: str, **env: str) -> tuple[int, dict[str, Any], str]:
    done = subprocess.run(
        [*DEMO, "--once", "--json", *arguments],
        cwd=ROOT,
        env=environment(**env),
        capture_output=True,
        text=True,
        timeout=240,
    )
    return done.returncode, json.loads(done.stdout or "{}"), done.stderr


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    code, report, stderr = demo()
    assert code == 0, stderr
    return report


def by_name(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {item["name"]: item for item in report["documents"]}


def test_the_books_balance_and_nothing_is_open(report: dict[str, Any]) -> None:
    totals = report["balance"]
    assert totals["taken_in"] == len(report["documents"]) == totals["routed"] + totals["review"] + totals["failed"]
    assert totals["open"] == 0


def test_every_delivery_lies_where_the_report_says(report: dict[str, Any]) -> None:
    deliveries = [each for item in report["documents"] for each in item["deliveries"]]
    assert deliveries
    assert {each["status"] for each in deliveries} == {"delivered"}
    assert all(each["location"].startswith(("s3://mail/", "sqs://")) for each in deliveries)


def test_each_kind_of_mail_goes_its_own_way(report: dict[str, Any]) -> None:
    documents = by_name(report)
    assert documents["invoice-harbour-freight.pdf"]["type"] == "invoice"
    assert documents["rechnung-tischlerei-brandt.pdf"]["type"] == "invoice"
    assert documents["contract-mutual-nda.pdf"]["type"] == "contract"
    assert documents["bank-statement-may-2026.pdf"]["type"] == "bank_statement"
    assert documents["contract-mutual-nda.pdf"]["state"] == "routed"


def test_three_different_failures_stay_three(report: dict[str, Any]) -> None:
    documents = by_name(report)
    no_match, low, failed = (
        documents[name] for name in ("recipe-walnut-bread.pdf", "ambiguous-staircase-quote.pdf", "locked-payslip.pdf")
    )
    assert (no_match["type"], no_match["state"]) == (None, "review")
    assert low["state"] == "review"
    assert "below" in low["reason"]
    assert failed["state"] == "failed"
    assert "password" in failed["reason"]
    assert no_match["deliveries"][0]["location"].startswith("s3://mail/unsorted/")
    assert failed["deliveries"][0]["location"].startswith("s3://mail/failed/")


def test_a_hostile_name_lands_inside_its_prefix(report: dict[str, Any]) -> None:
    (hostile,) = (item for item in report["documents"] if item["name"].startswith(".."))
    location = hostile["deliveries"][0]["location"]
    assert location.startswith("s3://mail/finance/invoices/")
    assert location.count("/") == "s3://mail/finance/invoices/2026/11/doc/name".count("/")


def test_a_failed_job_raises_an_alert_with_the_vendors_words_and_a_fix(report: dict[str, Any]) -> None:
    (alert,) = (item for item in report["alerts"] if "locked-payslip" in item["examples"][0]["name"])
    assert alert["kind"] == "job.failed"
    assert alert["commands"][0].startswith("mailroom unlock doc_")


def test_a_file_that_cannot_be_taken_in_is_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    (tmp_path / "empty.pdf").touch()
    code, report, _ = demo(
        str(tmp_path / "empty.pdf"), str(tmp_path / "absent.pdf"), str(SAMPLES / "receipt-trattoria-pinolo.pdf")
    )
    assert code == 1
    assert [Path(item["name"]).name for item in report["refused"]] == ["empty.pdf", "absent.pdf"]
    assert [item["state"] for item in report["documents"]] == ["routed"]


def test_the_users_own_table_is_used_and_its_places_are_made(tmp_path: Path) -> None:
    table = tmp_path / "mine.yaml"
    table.write_text(
        f"""\
classify:
  rules:
    - {{type: rechnung, description: "an invoice or bill: a number, line items and a total amount due"}}
routes:
  - type: rechnung
    to: ["s3://my-own-bucket/in/", "sqs://my-own.fifo", "folder://{tmp_path}/out/"]
no_match: {{review: true}}
low_confidence: {{review: true}}
failed: {{review: true}}
"""
    )
    code, report, stderr = demo(str(SAMPLES / "invoice-harbour-freight.pdf"), MAILROOM_CONFIG=str(table))
    assert code == 0, stderr
    (document,) = report["documents"]
    places = [each["location"].partition("://")[0] for each in document["deliveries"]]
    assert (document["type"], places) == ("rechnung", ["s3", "sqs", "folder"])


def test_two_demos_run_at_once() -> None:
    sample = str(SAMPLES / "receipt-trattoria-pinolo.pdf")
    both = [
        subprocess.Popen([*DEMO, "--once", "--json", sample], cwd=ROOT, env=environment(), stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    reports = [json.loads(item.communicate(timeout=240)[0]) for item in both]
    assert [item.returncode for item in both] == [0, 0]
    assert [item["balance"]["routed"] for item in reports] == [1, 1]


def test_ctrl_c_stops_it_cleanly_and_leaves_no_process_behind() -> None:
    child = subprocess.Popen(
        [*DEMO, str(SAMPLES / "receipt-trattoria-pinolo.pdf")],
        cwd=ROOT, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    assert child.stdout is not None
    assert any("Ctrl-C" in line for line in child.stdout)
    os.kill(child.pid, signal.SIGINT)
    _, stderr = child.communicate(timeout=60)
    assert child.returncode == 0, stderr
    assert [line for line in stderr.splitlines() if not line.startswith("starting ")] == []
    assert processes_of_session(child.pid) == []


def processes_of_session(session: int) -> list[int]:
    """The processes that are left of it, once those that are just ending had a moment."""
    for _ in range(50):
        left = [int(item.name) for item in Path("/proc").iterdir() if item.name.isdigit() and _session(item) == session]
        if not left:
            return []
        time.sleep(0.1)
    return left


def _session(process: Path) -> int:
    try:
        return os.getsid(int(process.name))
    except ProcessLookupError:
        return -1
