"""Runs a batch of jobs on one connection: jobs that write in a group commit, jobs that read one after another."""

import sqlite3
from collections.abc import Callable, Sequence
from itertools import chain, islice
from typing import Any

from receiver.store.sqlite import free_space, search_index
from receiver.store.sqlite.connection import SqliteConnection
from receiver.store.sqlite.event_log import SOME, LoggedEvent
from receiver.store.sqlite.transaction import transaction, without_sync

Job = Callable[[SqliteConnection], Any]
_OWN_FAULTS = (sqlite3.IntegrityError, sqlite3.InterfaceError, sqlite3.ProgrammingError, sqlite3.DataError)
"""Errors about the values of one job. Any other error is about the file and concerns all jobs."""


def group_commit(db: SqliteConnection, jobs: Sequence[Job | list[LoggedEvent]]) -> list[Any]:
    """What each job returned or raised. All run in one transaction; a job that raised has changed nothing.

    The result for events of one tick is a list: None for each new one, a Conflict for each other. Raises sqlite3.Error
    or OSError if nothing of the batch was stored.
    """
    if _append(db, jobs):
        outcomes: list[Any] = [[None] * len(each) for each in jobs if isinstance(each, list)]
    else:
        try:
            outcomes = _transact(db, jobs, _bare)
        except _HalfDoneError:
            outcomes = _transact(db, jobs, _in_savepoint)
    db.check_file()
    return outcomes


def file_or_shrink(db: SqliteConnection) -> bool:
    """Files some of the logged events, indexes some documents, or returns some space; True if nothing is left to do.

    What a power failure undoes of this is done again: until it is synced, the log on the disk still has the events.
    """
    with without_sync(db):
        with transaction(db):
            db.event_log.sync(db)
            filed = db.event_log.file(db, at_most=SOME)
            indexed = not db.searches or (filed and search_index.index_some(db))
        given_back = not db.shrinks or (filed and indexed and free_space.free_pages(db))
    db.check_file()
    return filed and indexed and given_back


def keep_pace(db: SqliteConnection, arrived: int) -> None:
    """Files a share of the logged events, after a batch of so many jobs was answered."""
    due = db.event_log.due(arrived)
    while due > 0:
        with without_sync(db), transaction(db):
            db.event_log.sync(db)
            db.event_log.file(db, at_most=min(due, SOME))
        db.check_file()
        due -= SOME


def group_read(db: SqliteConnection, jobs: Sequence[Job]) -> list[Any]:
    """What each job returned or raised."""
    outcomes = [_attempt(job, db) for job in jobs]
    db.check_file()
    return outcomes


def _append(db: SqliteConnection, jobs: Sequence[Job | list[LoggedEvent]]) -> bool:
    """Whether these are only events, and all of them new; then they are stored."""
    lists = [job for job in jobs if isinstance(job, list)]
    return len(lists) == len(jobs) and db.event_log.append(db, list(chain.from_iterable(lists)))


class _HalfDoneError(Exception):
    """A job failed after it had written something."""


def _transact(
    db: SqliteConnection, jobs: Sequence[Job | list[LoggedEvent]], do: Callable[[Job, SqliteConnection], Any]
) -> list[Any]:
    with transaction(db):
        db.event_log.sync(db)
        outcomes = [None if isinstance(job, list) else do(job, db) for job in jobs]
        if arrived := [item for job in jobs if isinstance(job, list) for item in job]:
            results = iter(db.event_log.keep(db, arrived))
            for place, job in enumerate(jobs):
                if isinstance(job, list):
                    outcomes[place] = list(islice(results, len(job)))
    return outcomes


def _bare(job: Job, db: SqliteConnection) -> Any:
    """Assumes that the job succeeds, or fails before it writes anything: a third faster than a savepoint."""
    before = db.total_changes
    outcome = _attempt(job, db)
    if isinstance(outcome, Exception) and db.total_changes != before:
        raise _HalfDoneError
    return outcome


def _in_savepoint(job: Job, db: SqliteConnection) -> Any:
    db.execute("savepoint one")
    outcome = _attempt(job, db)
    if isinstance(outcome, Exception):
        db.execute("rollback to one")
    db.execute("release one")
    return outcome


def _attempt(job: Job, db: SqliteConnection) -> Any:
    try:
        return job(db)
    except _OWN_FAULTS as error:
        return error
    except sqlite3.Error:
        raise
    except Exception as error:  # noqa: BLE001 - the caller gets it, and it must not end the thread
        return error
