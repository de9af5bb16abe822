"""The schema, step by step: schema/NNNN_*.sql in order, with the last one recorded in ``pragma user_version``.

Steps only add, because an older process may still use the file; unused things are removed a release later. A step and
its record are one transaction, so that each step is done exactly once even if several processes start.
"""

import sqlite3
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from receiver.store.sqlite.transaction import transaction


@cache
def steps() -> tuple[str, ...]:
    """The SQL of each step; step N is at N - 1."""
    found = sorted((item for item in files(__package__).joinpath("schema").iterdir()), key=lambda item: item.name)
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
