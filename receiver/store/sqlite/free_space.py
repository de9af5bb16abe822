"""Giving the space of what was forgotten back to the disk, bit by bit, while nobody waits.

SQLite moves pages from the end of the file into free ones and cuts the file off (``auto_vacuum = incremental``). A file
must be made for that; one of an earlier Mailroom is rewritten once, when it is small enough to be done in a moment.
"""

import contextlib
import sqlite3

SPARE_PAGES = 1000
"""Free pages, of 4 KB, that are kept for what comes next."""
SOME_PAGES = 100
"""Given back in one go: some milliseconds."""
REWRITTEN_BYTES = 64 * 1024 * 1024
"""The largest file that is rewritten at the start. For larger ones: mailroom backup and mailroom restore."""
_INCREMENTAL = 2


def prepare_shrinking(db: sqlite3.Connection) -> None:
    """Makes a file that is empty so that it will be able to shrink."""
    if _pragma(db, "page_count") == 0:
        db.execute("pragma auto_vacuum = incremental")


def can_shrink(db: sqlite3.Connection) -> bool:
    """Whether the file is made for it; a small one is rewritten now, unless another process is at work on it."""
    if _is_incremental(db):
        return True
    size = _pragma(db, "page_count") * _pragma(db, "page_size")
    if size <= REWRITTEN_BYTES:
        with contextlib.suppress(sqlite3.OperationalError):
            db.execute("pragma auto_vacuum = incremental")
            db.execute("vacuum")
    return _is_incremental(db)


def free_pages(db: sqlite3.Connection) -> bool:
    """Gives some back; True when there is nothing worth it left."""
    if _pragma(db, "freelist_count") <= SPARE_PAGES:
        return True
    db.executescript(f"pragma incremental_vacuum({SOME_PAGES})")  # execute would do one page and leave it
    return _pragma(db, "freelist_count") <= SPARE_PAGES


def _is_incremental(db: sqlite3.Connection) -> bool:
    return _pragma(db, "auto_vacuum") == _INCREMENTAL


def _pragma(db: sqlite3.Connection, name: str) -> int:
    return int(db.execute(f"pragma {name}").fetchone()[0])
