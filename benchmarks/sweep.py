"""What it costs to find the results of which no event came: requests and seconds by overdue and by open jobs.

The store is SQLite on disk; LlamaCloud is played, and answers at once: its requests are counted.

Usage: python -m benchmarks.sweep [--open 1000 100000] [--overdue 2 100 1000] [--all] [--folder DIR]
"""

import argparse
import asyncio
import resource
import tempfile
import time
from pathlib import Path

from receiver.core.change import Insert
from receiver.core.job import Job, JobKind, JobReport, JobStatus
from receiver.operations.missed_webhooks import ask_overdue
from receiver.store.sqlite.store import SqliteStore
from tests.in_memory_app import InMemoryApp

AT_ONCE = 500
AGE = 30 * 86400.0
"""Seconds over which the jobs were created: with a window of time, all of them would be listed."""


async def measured(folder: Path, open_jobs: int, overdue: int) -> tuple[int, int, float, float]:
    """Requests, results that were found, seconds, and megabytes by which the process grew."""
    app, now = InMemoryApp(folder), time.time()
    app.now = now
    app.context.store = store = SqliteStore(folder / "mailroom.db")
    step = max(1, open_jobs // overdue)
    for start in range(0, open_jobs, AT_ONCE):
        jobs = [_job(number, now, late=number % step == 0 and number // step < overdue, of=open_jobs)
                for number in range(start, min(start + AT_ONCE, open_jobs))]  # fmt: skip
        app.cloud.reports |= {
            job.id: JobReport(id=job.id, kind=job.kind, status=JobStatus.COMPLETED, created_at=job.created_at)
            for job in jobs
        }
        await store.apply(*map(Insert, jobs))
    before, begun = _peak_mb(), time.perf_counter()
    found = await ask_overdue(app.context)
    seconds = time.perf_counter() - begun
    await store.close()
    return app.cloud.lists, found.finished, seconds, _peak_mb() - before


def _job(number: int, now: float, *, late: bool, of: int) -> Job:
    created = now - AGE + AGE * number / of
    deadline = now - 60 if late else now + 600
    return Job(id=f"cls-{number:032}", kind=JobKind.CLASSIFY, document_id="d", created_at=created, deadline=deadline)


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--open", type=int, nargs="+", default=[1000, 100_000], help="open jobs (1000 100000)")
    parser.add_argument("--overdue", type=int, nargs="+", default=[2, 100, 1000], help="of these overdue (2 100 1000)")
    parser.add_argument("--all", action="store_true", help="all of the largest number are overdue, too")
    parser.add_argument("--folder", default=".", help="where the file is made, so that it is a real disk")
    asked = parser.parse_args()
    pairs = [(total, late) for total in asked.open for late in asked.overdue]
    pairs += [(max(asked.open), max(asked.open))] if asked.all else []
    print(f"{'open':>8} {'overdue':>8} {'requests':>9} {'found':>8} {'seconds':>8} {'MB more':>8}")
    for total, late in pairs:
        with tempfile.TemporaryDirectory(prefix="mailroom-sweep-", dir=asked.folder) as folder:
            requests, found, seconds, grown = asyncio.run(measured(Path(folder), total, late))
        print(f"{total:>8} {late:>8} {requests:>9} {found:>8} {seconds:>8.2f} {grown:>8.1f}", flush=True)


if __name__ == "__main__":
    main()
