"""A change as the items of one DynamoDB transaction: what is put, on which condition, and what it counts in the books.

An item can be touched once in a transaction, so what is said of one record is joined here: a job that is written and
must belong to a document is one put with both conditions.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from receiver.core.change import (
    CheckOwner,
    Delete,
    Insert,
    InsertIfAbsent,
    Record,
    Replace,
    Write,
    expires,
    kind_of,
    succeeding,
)
from receiver.core.document import Document, DocumentState
from receiver.core.job import Job
from receiver.store.dynamodb.items import Item, as_number, counters_of, item_of, partitions, pk_of

BOOKS = 32
"""The tally is spread over so many items, or each document's change would wait for every other's."""
NEW = "attribute_not_exists(pk)"
NEW_OR_GONE = f"({NEW} OR gone_at <= :now)"
SAME = "version = :version"
SAME_AND_THERE = f"{SAME} AND (attribute_not_exists(gone_at) OR gone_at > :now)"


@dataclass(slots=True, kw_only=True)
class TransactionItem:
    """What happens to one item: a put, a delete, or (without ``item``) a check alone."""

    kind: str
    record_id: str
    pk: str
    item: Item | None = None
    conditions: list[str] = field(default_factory=list)
    values: dict[str, dict[str, str]] = field(default_factory=dict)
    optional: bool = False
    """An InsertIfAbsent: when its record is there, it is left out and the rest goes on."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """What it adds to the books."""
    deletes: bool = False

    @property
    def act(self) -> str:
        """What TransactWriteItems calls it."""
        return "Delete" if self.deletes else "Put" if self.item else "ConditionCheck"

    def written(self, table: str) -> dict[str, Any]:
        """The arguments of Put, Delete or ConditionCheck."""
        what: dict[str, Any] = {"Item": self.item} if self.item else {"Key": {"pk": {"S": self.pk}}}
        values = {"ExpressionAttributeValues": self.values} if self.values else {}
        return {
            "TableName": table,
            "ConditionExpression": " AND ".join(self.conditions),
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            **what,
            **values,
        }

    def check_alone(self) -> "TransactionItem | None":
        """What is left of an InsertIfAbsent whose record is there: the checks that were joined to it."""
        checks = self.conditions[1:]
        values = {name: value for name, value in self.values.items() if name != ":now"}
        return replace(self, item=None, conditions=checks, values=values, optional=False, counts={}) if checks else None


def transaction_items(
    writes: Sequence[Write], *, states: Mapping[str, DocumentState], wrote: str, now: float
) -> list[TransactionItem]:
    """The moves of a change. ``states`` are those of the documents that it updates, before, by id."""
    moves: dict[str, TransactionItem] = {}
    for write in writes:
        if isinstance(write, Delete):
            move = _delete(write.record, states.get(write.record.id), now)
            moves.setdefault(move.pk, move)
        elif not isinstance(write, CheckOwner):
            move = _put(write, states, wrote, now)
            moves.setdefault(move.pk, move)
    for number_of, write in enumerate(writes):
        if isinstance(write, CheckOwner):
            pk = pk_of(Job, write.job_id)
            move = moves.setdefault(pk, TransactionItem(kind=kind_of(Job), record_id=write.job_id, pk=pk))
            _must_belong(move, write, f":owner{number_of}")
    return list(moves.values())


def _put(
    write: Insert | InsertIfAbsent | Replace, states: Mapping[str, DocumentState], wrote: str, now: float
) -> TransactionItem:
    record = write.record
    new = succeeding(record) if isinstance(write, Replace) else record
    may_expire = expires(type(record))
    move = TransactionItem(
        kind=kind_of(record),
        record_id=record.id,
        pk=pk_of(record, record.id),
        item=item_of(new, wrote=wrote),
        values={":now": as_number(now)} if may_expire else {},
        optional=isinstance(write, InsertIfAbsent),
        counts=_counts(new, states.get(record.id) if isinstance(write, Replace) else None),
    )
    if isinstance(write, Replace):
        _must_be_the_same(move, record)
    else:
        move.conditions.append(NEW_OR_GONE if may_expire else NEW)
    return move


def _delete(record: Record, state: DocumentState | None, now: float) -> TransactionItem:
    move = TransactionItem(
        kind=kind_of(record),
        record_id=record.id,
        pk=pk_of(record, record.id),
        values={":now": as_number(now)} if expires(type(record)) else {},
        counts={str(state): -1, "forgotten": 1} if state else {},
        deletes=True,
    )
    _must_be_the_same(move, record)
    return move


def _must_be_the_same(move: TransactionItem, record: Record) -> None:
    move.conditions.append(SAME_AND_THERE if expires(type(record)) else SAME)
    move.values[":version"] = {"N": str(record.version)}


def _must_belong(move: TransactionItem, write: CheckOwner, name: str) -> None:
    """The first index of jobs is by document: where a job lies in it says to which it belongs."""
    (partition,) = partitions(Job, "document", write.document_id)
    move.conditions.append(f"({NEW} OR gsi1pk = {name})")
    move.values[name] = {"S": partition}


def _counts(record: Record, before: DocumentState | None) -> dict[str, int]:
    if not isinstance(record, Document):
        return {}
    counts = Counter({"taken_in": 0 if before else 1, str(record.state): 1})
    if before:
        counts[str(before)] -= 1
    return {name: count for name, count in counts.items() if count}


def counter_updates(moves: Iterable[TransactionItem], table: str) -> list[dict[str, Any]]:
    """The updates of the books that these moves amount to, at most one for each of the books."""
    totals: dict[int, Counter[str]] = {}
    for move in moves:
        if move.counts:
            totals.setdefault(counters_of(move.record_id, BOOKS), Counter()).update(move.counts)
    return [_booking(number, counts, table) for number, counts in totals.items() if any(counts.values())]


def _booking(book: int, counts: Mapping[str, int], table: str) -> dict[str, Any]:
    return {
        "TableName": table,
        "Key": {"pk": {"S": counter_pk(book)}},
        "UpdateExpression": "ADD " + ", ".join(f"#{name} :{name}" for name in counts),
        "ExpressionAttributeNames": {f"#{name}": name for name in counts},
        "ExpressionAttributeValues": {f":{name}": {"N": str(count)} for name, count in counts.items()},
    }


def counter_pk(book: int) -> str:
    """The key of one of the books."""
    return f"books#{book}"
