"""The proof, small enough for every day: each I/O boundary once. docs/chaos.md has the figures of the big one."""

import asyncio
from pathlib import Path

import pytest

from tests.chaos.run import Plan, Report, run

pytestmark = [pytest.mark.slow, pytest.mark.aws, pytest.mark.timeout(600)]
DELIVERING = ("after:destination.s3", "after:destination.sqs", "after:aws.put_object", "after:aws.send_message")


def carried_out(plan: Plan, folder: Path) -> Report:
    return asyncio.run(run(plan, folder))


def test_nothing_is_lost_doubled_or_misplaced_however_the_processes_die(tmp_path: Path) -> None:
    report = carried_out(Plan(documents=300, minutes=8), tmp_path)
    assert report.verdict.findings == {"lost": [], "doubled": [], "misplaced": [], "unexplained": []}
    assert report.verdict.doubled_messages <= report.verdict.bound
    assert report.unreached == []
    counts = report.verdict.counts()
    assert counts["taken_in"] == 300 == counts["routed"] + counts["review"] + counts["failed"]


def test_without_any_webhook_the_sweep_finds_every_document(tmp_path: Path) -> None:
    plan = Plan(documents=80, seconds=10, boundaries=("before:store.swept", "after:store.swept"), webhooks=False)
    report = carried_out(plan, tmp_path)
    assert report.good, report.verdict.findings
    assert report.verdict.taken_in == 80


def test_acknowledging_before_the_commit_is_found_out_as_a_loss(tmp_path: Path) -> None:
    plan = Plan(
        documents=60, seconds=15, boundaries=(), random_kill_seconds=2, minutes=1,
        app="tests.chaos.broken:acknowledges_early",
    )  # fmt: skip
    report = carried_out(plan, tmp_path)
    lost = report.verdict.findings["lost"]
    assert any("not in the store" in one for one in lost)
    assert not report.good


def test_names_that_are_drawn_anew_are_found_out_as_doubles(tmp_path: Path) -> None:
    plan = Plan(documents=80, seconds=15, boundaries=DELIVERING, minutes=1, app="tests.chaos.broken:forgets_names")
    report = carried_out(plan, tmp_path)
    doubled = report.verdict.findings["doubled"]
    assert any("objects under" in one for one in doubled)
    assert not report.good
