"""What the SQLite store carries, as ratios within one run: group commit, callers, claims, and growth.

Usage: python -m benchmarks.store [--million] [--folder DIR]

Medians of interleaved rounds, each on a fresh file in DIR (default: the current folder, so that it is a real disk). A
change is what a webhook costs: Insert(event) and InsertIfAbsent(task). Rates
depend on machine and disk, the ratios hardly do.
"""

import argparse
import asyncio
import shutil
import sqlite3
import statistics
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from receiver.core.change import Insert, InsertIfAbsent, Query, Write
from receiver.core.document import Document, DocumentState
from receiver.core.event import Event
from receiver.core.task import TaskState
from receiver.store.sqlite import group_commit
from receiver.store.sqlite.connection import SqliteConnection
from receiver.store.sqlite.store import SqliteStore
from tests.builders import NOW, a_document, a_task, an_event

ROUNDS = 5
GROUP = group_commit.group_commit
Commit = Callable[[SqliteConnection, Sequence[group_commit.Job]], list[Any]]


def one_by_one(db: SqliteConnection, jobs: Sequence[group_commit.Job]) -> list[Any]:
    """One commit per change, as it is without group commit; thread and wake-ups stay the same."""
    return [GROUP(db, [job])[0] for job in jobs]


def slowed(commit: Commit, seconds: float = 0.002) -> Commit:
    """The same with commits of ``db`` slower, as on a disk that syncs in 2 ms."""

    def slow(db: SqliteConnection, jobs: Sequence[group_commit.Job]) -> list[Any]:
        syncs = len(jobs) if commit is one_by_one else 1
        outcomes = commit(db, jobs)
        time.sleep(seconds * syncs)
        return outcomes

    return slow


@asynccontextmanager
async def fresh_store(folder: Path, commit: Commit = GROUP) -> AsyncIterator[SqliteStore]:
    place = Path(tempfile.mkdtemp(dir=folder, prefix="bench-store-"))
    group_commit.group_commit = commit  # type: ignore[assignment] # Callables have no parameter names
    store = SqliteStore(place / "mailroom.db")
    try:
        await store.open()
        yield store
    finally:
        await store.close()
        group_commit.group_commit = GROUP
        shutil.rmtree(place)


def a_webhook() -> tuple[Insert, InsertIfAbsent]:
    """With ids as random as LlamaCloud's: they land all over the indexes."""
    job = f"cls-{uuid.uuid4()}"
    task = a_task(id=f"react:{job}:classify.success", subject=job, details={"event_id": job, "document_id": "d" * 32})
    return Insert(an_event(id=f"evt-{uuid.uuid4()}", job_id=job)), InsertIfAbsent(task)


async def changes_per_second(store: SqliteStore, callers: int, total: int) -> float:
    """Ready-made changes, so that making records is not part of it."""
    changes = [a_webhook() for _ in range(total)]

    async def caller(number: int) -> None:
        for change in changes[number::callers]:
            await store.apply(*change)

    started = time.perf_counter()
    await asyncio.gather(*(caller(number) for number in range(callers)))
    return total / (time.perf_counter() - started)


async def compare_commits(folder: Path) -> None:
    ways = {
        "one commit per change": one_by_one,
        "group commit": GROUP,
        "one commit per change, syncs 2 ms slower": slowed(one_by_one),
        "group commit, syncs 2 ms slower": slowed(GROUP),
    }
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, commit in ways.items():
            async with fresh_store(folder, commit) as store:
                total = 1000 if "slower" in name and commit is not ways["group commit, syncs 2 ms slower"] else 10_000
                rates[name].append(await changes_per_second(store, 64, total))
    print("\n64 callers, changes a second (median of rounds, min to max; ratio to one commit per change)")
    for pair in (list(ways)[:2], list(ways)[2:]):
        base = statistics.median(rates[pair[0]])
        for name in pair:
            print_rates(name, rates[name], base)


def print_rates(name: str, rates: list[float], base: float) -> None:
    middle = statistics.median(rates)
    print(f"  {name:42} {middle:9,.0f}  ({min(rates):,.0f} to {max(rates):,.0f})  {middle / base:6.2f}x")


async def compare_callers(folder: Path) -> None:
    counts = {1: 2000, 8: 8000, 64: 20_000, 256: 20_000}
    rates: dict[int, list[float]] = {callers: [] for callers in counts}
    for _ in range(ROUNDS):
        for callers, total in counts.items():
            async with fresh_store(folder) as store:
                rates[callers].append(await changes_per_second(store, callers, total))
    print("\ngroup commit, changes a second by callers (ratio to one caller)")
    for callers, found in rates.items():
        print_rates(f"{callers} callers", found, statistics.median(rates[1]))


async def compare_claims(folder: Path) -> None:
    rates: dict[int, list[float]] = {1: [], 10: []}
    for _ in range(ROUNDS):
        for limit, found in rates.items():
            async with fresh_store(folder) as store:
                await changes_per_second(store, 256, 8000)
                found.append(await claims_per_second(store, limit))
    print("\nclaims a second, 8 workers (ratio to one task a claim)")
    for limit, found in rates.items():
        print_rates(f"{limit} task(s) a claim", found, statistics.median(rates[1]))


async def claims_per_second(store: SqliteStore, limit: int) -> float:
    async def worker(owner: str) -> int:
        mine = 0
        while tasks := await store.claim(owner=owner, now=NOW, lease_seconds=600, limit=limit):
            mine += len(tasks)
        return mine

    started = time.perf_counter()
    claimed = sum(await asyncio.gather(*(worker(f"w{number}") for number in range(8))))
    return claimed / (time.perf_counter() - started)


async def fill(store: SqliteStore, size: int) -> None:
    """Documents, events and tasks of an archive: nearly all done, ten of each thousand still waiting."""
    for start in range(0, size, 100):
        writes: list[Write] = []
        for number in range(start, start + 100):
            waits = number % 100 == 0
            state = DocumentState.OPEN if waits else DocumentState.ROUTED
            at = NOW + number
            writes.append(Insert(a_document(id=f"d{number}", state=state, taken_in_at=at, deadline=at + 60)))
            writes.append(Insert(an_event(id=f"e{number}", received_at=at)))
            writes.append(
                Insert(
                    a_task(
                        id=f"t{number}", state=TaskState.READY if waits else TaskState.DONE, due_at=at, created_at=at
                    )
                )
            )
        await store.apply(*writes)


def operations(store: SqliteStore, size: int) -> dict[str, Callable[[int], Awaitable[object]]]:
    """What is measured, each taking the number of its turn."""
    step = max(1, size // 500)

    async def claim(_: int) -> None:
        assert await store.claim(owner="w", now=NOW, lease_seconds=0)

    return {
        "apply (a webhook)": lambda _: store.apply(*a_webhook()),
        "get": lambda turn: store.get(Event, f"e{turn * step % size}"),
        "find, first page of open": lambda _: store.find(Document, Query(by="state", key="open", limit=10)),
        "find, a page in the middle": lambda _: store.find(Document, Query(since=NOW + size / 2, limit=10)),
        "find, overdue": lambda _: store.find(Document, Query(by="overdue", until=NOW + 1000, limit=10)),
        "claim": claim,
        "tally": lambda _: store.tally(),
    }


async def compare_sizes(folder: Path, sizes: list[int]) -> None:
    async with AsyncExitStack() as stack:
        stores = {size: await stack.enter_async_context(fresh_store(folder)) for size in sizes}
        for size, store in stores.items():
            await fill(store, size)
        ways = {size: operations(store, size) for size, store in stores.items()}
        costs: dict[str, dict[int, list[float]]] = {name: {size: [] for size in sizes} for name in ways[sizes[0]]}
        for _ in range(ROUNDS):
            for name, by_size in costs.items():
                for size, found in by_size.items():
                    found.extend(await microseconds(ways[size][name]))
    print("\nmicroseconds of one call, alone, by records of each kind (median; ratio of the last to the first)")
    print(f"  {'':28} {'  '.join(f'{size:9,}' for size in sizes)}")
    for name, by_size in costs.items():
        middles = [statistics.median(found) for found in by_size.values()]
        print(f"  {name:28} {'  '.join(f'{cost:9,.0f}' for cost in middles)}   {middles[-1] / middles[0]:5.2f}x")


async def microseconds(operation: Callable[[int], Awaitable[object]], turns: int = 60) -> list[float]:
    """What each of some turns took, after a few to warm up."""
    taken = []
    for turn in range(turns + 5):
        started = time.perf_counter()
        await operation(turn)
        taken.append((time.perf_counter() - started) * 1e6)
    return taken[5:]


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--million", action="store_true", help="also with a million records of each kind")
    parser.add_argument("--folder", type=Path, default=Path(), help="where the files are made")
    options = parser.parse_args()
    print(f"SQLite {sqlite3.sqlite_version}, WAL, synchronous=FULL, {ROUNDS} rounds")
    await compare_commits(options.folder)
    await compare_callers(options.folder)
    await compare_claims(options.folder)
    await compare_sizes(options.folder, [1000, 100_000, *([1_000_000] if options.million else [])])


if __name__ == "__main__":
    asyncio.run(main())
