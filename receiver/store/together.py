"""Doing a batch of jobs over one connection: a group commit for those that write, one look for those that read."""

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

from receiver.store.arrivals import SOME, Arrival
from receiver.store.connection import Connection
from receiver.store.transaction import transaction

Job = Callable[[Connection], Any]
_OWN_FAULTS = (sqlite3.IntegrityError, sqlite3.InterfaceError, sqlite3.ProgrammingError, sqlite3.DataError)
"""What SQLite raises for one job's values; all else is wrong with the file, for everybody."""


def commit(db: Connection, jobs: Sequence[Job | Arrival]) -> list[Any]:
    """What each job returned or raised, all in one transaction; one that raised has left nothing.

    Raises sqlite3.Error or OSError when nothing of the batch was kept.
    """
    try:
        outcomes = _transact(db, jobs, _bare)
    except _HalfDoneError:
        outcomes = _transact(db, jobs, _in_savepoint)
    db.check_file()
    return outcomes


def tidy(db: Connection) -> bool:
    """Files some of what has arrived; True when nothing is left."""
    with transaction(db):
        db.arrivals.sync(db)
        done = db.arrivals.file(db, at_most=SOME)
    db.check_file()
    return done


def read(db: Connection, jobs: Sequence[Job]) -> list[Any]:
    """What each job returned or raised."""
    outcomes = [_attempt(job, db) for job in jobs]
    db.check_file()
    return outcomes


class _HalfDoneError(Exception):
    """A job failed after it had written something."""


def _transact(db: Connection, jobs: Sequence[Job | Arrival], do: Callable[[Job, Connection], Any]) -> list[Any]:
    with transaction(db):
        db.arrivals.sync(db)
        outcomes = [None if isinstance(job, Arrival) else do(job, db) for job in jobs]
        if arrived := [place for place, job in enumerate(jobs) if isinstance(job, Arrival)]:
            kept = db.arrivals.keep(db, [job for job in jobs if isinstance(job, Arrival)])
            for place, told in zip(arrived, kept, strict=True):
                outcomes[place] = told
    return outcomes


def _bare(job: Job, db: Connection) -> Any:
    """Hopes that the job succeeds, or fails before it wrote: then there is nothing to undo. A third faster."""
    before = db.total_changes
    outcome = _attempt(job, db)
    if isinstance(outcome, Exception) and db.total_changes != before:
        raise _HalfDoneError
    return outcome


def _in_savepoint(job: Job, db: Connection) -> Any:
    db.execute("savepoint one")
    outcome = _attempt(job, db)
    if isinstance(outcome, Exception):
        db.execute("rollback to one")
    db.execute("release one")
    return outcome


def _attempt(job: Job, db: Connection) -> Any:
    try:
        return job(db)
    except _OWN_FAULTS as error:
        return error
    except sqlite3.Error:
        raise
    except Exception as error:  # noqa: BLE001 - it is handed to its caller, and must not end the thread
        return error
