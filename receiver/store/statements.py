"""The SQL of each kind of record, made once from INDEXES, and the writes and queries that use it.

The table's columns are written out in schema/; a test holds the two together.
"""

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from operator import attrgetter
from typing import Any, NamedTuple

from receiver.core.change import INDEXES, Belongs, Ensure, Insert, Query, Record, Update, Write, kind_of
from receiver.core.errors import Conflict
from receiver.core.job import Job
from receiver.store import codec, listing

Step = Callable[[sqlite3.Connection], object]
"""One write of a change; raises Conflict."""


class Table(NamedTuple):
    """The SQL of one kind of record."""

    name: str
    values: Callable[[Record], tuple[Any, ...]]
    """The record's columns but the body, in the order of the table."""
    expires: bool
    insert: str
    update: str
    get: str
    purge: str
    """Removes the oldest that are expired; for kinds that expire."""


def _table(kind: type[Record]) -> Table:
    """A record past its ``expires_at`` counts as gone: it is inserted over, not found, not updated."""
    name = kind_of(kind)
    expires = "expires_at" in kind.__dataclass_fields__
    searched = {attribute for index in INDEXES[kind].values() for attribute in index if attribute}
    columns = ["id", "version", *sorted(searched), *(["expires_at"] if expires else [])]
    named = ", ".join([*columns, "body"])
    changed = ", ".join(f"{column} = excluded.{column}" for column in [*columns[1:], "body"])
    again = f"update set {changed} where {name}.expires_at <= ?" if expires else "nothing"
    assigned = ", ".join(f"{column} = ?" for column in [*columns, "body"])
    holds = " and (expires_at is null or expires_at > ?)" if expires else ""
    return Table(
        name=name,
        values=attrgetter(*columns),
        expires=expires,
        insert=f"insert into {name} ({named}) values ({', '.join('?' * (len(columns) + 1))}) "  # noqa: S608 - our words
        f"on conflict (id) do {again}",
        update=f"update {name} set {assigned} where id = ? and version = ?{holds}",  # noqa: S608
        get=f"select body from {name} where id = ?{holds}",  # noqa: S608
        purge=f"delete from {name} where id in "  # noqa: S608
        f"(select id from {name} where expires_at <= ? order by expires_at limit ?)",
    )


TABLES: dict[type[Any], Table] = {kind: _table(kind) for kind in INDEXES}

_OLDEST = "and (expires_at is null or expires_at > ?) order by claimable_at, id limit ?"
CLAIMABLE = f"select body from task where claimable_at <= ? {_OLDEST}"  # noqa: S608
CLAIMABLE_OF = f"select body from task where id in (select value from json_each(?)) and +claimable_at <= ? {_OLDEST}"  # noqa: S608
"""Of a JSON list of ids. The ``+`` has SQLite look them up by id, and not go through all that is due."""


def prepare(writes: tuple[Write, ...], now: float) -> list[Step]:
    """The steps of a change, encoded and ready for the thread that writes. ``now`` is what expiry is measured by.

    Checks come first: they ask about what was there before the change, and leave nothing to undo.
    """
    steps = [_PREPARE[type(write)](write, now) for write in writes if type(write) is not Belongs]
    checks = [_belongs(write) for write in writes if type(write) is Belongs]
    return checks + steps if checks else steps


def _insert(write: Insert, now: float) -> Step:
    return partial(_must, *_insertion(write.record, now), write.record)


def _ensure(write: Ensure, now: float) -> Step:
    return partial(_may, *_insertion(write.record, now))


def _insertion(record: Record, now: float) -> tuple[str, tuple[Any, ...]]:
    table = TABLES[type(record)]
    values = (*table.values(record), codec.encode(record))
    return table.insert, (*values, now) if table.expires else values


def _update(write: Update, now: float) -> Step:
    old = write.record
    table = TABLES[type(old)]
    new = replace(old, version=old.version + 1)
    values = (*table.values(new), codec.encode(new), old.id, old.version)
    return partial(_must, table.update, (*values, now) if table.expires else values, old)


def _belongs(write: Belongs) -> Step:
    return partial(_must_belong, write.job_id, write.document_id)


_PREPARE: dict[type[Write], Callable[[Any, float], Step]] = {Insert: _insert, Ensure: _ensure, Update: _update}


def _must(sql: str, values: tuple[Any, ...], record: Record, db: sqlite3.Connection) -> None:
    if db.execute(sql, values).rowcount == 0:
        raise Conflict(kind_of(record), record.id)


def _may(sql: str, values: tuple[Any, ...], db: sqlite3.Connection) -> None:
    db.execute(sql, values)


def _must_belong(job_id: str, document_id: str, db: sqlite3.Connection) -> None:
    foreign = "select 1 from job where id = ? and document_id <> ?"
    if db.execute(foreign, (job_id, document_id)).fetchone():
        raise Conflict(kind_of(Job), job_id)


def page(kind: type[Record], query: Query, now: float) -> tuple[str, list[Any]]:
    """The SQL of a page and one row more; its rows are body, order value, id."""
    key, order = listing.index_of(kind, query)
    table = TABLES[kind]
    after = listing.after(query)
    compare, direction = ("<", "desc") if query.newest_first else (">", "asc")
    terms = {
        f"{order} is not null": (),
        f"{key} = ?": (query.key,) if key else None,
        f"{order} >= ?": None if query.since is None else (query.since,),
        f"{order} < ?": None if query.until is None else (query.until,),
        f"({order}, id) {compare} (?, ?)": after,
        "(expires_at is null or expires_at > ?)": (now,) if table.expires else None,
    }
    held = {term: values for term, values in terms.items() if values is not None}
    text = (
        f"select body, {order}, id from {table.name} where {' and '.join(held)} "  # noqa: S608 - names from INDEXES
        f"order by {order} {direction}, id {direction} limit ?"
    )
    return text, [*(value for values in held.values() for value in values), query.limit + 1]
