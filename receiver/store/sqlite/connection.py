"""Opens the file: durable, migrated to the newest schema, and identified by its inode, not only by its name."""

import contextlib
import os
import sqlite3
import time
from pathlib import Path

from receiver.store.durable_files import make_file
from receiver.store.sqlite import free_space
from receiver.store.sqlite.event_log import EventLog
from receiver.store.sqlite.migrations import migrate
from receiver.store.sqlite.search_index import prepare_search

CHECKPOINT_PAGES = 4000
"""Pages of log (16 MB) before a checkpoint, so that pages which change often are written once. It saves a seventh of
the writes."""
CACHE_KIB = 16_000
"""Maximum cache of each of the two connections."""


class SqliteConnection(sqlite3.Connection):
    """A connection that knows which file it has open."""

    path: Path
    file: tuple[int, int]
    event_log: EventLog
    searches: bool
    """Whether this SQLite can keep the search index (search_index.py)."""
    shrinks: bool
    """Whether free space can be returned step by step (free_space.py)."""

    def close(self) -> None:
        """Closes the file, and forgets what is unfiled in it."""
        self.event_log.close()
        super().close()

    def check_file(self) -> None:
        """Raises FileNotFoundError if the file was removed or replaced by another one.

        SQLite would continue to write to the removed file, and acknowledged changes would be lost.
        """
        try:
            same = _identity(self.path) == self.file
        except FileNotFoundError:
            same = False
        if not same:
            raise FileNotFoundError(f"{self.path} was removed or replaced while it was open")


def connect(path: Path, *, busy_seconds: float, writes: bool = False) -> SqliteConnection:
    """A connection to the store in this file, which is created if it does not exist. Raises sqlite3.Error, OSError.

    A file that was created and could not be filled, as on a full disk, is removed. For one that ``writes``, most of the
    event log is read here, where it holds up no other process.
    """
    made = make_file(path)  # SQLite gives -wal and -shm the mode of the file
    db = sqlite3.connect(path, timeout=busy_seconds, isolation_level=None, factory=SqliteConnection)
    db.event_log = EventLog()
    try:
        free_space.prepare_shrinking(db)
        _keep_a_log(db, until=time.monotonic() + busy_seconds)
        db.execute("pragma synchronous = full")
        db.execute(f"pragma wal_autocheckpoint = {CHECKPOINT_PAGES}")
        db.execute(f"pragma cache_size = -{CACHE_KIB}")
        db.execute("pragma fullfsync = on")  # macOS: a plain fsync leaves the data in the drive's cache
        migrate(db)
        db.searches = prepare_search(db)
        db.path, db.file, db.shrinks = path, _identity(path), free_space.can_shrink(db)
        if writes:
            db.event_log.sync(db)
    except BaseException:
        db.close()
        if made:
            _remove_empty(path)
        raise
    return db


def _remove_empty(path: Path) -> None:
    """Removes a file without content. A process that fills it at this moment notices before it acknowledges anything
    (``check_file``)."""
    with contextlib.suppress(OSError):
        if not path.stat().st_size:
            path.unlink()


def _keep_a_log(db: sqlite3.Connection, *, until: float) -> None:
    """Turns on write-ahead logging, which the file remembers. SQLite does not wait for the lock here, so we do."""
    while db.execute("pragma journal_mode").fetchone() != ("wal",):
        try:
            db.execute("pragma journal_mode = wal")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.01)


def _identity(path: Path) -> tuple[int, int]:
    found = os.stat(path)  # noqa: PTH116 - called for each batch, and takes a third of the time of Path.stat
    return found.st_dev, found.st_ino
