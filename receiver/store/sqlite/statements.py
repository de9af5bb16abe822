"""The SQL for each kind of record, generated from INDEXES. A test compares it with the tables in migrations/."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, NamedTuple

from receiver.core import change
from receiver.core.change import INDEXES, Query, Record, kind_of
from receiver.core.task import Task
from receiver.store import codec, listing


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """The SQL for one kind of record.

    A record past its ``expires_at`` counts as removed: it is neither found nor updated, and an insert replaces it. For
    kinds that expire, the last parameter of each statement is the time that decides this (``timed``).
    """

    name: str
    values: Callable[[Record], tuple[Any, ...]]
    """The values of the columns except the body, in the order of the table."""
    expires: bool
    columns: tuple[str, ...]
    get: str
    insert: str
    """Changes no row if the record exists."""
    update: str
    delete: str
    purge: str
    """Removes the oldest expired records, for kinds that expire."""

    def timed(self, values: tuple[Any, ...], now: float) -> tuple[Any, ...]:
        """The parameters of a statement, with the time if it needs one."""
        return (*values, now) if self.expires else values


def _table(kind: type[Record]) -> Table:
    name = kind_of(kind)
    expires = change.expires(kind)
    searched = {attribute for index in INDEXES[kind].values() for attribute in index[:2] if attribute}
    searched |= {"lane"} if kind is Task else set()
    attributes = ["id", "version", *sorted(searched), *(["expires_at"] if expires else [])]
    columns = (*attributes, "body")
    changed = ", ".join(f"{column} = excluded.{column}" for column in columns[1:])
    again = f"update set {changed} where {name}.expires_at <= ?" if expires else "nothing"
    assigned = ", ".join(f"{column} = ?" for column in columns)
    holds = " and (expires_at is null or expires_at > ?)" if expires else ""
    return Table(
        name=name,
        values=attrgetter(*attributes),
        expires=expires,
        columns=columns,
        get=f"select body from {name} where id = ?{holds}",  # noqa: S608 - the names are constants
        insert=f"insert into {name} ({', '.join(columns)}) values ({', '.join('?' * len(columns))}) "  # noqa: S608
        f"on conflict (id) do {again}",
        update=f"update {name} set {assigned} where id = ? and version = ?{holds}",  # noqa: S608
        delete=f"delete from {name} where id = ? and version = ?{holds}",  # noqa: S608
        purge=f"delete from {name} where id in "  # noqa: S608
        f"(select id from {name} where expires_at <= ? order by expires_at limit ?)",
    )


TABLES: dict[type[Any], Table] = {kind: _table(kind) for kind in INDEXES}

LANES = """with recursive known (lane) as (
    select min(lane) from task where claimable_at is not null
    union all
    select (select min(lane) from task where claimable_at is not null and lane > known.lane)
        from known where known.lane is not null)
    select lane from known where lane is not null"""
"""The lanes with waiting tasks, with one index lookup for each lane."""
_READY = "and +state = 'ready' and (expires_at is null or expires_at > ?)"
"""Includes the state, because an older Mailroom stores the end of a lease in a running task's ``claimable_at``."""
CLAIMABLE = f"""select claimable_at, id, body from task
    where lane = ? and claimable_at <= ? {_READY} order by claimable_at, id limit ?"""  # noqa: S608
"""The ready tasks of one lane, oldest first."""
CLAIMABLE_OF = f"""select body from task
    where id in (select value from json_each(?)) and +claimable_at <= ? {_READY}"""  # noqa: S608
"""The ready tasks among a JSON list of ids. The ``+`` makes SQLite look them up by id instead of scanning all due
tasks."""


def page_statement(kind: type[Record], query: Query, now: float, *, source: str | None = None) -> tuple[str, list[Any]]:
    """The SQL of a page and one more row, from ``source`` instead of the table. Its rows have body, order value and
    id."""
    key, order, *_ = listing.index_of(kind, query)
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
        f"select body, {order}, id from {source or table.name} where {' and '.join(held)} "  # noqa: S608 - names from INDEXES
        f"order by {order} {direction}, id {direction} limit ?"
    )
    return text, [*(value for values in held.values() for value in values), query.limit + 1]


class EncodedInsert(NamedTuple):
    """A record to insert; ``must``: an existing record is a conflict (Insert, not InsertIfAbsent)."""

    table: Table
    id: str
    values: tuple[Any, ...]
    must: bool

    def insert(self, db: sqlite3.Connection, now: float) -> bool:
        """Inserts it; False if a record with this id exists."""
        return db.execute(self.table.insert, self.table.timed(self.values, now)).rowcount > 0


def encoded_insert(record: Record, *, must: bool) -> EncodedInsert:
    """Encodes the record for an insert."""
    table = TABLES[type(record)]
    return EncodedInsert(table, record.id, (*table.values(record), codec.encode(record)), must)
