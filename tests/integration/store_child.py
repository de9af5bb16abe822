"""What the store's tests run in other processes: ``python -m tests.integration.store_child WHAT FILE …``.

It says what it did on standard output, line by line, each only after the store had answered.
"""

import asyncio
import os
import sqlite3
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from receiver.core.change import Insert, InsertIfAbsent
from receiver.core.errors import Conflict
from receiver.store.sqlite import group_commit
from receiver.store.sqlite.connection import SqliteConnection
from receiver.store.sqlite.event_log import LoggedEvent
from receiver.store.sqlite.store import SqliteStore
from tests.builders import NOW, a_document, a_task, an_event

CALLERS = 32


def say(line: str) -> None:
    """In one system call, so that a kill leaves whole lines."""
    os.write(1, f"{line}\n".encode())


async def write(store: SqliteStore) -> None:
    """Takes documents, events and tasks in until it is killed; says each that was acknowledged."""

    async def caller(number: int) -> None:
        for turn in range(1_000_000):
            name = f"{number}-{turn}"
            event, task = an_event(id=f"e-{name}"), a_task(id=f"t-{name}")
            await store.apply(Insert(event), Insert(task), Insert(a_document(id=f"d-{name}")))
            say(name)

    await asyncio.gather(*(caller(number) for number in range(CALLERS)))


async def claim(store: SqliteStore) -> None:
    """Claims tasks until there are none; says each."""
    while tasks := await store.claim(owner=f"process {os.getpid()}", now=NOW, lease_seconds=3600, limit=7):
        for task in tasks:
            say(task.id)


async def fill(store: SqliteStore) -> None:
    """Takes 200 tasks in, each under two names that other children use as well; says those it was the first for."""
    for number in range(200):
        try:
            await store.apply(InsertIfAbsent(a_task(id=f"t-{number}")), Insert(an_event(id=f"e-{number}")))
        except Conflict:
            continue
        say(f"t-{number}")


def hold(path: Path) -> None:
    """Holds the write lock until standard input ends."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("begin immediate")
    say("held")
    sys.stdin.read()


def forgetful(db: SqliteConnection, jobs: Sequence[group_commit.Job | list[LoggedEvent]]) -> list[Any]:
    """A group commit with its promise broken: it answers, and would commit at the end."""
    if not db.in_transaction:
        db.execute("begin immediate")
    return [db.event_log.keep(db, job) if isinstance(job, list) else job(db) for job in jobs]


async def _with_store(what: str, path: Path) -> None:
    store = SqliteStore(path)
    await {"write": write, "break": write, "claim": claim, "fill": fill}[what](store)
    await store.close()


if __name__ == "__main__":
    WHAT, PATH = sys.argv[1], Path(sys.argv[2])
    if WHAT == "hold":
        hold(PATH)
    else:
        if WHAT == "break":
            group_commit.group_commit = forgetful
        asyncio.run(_with_store(WHAT, PATH))
