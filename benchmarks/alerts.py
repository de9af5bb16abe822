"""A bad hour: how often each alert channel is told while a third of the mail fails.

2,000 documents come in an hour, 30 % of them fail of five causes whose messages hold ids, and one channel is down for
five minutes. Then each failure is mended by a command that its alert carries. Printed is what each channel was told;
the exit code is 1 when that is more than ten notices of failures, an incident is missing, or one is not resolved. The
mailroom is real but for its clock, LlamaCloud and channels, which are played; it takes no hour.

Usage: python -m benchmarks.alerts [--documents 2000]
"""

import argparse
import asyncio
import sys
import tempfile
import uuid
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from receiver.core.change import Query
from receiver.core.document import Document, DocumentState
from receiver.core.errors import DestinationBusy
from receiver.core.incident import Status
from receiver.core.job import JobStatus
from receiver.flow.every import every
from receiver.flow.sweep import sweep
from tests.commands import run, terminal
from tests.desk import TABLE, Desk, PlayedChannel

SECOND = "https://second.example.com"
ROUTES = TABLE + f'  - {{on: ["*"], to: "{SECOND}"}}\n'
CAUSES = (
    "Source file {id} not found",
    "Page {n} of 'scan {n}.pdf' has no text layer",
    "Document {id} has more than the {n} pages allowed",
    "The model refused request req_{id}",
    "Could not parse page {n}",
)
PERCENT, HOUR, MINUTES, MOST = 30, 3600.0, 60, 10
DOWN = range(20, 25)
"""The minutes in which the second channel is down."""


def main() -> None:
    """Plays the hour, mends, and prints what was told."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=2000)
    count = parser.parse_args().documents
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(0 if hold(Path(folder), count) else 1)


def hold(folder: Path, count: int) -> bool:
    """Whether the channels heard what they must, and no more."""
    desk, second = Desk(folder, ROUTES), PlayedChannel()
    desk.tools = replace(desk.tools, channels={"log": desk.channel, SECOND: second})
    asyncio.run(goes_bad(desk, second, count))
    causes = [one for one in asyncio.run(desk.incidents()) if one.kind == "job.failed"]
    mend(desk)
    asyncio.run(comes_right(desk))
    after = [one for one in asyncio.run(desk.incidents()) if one.kind == "job.failed"]
    failed = sum(one.count for one in causes)
    print(f"{count} documents, {failed} failed, {len(causes)} incidents; after mending {len(after)} on record")
    told = {to: Counter(channel.words) for to, channel in (("log", desk.channel), (SECOND, second))}
    for to, words in told.items():
        print(f"{to}: {sum(words.values())} notices: " + ", ".join(f"{n} {word}" for word, n in words.items()))
    return (
        len(causes) == len(CAUSES)
        and all(one.status is Status.RESOLVED for one in after)
        and all(words["firing job.failed"] <= MOST for words in told.values())
        and all(words["resolved job.failed"] == len(CAUSES) for words in told.values())
    )


async def goes_bad(desk: Desk, second: PlayedChannel, count: int) -> None:
    """The hour, a minute after the other."""
    for number in range(count):
        minute = number * MINUTES // count
        second.broken = DestinationBusy("503") if minute in DOWN else None
        document = await desk.submitted(name=f"{number}.pdf", content=b"%%PDF-1.7 %d" % number)
        failed = number * PERCENT // 100
        if fails := (number + 1) * PERCENT // 100 > failed:
            error = CAUSES[failed % len(CAUSES)].format(id=uuid.UUID(int=number), n=number)
            desk.cloud.finish(document.job_id, JobStatus.FAILED, error=error)
        else:
            desk.cloud.classified(document.job_id, "invoice")
        await desk.event(document.job_id, "classify.error" if fails else "classify.success")
        await desk.work()
        desk.later(HOUR / count)
        if (number + 1) * MINUTES // count != minute:
            await sweep(desk.tools)
            await desk.work(rounds=100)


def mend(desk: Desk) -> None:
    """Copies the first command for a whole incident out of each alert of a failure, and runs it."""
    alerts = [notice for notice, _ in desk.channel.told if notice.kind == "job.failed"]
    commands = {next(one for one in notice.commands if "--cause" in one) for notice in alerts}
    with pytest.MonkeyPatch.context() as patched, terminal(desk, ROUTES, patched):
        for command in sorted(commands):
            done = run(command, WHY="the sender was told")
            print(f"$ {command}\n  {(done.output.strip().splitlines() or [''])[-1]}")


async def comes_right(desk: Desk) -> None:
    """LlamaCloud reads what was submitted anew, and the sweep passes for a few minutes."""
    await desk.work(rounds=1000)
    async for document in every(Document, Query(limit=200), desk.store):
        if document.state is DocumentState.OPEN:
            desk.cloud.classified(document.job_id, "invoice")
            await desk.event(document.job_id)
    for _ in range(6):
        await desk.work(rounds=1000)
        desk.later(130)
        await sweep(desk.tools)
    await desk.work(rounds=1000)


if __name__ == "__main__":
    main()
