"""Checks a file when a process starts, so that nothing is written into a damaged one."""

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from receiver.core.errors import Misconfigured
from receiver.store.spool import FolderSpool
from receiver.store.sqlite.migrations import steps

CHECK_SECONDS = 5.0
"""How long the file is read: some gigabytes. The rest is checked when it is used."""
STEPS_BETWEEN = 10_000
"""Virtual-machine steps of SQLite between two checks of the clock."""
OURS = frozenset({"document", "task"})
"""Tables that every release of Mailroom has in its store."""
RESTORE = (
    "stop every process, keep the file and its -wal for the investigation, and restore the last backup "
    "(mailroom restore FOLDER); docs/production.md has the full procedure"
)


def refuse_strange(path: Path) -> None:
    """Raises Misconfigured for a file that is not a database, or was written by another application or a newer
    Mailroom.

    It reads only the beginning.
    """
    try:
        if not path.stat().st_size:
            return  # a new file
        found, tables = _schema_of(path)
    except OSError:
        return  # missing or unreadable: the store reports that itself, and continues once it can read it
    except sqlite3.DatabaseError as error:
        if is_broken(error):
            raise broken(path, error) from error
        return  # locked
    if (tables or found) and (found < 1 or not tables >= OURS):
        raise Misconfigured(
            f"{path} is a SQLite database of another application", fix="set MAILROOM_STORE to another file"
        )
    if found > len(steps()):
        raise Misconfigured(
            f"{path} was written by a newer Mailroom (schema {found}; this one knows {len(steps())})",
            fix="install that version again, or restore a backup from before it: mailroom restore FOLDER",
        )


def _schema_of(path: Path) -> tuple[int, set[str]]:
    """Its version and tables, in one transaction, because another process may be creating them."""
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as db:
        db.execute("begin")
        found = int(db.execute("pragma user_version").fetchone()[0])
        return found, {row[0] for row in db.execute("select name from sqlite_master where type = 'table'")}


def is_lost(path: Path) -> bool:
    """Whether there is no store: the file does not exist, or it is empty and has no log."""
    if not os.path.exists(path):  # noqa: PTH110 - Path.exists raises for a name too long
        return True
    log = path.parent / f"{path.name}-wal"  # right after its creation a store may have all its data there
    return path.stat().st_size == 0 and not (log.exists() and log.stat().st_size)


def refuse_lost(path: Path, spool: FolderSpool) -> None:
    """Raises Misconfigured if a new store would be created beside documents of another one, which would be lost."""
    if is_lost(path) and not spool.is_empty():
        raise Misconfigured(
            f"{path} is missing or empty, but the spool {spool.root} has documents of it",
            fix="put the file back, or restore the last backup (mailroom restore FOLDER); to start over without "
            f"those documents: mv {spool.root} {spool.root}.lost",
        )


def check_integrity(db: sqlite3.Connection, path: Path) -> None:
    """Reads the file for CHECK_SECONDS at most. Raises Misconfigured if it is damaged."""
    until = time.monotonic() + CHECK_SECONDS
    db.set_progress_handler(lambda: time.monotonic() > until, STEPS_BETWEEN)
    try:
        found = [row[0] for row in db.execute("pragma quick_check(3)").fetchall()]
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
            raise
        return  # a large file without a fault so far
    finally:
        db.set_progress_handler(None, 0)
    if found != ["ok"]:
        raise Misconfigured(f"{path} is damaged: {'; '.join(found)}", fix=RESTORE)


_REASONS = {
    sqlite3.SQLITE_CANTOPEN: "the file cannot be opened",
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_READONLY: "the file may not be written",
    sqlite3.SQLITE_PERM: "the file may not be opened",
    sqlite3.SQLITE_BUSY: "another process keeps it locked",
    sqlite3.SQLITE_LOCKED: "another process keeps it locked",
    sqlite3.SQLITE_IOERR: "the disk reports an error",
    sqlite3.SQLITE_CORRUPT: "the file is damaged",
    sqlite3.SQLITE_NOTADB: "the file is not a SQLite database",
}


def reason_of(error: BaseException) -> str:
    """SQLite's or the system's error in plain words."""
    if isinstance(error, OSError):
        return error.strerror or str(error) or "the disk does not answer"
    code = getattr(error, "sqlite_errorcode", 0)
    return _REASONS.get(code & 0xFF, str(error))


def is_broken(error: BaseException | None) -> bool:
    """Whether SQLite found the file damaged, or not a database."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def broken(path: Path, error: BaseException) -> Misconfigured:
    """The error to raise for it."""
    if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_NOTADB:
        fix = "set MAILROOM_STORE to another file; or, if this was Mailroom's: " + RESTORE
        return Misconfigured(f"{path} is not a SQLite database", fix=fix)
    return Misconfigured(f"{path} is damaged: {error}", fix=RESTORE)
