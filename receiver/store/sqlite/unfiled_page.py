"""A page of events or tasks as their table and the event log hold them together, so that no listing waits for filing.

Reading the log costs some microseconds for each unfiled event. So it is done for a first page; who reads on has the log
filed first.
"""

import sqlite3
from typing import Any

from receiver.core.change import Query, Record
from receiver.core.event import Event
from receiver.core.task import Task, TaskState
from receiver.store.sqlite.statements import page_statement

Row = tuple[str, float, str]
"""Body, order value and id."""

_EVENTS = """(
    select json_extract(value, '$[0].id') as id, json_extract(value, '$[0].job_id') as job_id,
        json_extract(value, '$[0].received_at') as received_at, json_extract(value, '$[0].expires_at') as expires_at,
        json_extract(value, '$[0]') as body
    from arrival, json_each(changes))"""
_TASKS = """(
    select json_extract(value, '$[1].id') as id, 'ready' as state, json_extract(value, '$[1].subject') as subject,
        json_extract(value, '$[1].created_at') as created_at, json_extract(value, '$[1].due_at') as due_at,
        json_extract(value, '$[1].due_at') as claimable_at, null as expires_at, json_extract(value, '$[1]') as body,
        min(arrival.id * 1000000 + key) as place
    from arrival, json_each(changes)
    where not exists (
        select 1 from task as known where known.id = json_extract(value, '$[1].id')
        and (known.expires_at is null or known.expires_at > kept_at))
    group by 1)"""
"""Of several tasks with one id the first is filed, and none if the table has one that is not expired."""
SOURCES: dict[type[Any], str] = {Event: _EVENTS, Task: _TASKS}


def may_be_unfiled(kind: type[Record], query: Query) -> bool:
    """Whether the log may have what is asked for: its tasks are all ready."""
    return kind in SOURCES and not (kind is Task and query.by == "state" and query.key != TaskState.READY)


def merged_page(kind: type[Record], query: Query, now: float, db: sqlite3.Connection) -> list[Row]:
    """The rows of a first page and one more, in the order of the query."""
    filed, values = page_statement(kind, query, now)
    unfiled, others = page_statement(kind, query, now, source=SOURCES[kind])
    both = f"select * from ({filed}) union all select * from ({unfiled})"  # noqa: S608 - one statement: one state
    rows: list[Row] = db.execute(both, [*values, *others]).fetchall()
    return sorted(rows, key=lambda row: row[1:], reverse=query.newest_first)[: query.limit + 1]
