"""Changes: a few writes that a store applies completely or not at all.

Steps compute them, and the store applies them: one transaction in SQLite, one ``TransactWriteItems`` in DynamoDB. The
caller learns of a conflict from the write itself, and need not check first.
"""

import dataclasses
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import msgspec

from receiver.core.alert import AlertState
from receiver.core.channel import Channel
from receiver.core.document import Document
from receiver.core.event import Event
from receiver.core.flag import Flag
from receiver.core.incident import Incident, Occurrence
from receiver.core.job import Job
from receiver.core.notification import Notification
from receiver.core.task import Task, TaskState

Record = Document | Job | Event | Task | AlertState | Flag | Incident | Occurrence | Notification | Channel
R = TypeVar("R", Document, Job, Event, Task, AlertState, Flag, Incident, Occurrence, Notification, Channel)
One = TypeVar("One", bound=Record)


class Insert(msgspec.Struct, frozen=True):
    """Write a new record; Conflict when one with this id exists."""

    record: Record


class InsertIfAbsent(msgspec.Struct, frozen=True):
    """Write a new record unless one with this id exists: the old one stays, without a conflict."""

    record: Record


class Replace(msgspec.Struct, frozen=True):
    """Replace the record that was read at ``record.version``; Conflict when its version has changed."""

    record: Record


class Delete(msgspec.Struct, frozen=True):
    """Remove the record that was read at ``record.version``; Conflict when its version has changed, or it is gone.

    A document that is removed counts as ``forgotten``.
    """

    record: Record


class CheckOwner(msgspec.Struct, frozen=True):
    """Apply the whole change only if the job is unknown or belongs to this document; Conflict otherwise."""

    job_id: str
    document_id: str


Write = Insert | InsertIfAbsent | Replace | Delete | CheckOwner


def written_records(writes: Iterable[Write], kind: type[R]) -> list[R]:
    """The records of this kind, as these writes leave them."""
    put = (write.record for write in writes if isinstance(write, Insert | InsertIfAbsent | Replace))
    return [record for record in put if isinstance(record, kind)]


def refuse_repeats(writes: tuple[Write, ...]) -> None:
    """Raises ValueError if a change writes a record twice, which DynamoDB cannot do. InsertIfAbsent may repeat."""
    written = [_place(write.record) for write in writes if isinstance(write, Insert | Replace | Delete)]
    ensured = {_place(write.record) for write in writes if isinstance(write, InsertIfAbsent)}
    if len(ensured.union(written)) < len(ensured) + len(written):
        raise ValueError(f"a change writes one record twice: {sorted(written)}, {sorted(ensured)}")


def _place(record: Record) -> tuple[str, str]:
    return kind_of(record), record.id


def changed(record: One, **fields: Any) -> One:
    """The record with these fields changed, whether it is a dataclass or a struct."""
    replace: Callable[..., Any] = msgspec.structs.replace if isinstance(record, Event | Task) else dataclasses.replace
    after: One = replace(record, **fields)
    return after


def succeeding(record: One) -> One:
    """The record as a Replace leaves it: with the next version."""
    return changed(record, version=record.version + 1)


def put(record: Record, known: Record | None) -> Insert | Replace:
    """The write of a record that replaces the ``known`` one, or is new."""
    return Insert(record) if known is None else Replace(changed(record, version=known.version))


def expires(kind: type[Record]) -> bool:
    """Whether records of this kind expire, and then count as removed."""
    return "expires_at" in kind.__annotations__


class Index(NamedTuple):
    """A way to find records: those whose ``key`` has a value, ordered by ``order``. Both name attributes.

    Without a key all records of the kind are found. A record whose key or order is None is not in the index.
    """

    key: str | None
    order: str
    part: str | None = None
    """An attribute with few values, by which a store may partition the index."""
    unlisted: str | None = None
    """A key that nobody may ask for: no store has to keep entries for its records."""


INDEXES: dict[type[Record], dict[str, Index]] = {
    Document: {
        "all": Index(None, "taken_in_at"),
        "state": Index("state", "taken_in_at"),
        "type": Index("type", "taken_in_at"),
        "batch": Index("batch_id", "taken_in_at"),
        "overdue": Index(None, "overdue_at"),
        "forgettable": Index("forgettable", "settled_at"),
    },
    Job: {"document": Index("document_id", "created_at"), "overdue": Index(None, "overdue_at")},
    Event: {"all": Index(None, "received_at"), "job": Index("job_id", "received_at")},
    Task: {
        "all": Index(None, "created_at"),
        "state": Index("state", "due_at", unlisted=TaskState.DONE),
        "subject": Index("subject", "created_at"),
        "claimable": Index(None, "claimable_at", part="rank"),
    },
    AlertState: {"all": Index(None, "last_at")},
    Flag: {},
    Incident: {"all": Index(None, "opened_at"), "standing": Index(None, "standing_since")},
    Occurrence: {"incident": Index("part", "at"), "unmended": Index("unmended_part", "at")},
    Notification: {"due": Index("channel", "due_at"), "held": Index("channel", "held_since")},
    Channel: {},
}


def kind_of(record: Record | type[Record]) -> str:
    """The name of a record's kind: document, job, event, task, alert (of before incidents), flag, incident, …"""
    cls = record if isinstance(record, type) else type(record)
    return "alert" if cls is AlertState else cls.__name__.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Records of one index, in its order.

    ``since`` is inclusive, ``until`` exclusive, both in the index's order. ``cursor`` comes from the previous page.
    """

    by: str = "all"
    key: str | None = None
    since: float | None = None
    until: float | None = None
    newest_first: bool = False
    limit: int = 50
    cursor: str | None = None


class Page(NamedTuple):
    """One page of a listing; ``cursor`` is None on the last."""

    records: list  # type: ignore[type-arg]
    cursor: str | None
