"""A transaction that takes the write lock when it begins."""

import contextlib
import sqlite3
from collections.abc import Iterator


@contextlib.contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """Commits all writes of the block, or none. Raises sqlite3.Error."""
    db.execute("begin immediate")
    try:
        yield
        db.execute("commit")
    except BaseException:
        if db.in_transaction:
            db.execute("rollback")
        raise


@contextlib.contextmanager
def without_sync(db: sqlite3.Connection) -> Iterator[None]:
    """Commits in the block do not wait for the disk; the next one outside syncs them, too.

    A power failure may undo the last of them, never an earlier one alone (SQLite, ``pragma synchronous``: NORMAL in WAL
    mode). The end of the process undoes none.
    """
    db.execute("pragma synchronous = normal")
    try:
        yield
    finally:
        db.execute("pragma synchronous = full")
