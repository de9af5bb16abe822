"""What Mailroom on AWS costs: counts documents (benchmarks/aws_counts.py) and writes the table of docs/deploy-aws.md.

Usage: python -m benchmarks.aws_costs [--write]     without --write the tables are printed
"""

import argparse
import re
from pathlib import Path
from typing import NamedTuple

from benchmarks.aws_counts import Counts, counted

PAGE = Path(__file__).parents[1] / "docs" / "deploy-aws.md"
BEGIN, END = "<!-- written by python -m benchmarks.aws_costs --write -->", "<!-- end -->"
COUNTED = 4
MILLION = 1_000_000
VOLUMES = {"10 thousand": 10_000, "1 million": MILLION, "30 million": 30 * MILLION}
"""Documents a month."""
KILOBYTES = 200
"""Of a document, and of its log lines: as assumed, not counted."""
LOG_KILOBYTES = 15
SECONDS = {"receive": (0.05, 0.5), "intake": (0.5, 0.5), "process": (1.0, 1.0)}
"""Seconds and GB of one invocation, as assumed: most of it waits for LlamaCloud and AWS. One of ``process`` does two
tasks: a submission alone, or a result with its deliveries."""
IDLE = 12.0
"""A month, whatever comes: alarms, metrics, secrets, the sweep and the polls of the queues."""


class Line(NamedTuple):
    """One line of the bill: so many of it for each document, and dollars for each."""

    what: str
    number: float
    dollars: float
    rule: str


def lines(counts: Counts, documents: int) -> list[Line]:
    """The bill of one document. Prices are those of us-east-1 in 2026-11, without free tiers."""
    each = 1 / documents
    reads = sum(n for name, n in counts.requests.items() if name in ("s3.GetObject", "s3.HeadObject"))
    writes = counts.of("s3") - reads
    calls = {name: number * each for name, number in counts.invocations.items()}
    work = sum(number * SECONDS[name][0] * SECONDS[name][1] for name, number in calls.items())
    # Each message is also received and deleted by Lambda's poller; the routed one by its consumer, which is yours.
    messages = sum(n for name, n in counts.requests.items() if name.startswith("sqs.SendMessage")) * each
    queue = counts.of("sqs") * each + 2 * messages + 2  # and the inbox's notification
    gigabytes = 2 * KILOBYTES / 1e6
    return [
        Line("DynamoDB write units", counts.write_units * each, 0.625 / MILLION, "0.625 a million"),
        Line("DynamoDB read units", counts.read_units * each, 0.125 / MILLION, "0.125 a million"),
        Line("Lambda, GB-seconds", work, 0.0000133334, "13.33 a million"),
        Line("Lambda, invocations", sum(calls.values()), 0.20 / MILLION, "0.20 a million"),
        Line("HTTP API, requests", calls["receive"], 1.00 / MILLION, "1.00 a million"),
        Line("SQS, requests", queue, 0.40 / MILLION, "0.40 a million"),
        Line("S3, writes and copies", writes * each + 1, 0.005 / 1000, "0.005 a thousand; one is the upload"),
        Line("S3, reads", reads * each, 0.0004 / 1000, "0.0004 a thousand"),
        Line("S3, GB kept a month", gigabytes, 0.023, f"0.023; 2 copies of {KILOBYTES} KB"),
        Line("table, GB kept a month", counts.bytes_kept * each / 1e9, 0.45, "0.25, and 0.20 for recovery"),
        Line("logs, GB", LOG_KILOBYTES / 1e6, 0.50, f"0.50; {LOG_KILOBYTES} KB"),
        Line("LlamaCloud, requests", counts.of("llamacloud") * each, 0.0, "its credits come on top"),
    ]


def tables(counts: Counts, documents: int) -> str:
    """Both tables, in Markdown."""
    found = lines(counts, documents)
    kinds = ", ".join(f"{kind} {number / documents:g}" for kind, number in counts.units.most_common())
    head = "| of one document | number | price, $ | " + " | ".join(f"{name}, $" for name in VOLUMES) + " |"
    rows = [
        f"| {line.what} | {_number(line.number)} | {line.rule} | "
        + " | ".join(f"{line.number * line.dollars * volume:,.2f}" for volume in VOLUMES.values())
        + " |"
        for line in found
    ]
    totals = [sum(line.number * line.dollars for line in found) * volume for volume in VOLUMES.values()]
    idle = f"| idle or not (below) | | | {' | '.join(f'{IDLE:,.2f}' for _ in VOLUMES)} |"
    together = f"| **a month** | | | {' | '.join(f'**{total + IDLE:,.0f}**' for total in totals)} |"
    asked = ", ".join(f"{name} {number / documents:g}" for name, number in sorted(counts.requests.items()))
    return "\n".join([
        head, "| --- | --- | --- |" + " --- |" * len(VOLUMES), *rows, idle, together, "",
        f"Write units by kind of record: {kinds}.", f"Requests: {asked}.",
    ])  # fmt: skip


def _number(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".") if value < 1 else f"{value:.1f}".removesuffix(".0")


def written(page: str, text: str) -> str:
    """The page with these tables between its two marks."""
    return re.sub(f"{re.escape(BEGIN)}.*?{re.escape(END)}", lambda _: f"{BEGIN}\n{text}\n{END}", page, flags=re.DOTALL)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write them into docs/deploy-aws.md")
    asked = parser.parse_args()
    text = tables(counted(COUNTED), COUNTED)
    if asked.write:
        PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), text), encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
