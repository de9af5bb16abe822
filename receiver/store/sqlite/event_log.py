"""A log of new events with their tasks, in few pages, from which they are filed into their tables.

A group commit appends its events as one row of ``arrival``, which is all that an acknowledgement waits for. Filing
changes random pages of tables and indexes and costs several times as much. It is done before a claim, by the idle
writer, and under load after each batch, the more the more waits. A row is filed out of turn when one of its ids is
asked for; a listing reads the log, too (unfiled_page.py). An event that is known, in the log or in its table, is a
conflict at once.
"""

import sqlite3
from collections.abc import Collection, Sequence
from typing import NamedTuple

import msgspec

from receiver.core.change import CheckOwner, Insert, InsertIfAbsent, Write, kind_of
from receiver.core.errors import Conflict
from receiver.core.event import Event
from receiver.core.job import Job
from receiver.core.task import Task
from receiver.store.sqlite.statements import TABLES, encoded_insert
from receiver.store.sqlite.unfiled_ids import UnfiledIds

UNFILED_LIMIT = 1_250_000
"""Unfiled events that a burst may leave. Beyond that each batch files some, so that memory and table are bounded: 44 MB
and about 1.2 GB."""
BALANCE = 1_000_000
"""Unfiled events at which as many are filed as come. With fewer of them fewer are filed, in proportion, so that hours
of a burst are slowed down gradually and a minute hardly."""
SOME = 200
"""Events filed at once while callers wait: some milliseconds."""
FEW = 150
"""Events filed at once after a batch, at least: fewer would change the same pages more often."""

_pack = msgspec.json.Encoder().encode
_unpack = msgspec.json.Decoder(list[tuple[Event, Task]]).decode
_ZERO = rb"\u0000"
"""A character at which SQLite would end a text that it takes out of the log (unfiled_page.py)."""


class _Named(msgspec.Struct):
    id: str


_unpack_names = msgspec.json.Decoder(list[tuple[_Named, _Named]]).decode
_KNOWN = """select id from event
    where id in (select value from json_each(:events)) and (expires_at is null or expires_at > :now)"""
_FOREIGN = """select key, value from json_each(:owners) as one
    join job on job.id = one.key and job.document_id <> one.value"""
_NONE = f"select not exists ({_KNOWN}) and not exists ({_FOREIGN})"
_APPEND = f"""insert into arrival (kept_at, changes) select :now, :changes
    where not exists (select 1 from arrival where id > :seen) and not exists ({_KNOWN}) and not exists ({_FOREIGN})"""  # noqa: S608
"""Does all checks of the transaction in the statement that writes."""
_SPAN = "select (select min(id) from arrival), (select max(id) from arrival)"
"""Looks up both ends. A single query for both would read the whole table."""
_OLDEST = "select id, kept_at, changes from arrival where id <= coalesce(?, id) order by id limit 1"
_ROW = "select id, kept_at, changes from arrival where id = ?"
_SINCE = "select id, changes from arrival where id > ? order by id"


class LoggedEvent(NamedTuple):
    """A new event with the task that handles it, encoded."""

    event_id: str
    task_id: str
    owners: tuple[tuple[str, str], ...]
    """(job, document): the jobs that the event names, with the documents that must own them."""
    packed: bytes
    now: float


def logged_event_of(writes: Sequence[Write], now: float) -> LoggedEvent | None:
    """The change as a logged event if it can be one: a new event, its ready task, and maybe the document that must own
    its jobs."""
    if len(writes) < 2:
        return None
    *checks, insert, ensure = writes
    if not (isinstance(insert, Insert) and isinstance(ensure, InsertIfAbsent)):
        return None
    event, task = insert.record, ensure.record
    if not (isinstance(event, Event) and isinstance(task, Task) and task.claimable_at is not None):
        return None
    owners = tuple((item.job_id, item.document_id) for item in checks if isinstance(item, CheckOwner))
    if len(owners) < len(checks):
        return None
    packed = _pack((event, task))
    return None if _ZERO in packed else LoggedEvent(event.id, task.id, owners, packed, now)


class EventLog:
    """The rows of ``arrival`` that one connection knows, by the ids in them."""

    def __init__(self) -> None:
        self._ids = UnfiledIds()
        self._seen = 0
        self._due = 0.0

    def close(self) -> None:
        """Frees its memory."""
        self._ids.close()

    def sync(self, db: sqlite3.Connection) -> None:
        """Reads what other processes appended or filed, in a transaction with the write lock.

        Without the lock it reads most of it; then the next sync, with the lock, has little to do.
        """
        first, last = db.execute(_SPAN).fetchone()
        self._ids.forget(first, last)
        if last is not None and last > self._seen:
            for row, changes in db.execute(_SINCE, (self._seen,)):
                self._note(row, _names(changes))

    def append(self, db: sqlite3.Connection, arrivals: Sequence[LoggedEvent]) -> bool:
        """Appends and commits these as one row if all of them are new, which is usual. Otherwise does nothing.

        One statement takes the interpreter lock once instead of five times, which halves the cost of the writer.
        """
        ids = {item.event_id for item in arrivals}
        if len(ids) < len(arrivals) or self._is_full or self._ids.rows_of(ids):
            return False
        appended = db.execute(_APPEND, {**_asked(arrivals), "changes": _changes(arrivals), "seen": self._seen})
        if appended.rowcount != 1:
            return False
        self._note_kept(appended.lastrowid, arrivals)
        return True

    def keep(self, db: sqlite3.Connection, arrivals: Sequence[LoggedEvent]) -> list[Exception | None]:
        """Appends the new ones as one row. Returns None for each of them, and a Conflict for each other.

        This must be the last step before the commit, because what it notes in memory cannot be rolled back.
        """
        self.make_way(db, [item.event_id for item in arrivals])
        if self._is_full:
            self.file(db, at_most=SOME)
        known, foreign = _refused(db, arrivals)
        new: list[LoggedEvent] = []
        outcomes: list[Exception | None] = []
        for item in arrivals:
            if others := foreign.intersection(item.owners):
                outcomes.append(Conflict(kind_of(Job), others.pop()[0]))
            elif item.event_id in known:
                outcomes.append(Conflict(kind_of(Event), item.event_id))
            else:
                known.add(item.event_id)
                new.append(item)
                outcomes.append(None)
        if new:
            values = (arrivals[0].now, _changes(new))
            row = db.execute("insert into arrival (kept_at, changes) values (?, ?)", values).lastrowid
            self._note_kept(row, new)
        return outcomes

    def make_way(self, db: sqlite3.Connection, ids: Collection[str]) -> None:
        """Files the rows that contain one of these ids, before somebody reads, writes or claims it.

        Earlier rows with the same event or task as one of these are filed before it: the first task is the one to keep.
        """
        rows = dict[int, tuple[int, float, str]]()
        left = self._ids.rows_of(ids)
        while left:
            row = left.pop()
            if row not in rows and (found := db.execute(_ROW, (row,)).fetchone()):
                rows[row] = found
                left += self._ids.rows_of(_names(found[2]), before=row)
        for row in sorted(rows):
            _file(db, *rows[row])

    def file(self, db: sqlite3.Connection, *, at_most: int | None = None, until: int | None = None) -> bool:
        """Files the oldest rows, up to row ``until``; False if it stopped after ``at_most`` events."""
        filed = 0
        while (oldest := db.execute(_OLDEST, (until,)).fetchone()) and (at_most is None or filed < at_most):
            filed += _file(db, *oldest)
        return oldest is None

    def due(self, arrived: int) -> int:
        """How many events to file now that so many arrived; what is too little for a step is due with a later batch."""
        self._due += arrived * self._unfiled / BALANCE
        if self._due < FEW:
            return 0
        due, self._due = int(self._due), 0.0
        return due

    @property
    def _unfiled(self) -> float:
        """At most so many: those filed lately may be among them."""
        return self._ids.count / 2  # each event has its own id and its task's

    @property
    def _is_full(self) -> bool:
        return self._unfiled > UNFILED_LIMIT

    def _note_kept(self, row: int | None, arrivals: Sequence[LoggedEvent]) -> None:
        assert row is not None
        self._note(row, [name for item in arrivals for name in (item.event_id, item.task_id)])

    def _note(self, row: int, ids: Sequence[str]) -> None:
        self._ids.note(row, ids)
        self._seen = row


def _names(changes: str) -> list[str]:
    return [record.id for pair in _unpack_names(changes) for record in pair]


def _file(db: sqlite3.Connection, row: int, kept_at: float, changes: str) -> int:
    """Moves one row into the tables; how many events it had."""
    pairs = _unpack(changes)
    for records in zip(*pairs, strict=True):  # the events, and their tasks
        table = TABLES[type(records[0])]
        rows = [table.timed(encoded_insert(item, must=False).values, kept_at) for item in records]
        db.executemany(table.insert, rows)  # an older Mailroom on the same file may have been faster
    db.execute("delete from arrival where id = ?", (row,))
    return len(pairs)


def _refused(db: sqlite3.Connection, arrivals: Sequence[LoggedEvent]) -> tuple[set[str], set[tuple[str, str]]]:
    """The events that are already filed, and the (job, document) pairs whose job belongs to another document."""
    asked = _asked(arrivals)
    if db.execute(_NONE, asked).fetchone()[0]:  # the usual case, with one statement instead of two
        return set(), set()
    return {row[0] for row in db.execute(_KNOWN, asked).fetchall()}, set(db.execute(_FOREIGN, asked).fetchall())


def _asked(arrivals: Sequence[LoggedEvent]) -> dict[str, object]:
    """The parameters of _KNOWN and _FOREIGN. A job may occur twice, with two documents."""
    owners = [b"%b:%b" % (_pack(item[0]), _pack(item[1])) for arrival in arrivals for item in arrival.owners]
    return {
        "events": _pack([item.event_id for item in arrivals]).decode(),
        "owners": (b"{%b}" % b",".join(owners)).decode(),
        "now": arrivals[0].now,
    }


def _changes(arrivals: Sequence[LoggedEvent]) -> str:
    return (b"[%b]" % b",".join([item.packed for item in arrivals])).decode()


def unfiled(db: sqlite3.Connection) -> int | None:
    """The last unfiled row; None if there is none."""
    last: int | None = db.execute("select max(id) from arrival").fetchone()[0]
    return last
