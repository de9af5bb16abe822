"""What a document costs on AWS, counted: it may become less, and not more unseen."""

import pytest

from benchmarks.aws_costs import BEGIN, END, PAGE, lines, tables, written
from benchmarks.aws_counts import Counts, counted

pytestmark = pytest.mark.aws
WRITE_UNITS = 70
"""Of one document to a bucket and a queue; 126 before records were compressed."""
REQUESTS = {"llamacloud": 4, "s3": 10, "sqs": 3, "dynamodb": 26}
"""At most; reads and writes of the table vary a little with what meets."""


def test_a_document_costs_no_more_than_is_said() -> None:
    counts = counted(1)
    assert counts.write_units <= WRITE_UNITS, counts.units
    assert {name: counts.of(name) for name in REQUESTS if counts.of(name) > REQUESTS[name]} == {}, counts.requests
    assert dict(counts.invocations) == {"intake": 1, "process": 2, "receive": 1}


def test_the_page_has_the_table_that_the_benchmark_writes() -> None:
    page = PAGE.read_text(encoding="utf-8")
    there = page.partition(BEGIN)[2].partition(END)[0]
    counts = Counts()
    counts.invocations["receive"] = 1
    assert [line.what for line in lines(counts, 1) if f"| {line.what} |" not in there] == []
    assert f"| DynamoDB write units | {WRITE_UNITS} |" in there
    assert tables(counts, 1) in written(page, tables(counts, 1))
