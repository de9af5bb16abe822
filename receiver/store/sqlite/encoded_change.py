"""An encoded change, ready for the writer thread: what it checks, replaces and inserts."""

import sqlite3
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from receiver.core.change import CheckOwner, Delete, Insert, Record, Replace, Write, kind_of, succeeding
from receiver.core.document import Document
from receiver.core.errors import Conflict
from receiver.core.job import Job
from receiver.store import codec
from receiver.store.sqlite.connection import SqliteConnection
from receiver.store.sqlite.statements import TABLES, EncodedInsert, Table, encoded_insert


class EncodedDelete(NamedTuple):
    """A record to remove; ``values`` are the expected id and version."""

    table: Table
    id: str
    values: tuple[Any, ...]

    def carry_out(self, db: sqlite3.Connection, now: float) -> None:
        """Removes it. Raises Conflict if there is no such record."""
        if db.execute(self.table.delete, self.table.timed(self.values, now)).rowcount == 0:
            raise Conflict(self.table.name, self.id)
        if self.table.name == kind_of(Document):
            db.execute("update forgotten set documents = documents + 1")


class EncodedReplace(NamedTuple):
    """A record to replace; ``values`` end with the expected id and version."""

    table: Table
    id: str
    values: tuple[Any, ...]


@dataclass(slots=True)
class EncodedChange:
    """A callable that takes a connection and does all writes, or raises Conflict. ``now`` decides what has expired.

    The checks that fail most often come first, so that there usually is nothing to undo.
    """

    now: float
    checks: list[CheckOwner] = field(default_factory=list)
    replacements: list[EncodedReplace] = field(default_factory=list)
    rows: list[EncodedInsert] = field(default_factory=list)
    removals: list[EncodedDelete] = field(default_factory=list)

    def __call__(self, db: SqliteConnection) -> None:
        ids = [item.id for written in (self.replacements, self.rows, self.removals) for item in written]
        db.event_log.make_way(db, ids)
        for check in self.checks:
            if db.execute(_FOREIGN, (check.job_id, check.document_id)).fetchone():
                raise Conflict(kind_of(Job), check.job_id)
        for table, record_id, values in self.replacements:
            if db.execute(table.update, table.timed(values, self.now)).rowcount == 0:
                raise Conflict(table.name, record_id)
        for row in self.rows:
            if not row.insert(db, self.now) and row.must:
                raise Conflict(row.table.name, row.id)
        for removal in self.removals:
            removal.carry_out(db, self.now)


_FOREIGN = "select 1 from job where id = ? and document_id <> ?"


def encode_change(writes: tuple[Write, ...], now: float) -> EncodedChange:
    """Encodes the writes. Text that cannot be stored raises here, in its caller, and not in the batch."""
    change = EncodedChange(now)
    for write in writes:
        if isinstance(write, CheckOwner):
            change.checks.append(write)
        elif isinstance(write, Replace):
            change.replacements.append(_replacement(write.record))
        elif isinstance(write, Delete):
            gone = write.record
            change.removals.append(EncodedDelete(TABLES[type(gone)], gone.id, (gone.id, gone.version)))
        else:
            change.rows.append(encoded_insert(write.record, must=isinstance(write, Insert)))
    return change


def _replacement(old: Record) -> EncodedReplace:
    table = TABLES[type(old)]
    new = succeeding(old)
    return EncodedReplace(table, old.id, (*table.values(new), codec.encode(new), old.id, old.version))
