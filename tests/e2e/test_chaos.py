"""The proof, small enough for every day: each I/O boundary once. docs/chaos.md has the figures of the big one."""

import asyncio
from pathlib import Path

import pytest

from tests.chaos.run import Plan, Report, run

pytestmark = [pytest.mark.slow, pytest.mark.aws, pytest.mark.timeout(2400)]
DELIVERING = ("after:destination.s3", "after:destination.sqs", "after:aws.put_object", "after:aws.send_message")
"""Between the delivery and the note of it."""
AT_MOST = 30
"""Minutes. A run ends when its work is done, within six on two idle cores; this only bounds it on a busy machine."""


def carried_out(plan: Plan, folder: Path) -> Report:
    return asyncio.run(run(plan, folder))


def test_nothing_is_lost_doubled_or_misplaced_however_the_processes_die(tmp_path: Path) -> None:
    report = carried_out(Plan(documents=100, packets=0.2, minutes=AT_MOST, seconds=15), tmp_path)
    verdict = report.verdict
    assert verdict.findings == {"lost": [], "doubled": [], "misplaced": [], "unexplained": []}
    assert verdict.doubled_messages <= verdict.bound
    assert report.unreached == []
    assert verdict.taken_in == report.handed_in + verdict.pieces == verdict.settled
    assert report.handed_in >= 100
    assert verdict.pieces > verdict.packets > 10


def test_without_any_webhook_the_sweep_finds_every_document_also_those_by_id(tmp_path: Path) -> None:
    result = ("before:store.swept", "after:store.swept")
    plan = Plan(documents=50, seconds=3, minutes=AT_MOST, boundaries=result, webhooks=False, by_id=1 / 3)
    report = carried_out(plan, tmp_path)
    assert report.good, report.verdict.findings
    assert report.handed_in >= 50
    assert report.by_id > 5
    assert report.verdict.taken_in == report.handed_in + report.verdict.pieces


def test_each_broken_promise_is_found_out(tmp_path: Path) -> None:
    plan = Plan(
        documents=60, seconds=8, packets=0.3, boundaries=DELIVERING, random_kill_seconds=4, minutes=3,
        app="tests.chaos.broken:build",
    )  # fmt: skip
    report = carried_out(plan, tmp_path)
    lost, doubled = report.verdict.findings["lost"], report.verdict.findings["doubled"]
    assert any("acknowledged, and not in the store" in item for item in lost)
    assert any("is in no piece" in item for item in lost)
    assert any("its bytes are gone" in item for item in lost)
    assert any("objects under" in item for item in doubled)
    assert not report.good
