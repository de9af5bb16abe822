"""The proof on DynamoDB and SQS: two receivers and two workers, small enough for every day."""

import asyncio
from pathlib import Path

import pytest

from tests.chaos.run import Plan, run

pytestmark = [pytest.mark.slow, pytest.mark.aws, pytest.mark.timeout(2400)]
DEADLY = (
    *("before:store.keep", "after:store.keep", "after:store.ingest", "after:store.claim", "before:store.submit"),
    *("after:store.react", "after:store.deliver", "before:store.piece", "after:store.piece", "after:cutter.cut"),
    *("after:store.forgetting", "after:aws.delete_object", "before:store.forgotten"),
    *(
        "before:queue.enqueue",
        "after:queue.receive",
        "before:queue.ack",
        "after:aws.send_message",
        "after:aws.copy_object",
    ),
)


def test_nothing_is_lost_doubled_or_misplaced_on_dynamodb_and_sqs(tmp_path: Path) -> None:
    plan = Plan(
        documents=50, packets=0.3, seconds=10, minutes=30, boundaries=DEADLY, random_kill_seconds=12, aws=True
    )  # fmt: skip
    report = asyncio.run(run(plan, tmp_path))
    verdict = report.verdict
    assert verdict.findings == {"lost": [], "doubled": [], "misplaced": [], "unexplained": []}
    assert verdict.doubled_messages <= verdict.bound
    assert report.unreached == []
    assert report.handed_in >= 50
    assert verdict.taken_in == report.handed_in + verdict.pieces == verdict.settled
