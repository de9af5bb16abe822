"""Migrations: the NNNN_*.sql files of this folder in the order of their names. ``schema.sql`` shows what they make.

The number of the last one that was run is in ``pragma user_version``. A step and its number are written in one
transaction, so that each step is run exactly once even when several processes start. A released step is never changed:
a change is a new file. Steps only add, because a process of an earlier release may still use the file; what is unused
is removed a release later. Two files are numbered 0005, so 0005_lanes.sql is step 6.
"""

import sqlite3
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from receiver.store.sqlite.transaction import transaction


@cache
def steps() -> tuple[str, ...]:
    """The SQL of each step; step N is at N - 1."""
    found = sorted(files(__package__).iterdir(), key=lambda item: item.name)
    return tuple(item.read_text("utf-8") for item in found if item.name.endswith(".sql"))


def migrate(db: sqlite3.Connection) -> None:
    """Applies the missing steps. A file of a newer Mailroom stays unchanged."""
    if _done(db) >= len(steps()):
        return
    with transaction(db):
        for number in range(_done(db), len(steps())):
            for statement in _statements(steps()[number]):
                db.execute(statement)
            db.execute(f"pragma user_version = {number + 1}")


def _done(db: sqlite3.Connection) -> int:
    return int(db.execute("pragma user_version").fetchone()[0])


def _statements(script: str) -> Iterator[str]:
    """The single statements, because executescript would commit in between."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
