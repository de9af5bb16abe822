"""A change, encoded and ready for the thread that writes: what it asks, what it replaces, what it inserts."""

import sqlite3
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from receiver.core.change import Belongs, Delete, Insert, Record, Update, Write, kind_of, succeeding
from receiver.core.document import Document
from receiver.core.errors import Conflict
from receiver.core.job import Job
from receiver.store import codec
from receiver.store.statements import TABLES, Table

if TYPE_CHECKING:
    from receiver.store.connection import Connection


class Row(NamedTuple):
    """A record to insert; ``must`` when one that is there already is a conflict: Insert, not Ensure."""

    table: Table
    id: str
    values: tuple[Any, ...]
    must: bool

    def insert(self, db: sqlite3.Connection, now: float) -> bool:
        """False when a record of this id is there already."""
        return db.execute(self.table.insert, self.table.timed(self.values, now)).rowcount > 0


class Removal(NamedTuple):
    """A record to remove; ``values`` are the id and version that must be there."""

    table: Table
    id: str
    values: tuple[Any, ...]

    def carry_out(self, db: sqlite3.Connection, now: float) -> None:
        """Raises Conflict when no such record is there."""
        if db.execute(self.table.delete, self.table.timed(self.values, now)).rowcount == 0:
            raise Conflict(self.table.name, self.id)
        if self.table.name == kind_of(Document):
            db.execute("update forgotten set documents = documents + 1")


class Replacement(NamedTuple):
    """A record to replace; ``values`` end with the id and version that must be there."""

    table: Table
    id: str
    values: tuple[Any, ...]


@dataclass(slots=True)
class Change:
    """Called with a connection it does all its writes, one by one, or raises Conflict. ``now`` decides what is expired.

    The order is that of likely conflicts, so that one that comes finds nothing to undo.
    """

    now: float
    checks: list[Belongs] = field(default_factory=list)
    replacements: list[Replacement] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    removals: list[Removal] = field(default_factory=list)

    def __call__(self, db: "Connection") -> None:
        ids = [one.id for written in (self.replacements, self.rows, self.removals) for one in written]
        db.arrivals.make_way(db, ids)
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


def prepare(writes: tuple[Write, ...], now: float) -> Change:
    """The writes, encoded: text that cannot be stored hurts its caller here, and nobody in the batch."""
    change = Change(now)
    for write in writes:
        if isinstance(write, Belongs):
            change.checks.append(write)
        elif isinstance(write, Update):
            change.replacements.append(_replacement(write.record))
        elif isinstance(write, Delete):
            gone = write.record
            change.removals.append(Removal(TABLES[type(gone)], gone.id, (gone.id, gone.version)))
        else:
            change.rows.append(row_of(write.record, must=isinstance(write, Insert)))
    return change


def row_of(record: Record, *, must: bool) -> Row:
    """The record, encoded and ready to insert."""
    table = TABLES[type(record)]
    return Row(table, record.id, (*table.values(record), codec.encode(record)), must)


def _replacement(old: Record) -> Replacement:
    table = TABLES[type(old)]
    new = succeeding(old)
    return Replacement(table, old.id, (*table.values(new), codec.encode(new), old.id, old.version))
