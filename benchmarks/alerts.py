"""A bad hour: how often each alert channel is told while a third of the mail fails.

2,000 documents come in an hour, and 30 % of them fail of five causes whose messages hold ids. One of the causes passes:
Mailroom submits those documents anew by itself, once, and they succeed. In the first five minutes, in which all of it
begins, one channel is down. Then each failure is mended by a command that its alert carries. Printed is what each
channel was told; the exit code is 1 when that is more than ten notices in all, `mailroom alerts` leaves one of the
incidents out, or one is not resolved in the end.

The mailroom is real, with its store in SQLite, but for its clock, LlamaCloud and channels, which are played; it takes
no hour.

Usage: python -m benchmarks.alerts [--documents 2000]
"""

import argparse
import asyncio
import json
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
from receiver.core.incident import Incident, Status
from receiver.core.job import JobStatus
from receiver.metrics import SummingMeter
from receiver.operations.sweep import sweep
from receiver.pipeline.records import every_record
from receiver.store.sqlite.store import SqliteStore
from tests.commands import run, terminal
from tests.in_memory_app import TABLE, InMemoryApp, InMemoryChannel

SECOND = "https://second.example.com"
ROUTES = TABLE + f'  - {{on: ["*"], to: "{SECOND}"}}\n'
PASSES = "Parsing of job {id} timed out after {n} seconds"
CAUSES = (
    "Source file {id} not found",
    "Page {n} of 'scan {n}.pdf' has no text layer",
    PASSES,
    "Document {id} has more than the {n} pages allowed",
    "The model refused request req_{id}",
)
STANDING = len(CAUSES) - 1
"""Causes that a person must mend."""
PERCENT, HOUR, MINUTES, MOST = 30, 3600.0, 60, 10
DOWN = range(5)
"""The minutes in which the second channel is down."""


class KeptStore(SqliteStore):
    """A store that outlasts the commands, each of which closes its own."""

    async def close(self) -> None:
        pass


def main() -> None:
    """Plays the hour, mends, and prints what was told."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=2000)
    count = parser.parse_args().documents
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(0 if hold(Path(folder), count) else 1)


def hold(folder: Path, count: int) -> bool:
    """Whether the channels heard what they must, and no more."""
    app, second = InMemoryApp(folder, ROUTES), InMemoryChannel()
    meter, store = SummingMeter(), KeptStore(folder / "mailroom.db", clock=lambda: app.now)
    app.store = store  # type: ignore[assignment]
    channels = {"log": app.channel, SECOND: second}
    app.context = replace(app.context, store=store, meter=meter, channels=channels)
    try:
        asyncio.run(goes_bad(app, second, count))
        failures = failed(app)
        listed = mend(app)
        asyncio.run(comes_right(app))
        after = failed(app)
    finally:
        asyncio.run(SqliteStore.close(store))
    told = {"log": app.channel.words, SECOND: second.words}
    counts = {(name, *labels): value for name, labels, value in meter.counts()}
    mended = int(counts["mailroom_alerts", "job.failed", "mended"])
    report(count, mended, failures, after, told)
    return (
        len(failures) == STANDING
        and {item.id for item in failures} <= listed
        and all(item.status is Status.RESOLVED for item in after)
        and all(len(words) <= MOST for words in told.values())
        and all(words.count("firing job.failed") == STANDING for words in told.values())
        and all(words.count("resolved job.failed") == STANDING for words in told.values())
    )


def failed(app: InMemoryApp) -> list[Incident]:
    """The incidents of failures."""
    return [item for item in asyncio.run(app.incidents()) if item.kind == "job.failed"]


def report(
    count: int, mended: int, failures: list[Incident], after: list[Incident], told: dict[str, list[str]]
) -> None:
    """Prints what happened, and what each channel was told of it."""
    stood, over = sum(item.count for item in failures), sum(item.status is Status.RESOLVED for item in after)
    print(f"{count} documents, of which {mended + stood} failed, of {len(CAUSES)} causes")
    print(f"{mended} timed out: Mailroom submitted them anew by itself, and told nobody")
    print(f"{stood} are in {len(failures)} incidents; {over} of them resolved by the commands in their alerts")
    for to, words in told.items():
        print(f"{to}: {len(words)} notices: " + ", ".join(f"{n} {word}" for word, n in Counter(words).items()))


async def goes_bad(app: InMemoryApp, second: InMemoryChannel, count: int) -> None:
    """The hour, a minute after the other."""
    for number in range(count):
        minute = number * MINUTES // count
        second.broken = DestinationBusy("503") if minute in DOWN else None
        document = await app.submitted(name=f"{number}.pdf", content=b"%%PDF-1.7 %d" % number)
        if (number + 1) * PERCENT // 100 > number * PERCENT // 100:
            await fails(app, document, number)
        else:
            await succeeds(app, document)
        app.later(HOUR / count)
        if (number + 1) * MINUTES // count != minute:
            await sweep(app.context)
            await app.work(rounds=100)


async def fails(app: InMemoryApp, document: Document, number: int) -> None:
    """Its job fails; of what passes Mailroom makes another one, which does not."""
    text = CAUSES[number * PERCENT // 100 % len(CAUSES)]
    error = text.format(id=uuid.UUID(int=number), n=number)
    app.cloud.finish(document.job_id, JobStatus.FAILED, error=error)
    await app.event(document.job_id, "classify.error")
    await app.work()
    if text is PASSES:
        await succeeds(app, await app.document(document.id))


async def succeeds(app: InMemoryApp, document: Document) -> None:
    app.cloud.classified(document.job_id, "invoice")
    await app.event(document.job_id)
    await app.work()


def mend(app: InMemoryApp) -> set[str]:
    """Copies the first command for a whole incident out of each alert of a failure, and runs it.

    The keys of the incidents that `mailroom alerts` lists before.
    """
    alerts = [notice for notice, _ in app.channel.told if notice.kind == "job.failed"]
    commands = {next(item for item in notice.commands if "--cause" in item) for notice in alerts}
    with pytest.MonkeyPatch.context() as patched, terminal(app, ROUTES, patched):
        listed = json.loads(run("mailroom alerts list --json").output)["incidents"]
        for command in sorted(commands):
            done = run(command, WHY="the sender was told")
            print(f"$ {command}\n  {next(iter(done.output.splitlines()), '')}")
    return {item["key"] for item in listed}


async def comes_right(app: InMemoryApp) -> None:
    """LlamaCloud reads what was submitted anew, and the sweep passes for a few minutes."""
    await app.work(rounds=1000)
    async for document in every_record(Document, Query(by="state", key=DocumentState.OPEN, limit=200), app.store):
        app.cloud.classified(document.job_id, "invoice")
        await app.event(document.job_id)
    for _ in range(6):
        await app.work(rounds=1000)
        app.later(130)
        await sweep(app.context)
    await app.work(rounds=1000)


if __name__ == "__main__":
    main()
