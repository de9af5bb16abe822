"""A log of new events with their tasks, in few pages; they are filed into their tables before anybody reads them.

A group commit appends its events as one row of ``arrival``, which is all that an acknowledgement waits for. Filing
changes random pages of tables and indexes and costs several times as much. It is done before a claim or a listing, by
the idle writer, and under load after each batch, the more the more waits. A row is filed out of turn when one of its
ids is asked for. An event that is known, in the log or in its table, is a conflict at once.
"""

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

import msgspec

from receiver.core.change import CheckOwner, Insert, InsertIfAbsent, Write, kind_of
from receiver.core.errors import Conflict
from receiver.core.event import Event
from receiver.core.job import Job
from receiver.core.task import Task
from receiver.store.sqlite.statements import TABLES, encoded_insert

UNFILED_LIMIT = 50_000
"""Unfiled events that a burst may leave. Beyond that each batch files some, so that memory and table are bounded."""
BALANCE = 40_000
"""Unfiled events at which as many are filed as come. With fewer of them fewer are filed, in proportion, so that a long
burst is slowed down gradually and a short one hardly."""
SOME = 200
"""Events filed at once while callers wait: some milliseconds."""
FEW = 150
"""Events filed at once after a batch, at least: fewer would change the same pages more often."""

_pack = msgspec.json.Encoder().encode
_unpack = msgspec.json.Decoder(list[tuple[Event, Task]]).decode
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


class LoggedEvent(NamedTuple):
    """A new event with the task that handles it, encoded."""

    event_id: str
    task_id: str
    owners: tuple[tuple[str, str], ...]
    """(job, document): the jobs that the event names, with the documents that must own them."""
    packed: bytes
    now: float


def logged_event_of(writes: Sequence[Write], now: float) -> LoggedEvent | None:
    """The change as a logged event if it is one: a new event, its task, and maybe the document that must own its
    jobs."""
    if len(writes) < 2:
        return None
    *checks, insert, ensure = writes
    if not (isinstance(insert, Insert) and isinstance(ensure, InsertIfAbsent)):
        return None
    event, task = insert.record, ensure.record
    if not (isinstance(event, Event) and isinstance(task, Task)):
        return None
    owners = tuple((item.job_id, item.document_id) for item in checks if isinstance(item, CheckOwner))
    if len(owners) < len(checks):
        return None
    return LoggedEvent(event.id, task.id, owners, _pack((event, task)), now)


class EventLog:
    """The rows of ``arrival`` that one connection knows, by the hashes of the ids in them."""

    def __init__(self) -> None:
        self._rows: dict[int, list[int]] = {}
        self._newest: dict[int, int] = {}
        """Hash of an id -> the last row that contains it. Two ids with the same hash, or one whose row was filed before
        older ones, only cause a look into the file."""
        self._seen = 0
        self._due = 0.0

    def sync(self, db: sqlite3.Connection) -> None:
        """Reads what other processes appended or filed, in a transaction with the write lock."""
        first, last = db.execute(_SPAN).fetchone()
        while self._rows and (first is None or next(iter(self._rows)) < first):
            self._drop(next(iter(self._rows)))
        if last is not None and last > self._seen:
            for row, changes in db.execute("select id, changes from arrival where id > ?", (self._seen,)).fetchall():
                self._note(row, (record.id for pair in _unpack(changes) for record in pair))

    def append(self, db: sqlite3.Connection, arrivals: Sequence[LoggedEvent]) -> bool:
        """Appends and commits these as one row if all of them are new, which is usual. Otherwise does nothing.

        One statement takes the interpreter lock once instead of five times, which halves the cost of the writer.
        """
        ids = {item.event_id for item in arrivals}
        if len(ids) < len(arrivals) or self._is_full or self._holds(ids):
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
        if not self._holds(ids):
            return
        wanted, rows = set(map(hash, ids)), list[int]()
        for row, hashes in reversed(self._rows.items()):
            if not wanted.isdisjoint(hashes):
                wanted.update(hashes)
                rows.append(row)
        for row in reversed(rows):
            if found := db.execute(_ROW, (row,)).fetchone():
                _file(db, *found)

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
        return len(self._newest) / 2  # each event has its own id and its task's

    @property
    def _is_full(self) -> bool:
        return self._unfiled > UNFILED_LIMIT

    def _holds(self, ids: Iterable[str]) -> bool:
        """Whether one of these ids, or one with the same hash, may be unfiled."""
        return not self._newest.keys().isdisjoint(map(hash, ids))

    def _note_kept(self, row: int | None, arrivals: Sequence[LoggedEvent]) -> None:
        assert row is not None
        self._note(row, [name for item in arrivals for name in (item.event_id, item.task_id)])

    def _note(self, row: int, ids: Iterable[str]) -> None:
        hashes = [hash(item) for item in ids]
        self._rows[row] = hashes
        self._newest.update(dict.fromkeys(hashes, row))
        self._seen = row

    def _drop(self, row: int) -> None:
        for hashed in self._rows.pop(row):
            if self._newest.get(hashed) == row:
                del self._newest[hashed]


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
