"""Turns a change into the items of one DynamoDB transaction: what is put, with which conditions, and what it counts.

A transaction can touch each item only once, so all writes about one record are joined here: a job that is written and
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

COUNTER_ITEMS = 32
"""Number of items over which the tally is spread; with one item, all changes of documents would contend for it."""
NEW = "attribute_not_exists(pk)"
NEW_OR_GONE = f"({NEW} OR gone_at <= :now)"
SAME = "version = :version"
SAME_AND_THERE = f"{SAME} AND (attribute_not_exists(gone_at) OR gone_at > :now)"


@dataclass(slots=True, kw_only=True)
class TransactionItem:
    """What happens to one item: a put, a delete, or (without ``item``) only a check."""

    kind: str
    record_id: str
    pk: str
    item: Item | None = None
    conditions: list[str] = field(default_factory=list)
    values: dict[str, dict[str, str]] = field(default_factory=dict)
    optional: bool = False
    """Whether it is an InsertIfAbsent, which is left out if its record exists."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """What it adds to the tally's counters."""
    deletes: bool = False

    @property
    def act(self) -> str:
        """Its name in TransactWriteItems."""
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
        """The checks that were joined to an InsertIfAbsent, if its record exists; None if there are none."""
        checks = self.conditions[1:]
        values = {name: value for name, value in self.values.items() if name != ":now"}
        return replace(self, item=None, conditions=checks, values=values, optional=False, counts={}) if checks else None


def transaction_items(
    writes: Sequence[Write], *, states: Mapping[str, DocumentState], wrote: str, now: float
) -> list[TransactionItem]:
    """The actions of a change. ``states`` are the previous states of the documents that it updates, by id."""
    actions: dict[str, TransactionItem] = {}
    for write in writes:
        if isinstance(write, Delete):
            action = _delete(write.record, states.get(write.record.id), now)
            actions.setdefault(action.pk, action)
        elif not isinstance(write, CheckOwner):
            action = _put(write, states, wrote, now)
            actions.setdefault(action.pk, action)
    for number_of, write in enumerate(writes):
        if isinstance(write, CheckOwner):
            pk = pk_of(Job, write.job_id)
            action = actions.setdefault(pk, TransactionItem(kind=kind_of(Job), record_id=write.job_id, pk=pk))
            _must_belong(action, write, f":owner{number_of}")
    return list(actions.values())


def _put(
    write: Insert | InsertIfAbsent | Replace, states: Mapping[str, DocumentState], wrote: str, now: float
) -> TransactionItem:
    record = write.record
    new = succeeding(record) if isinstance(write, Replace) else record
    may_expire = expires(type(record))
    action = TransactionItem(
        kind=kind_of(record),
        record_id=record.id,
        pk=pk_of(record, record.id),
        item=item_of(new, wrote=wrote),
        values={":now": as_number(now)} if may_expire else {},
        optional=isinstance(write, InsertIfAbsent),
        counts=_counts(new, states.get(record.id) if isinstance(write, Replace) else None),
    )
    if isinstance(write, Replace):
        _must_be_the_same(action, record)
    else:
        action.conditions.append(NEW_OR_GONE if may_expire else NEW)
    return action


def _delete(record: Record, state: DocumentState | None, now: float) -> TransactionItem:
    action = TransactionItem(
        kind=kind_of(record),
        record_id=record.id,
        pk=pk_of(record, record.id),
        values={":now": as_number(now)} if expires(type(record)) else {},
        counts={str(state): -1, "forgotten": 1} if state else {},
        deletes=True,
    )
    _must_be_the_same(action, record)
    return action


def _must_be_the_same(action: TransactionItem, record: Record) -> None:
    action.conditions.append(SAME_AND_THERE if expires(type(record)) else SAME)
    action.values[":version"] = {"N": str(record.version)}


def _must_belong(action: TransactionItem, write: CheckOwner, name: str) -> None:
    """Adds the condition that a job belongs to the document: the first index of jobs is by document."""
    (partition,) = partitions(Job, "document", write.document_id)
    action.conditions.append(f"({NEW} OR gsi1pk = {name})")
    action.values[name] = {"S": partition}


def _counts(record: Record, before: DocumentState | None) -> dict[str, int]:
    if not isinstance(record, Document):
        return {}
    counts = Counter({"taken_in": 0 if before else 1, str(record.state): 1})
    if before:
        counts[str(before)] -= 1
    return {name: count for name, count in counts.items() if count}


def counter_updates(actions: Iterable[TransactionItem], table: str) -> list[dict[str, Any]]:
    """The updates of the tally that these actions amount to, at most one for each counter item."""
    totals: dict[int, Counter[str]] = {}
    for action in actions:
        if action.counts:
            totals.setdefault(counters_of(action.record_id, COUNTER_ITEMS), Counter()).update(action.counts)
    return [_counter_update(number, counts, table) for number, counts in totals.items() if any(counts.values())]


def _counter_update(number: int, counts: Mapping[str, int], table: str) -> dict[str, Any]:
    return {
        "TableName": table,
        "Key": {"pk": {"S": counter_pk(number)}},
        "UpdateExpression": "ADD " + ", ".join(f"#{name} :{name}" for name in counts),
        "ExpressionAttributeNames": {f"#{name}": name for name in counts},
        "ExpressionAttributeValues": {f":{name}": {"N": str(count)} for name, count in counts.items()},
    }


def counter_pk(number: int) -> str:
    """The key of one of the tally's counter items. The prefix is a stored word."""
    return f"books#{number}"
