"""Returns free space to the disk, step by step, while nothing waits.

SQLite moves pages from the end of the file into free ones and truncates the file (``auto_vacuum = incremental``). A
file must be created with that mode. One of an earlier Mailroom is rewritten once if it is small enough to be quick.
"""

import contextlib
import sqlite3

SPARE_PAGES = 1000
"""Free pages (of 4 KB) that are kept for the next writes."""
SOME_PAGES = 100
"""Pages returned at once, which takes some milliseconds."""
REWRITTEN_BYTES = 64 * 1024 * 1024
"""The largest file that is rewritten at start. Larger ones need mailroom backup and mailroom restore."""
_INCREMENTAL = 2


def prepare_shrinking(db: sqlite3.Connection) -> None:
    """Makes an empty file able to shrink."""
    if _pragma(db, "page_count") == 0:
        db.execute("pragma auto_vacuum = incremental")


def can_shrink(db: sqlite3.Connection) -> bool:
    """Whether the file can shrink. A small one is rewritten for that, unless another process uses it."""
    if _is_incremental(db):
        return True
    size = _pragma(db, "page_count") * _pragma(db, "page_size")
    if size <= REWRITTEN_BYTES:
        with contextlib.suppress(sqlite3.OperationalError):
            db.execute("pragma auto_vacuum = incremental")
            db.execute("vacuum")
    return _is_incremental(db)


def free_pages(db: sqlite3.Connection) -> bool:
    """Returns some pages to the disk; True if nothing worth returning is left."""
    if _pragma(db, "freelist_count") <= SPARE_PAGES:
        return True
    db.executescript(f"pragma incremental_vacuum({SOME_PAGES})")  # execute would stop after one page
    return _pragma(db, "freelist_count") <= SPARE_PAGES


def _is_incremental(db: sqlite3.Connection) -> bool:
    return _pragma(db, "auto_vacuum") == _INCREMENTAL


def _pragma(db: sqlite3.Connection, name: str) -> int:
    return int(db.execute(f"pragma {name}").fetchone()[0])
