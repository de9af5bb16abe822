"""A record in the DynamoDB table: one item, with the entries of its indexes as attributes.

    pk          kind#id
    body        the record as JSON, compressed where that is shorter: each started KB is a write unit, two in a
                transaction
    version     the record's, for conditions
    wrote       who wrote it last: tells our own write, repeated, from somebody else's
    gsi1pk …    of up to five sparse indexes, mapped by their position in INDEXES (but SHARED): the partition, and
    gsi1sk …    the place in it (order value and id)
    expires_at  for DynamoDB's time to live: whole seconds
    gone_at     the same, exactly: we compare it ourselves, because DynamoDB removes items hours later

An index that all records of a kind share (by state, due, overdue, all) is spread over SHARDS partitions, by a hash of
the id: a partition takes 1,000 writes a second, and a hot one would hold up the writes of the table itself.
"""

import hashlib
import math
import re
import zlib
from typing import Any, NamedTuple

import msgspec

from receiver.core.change import INDEXES, Record, kind_of
from receiver.core.document import Document, DocumentState
from receiver.core.errors import Misconfigured
from receiver.core.task import Rank, Task, TaskState, is_named_after_delivery
from receiver.ports import R
from receiver.store import codec
from receiver.store.dynamodb import body

Item = dict[str, dict[str, Any]]
"""An item in DynamoDB's own notation: attribute -> {type: value}. A value is text, of type B bytes, or the base64 of
them, as a client hands them over."""

SHARDS = 8
SPREAD = frozenset({None, "state", "type", "forgettable"})
"""Keys (of an Index) with few values and many records each. A change of this or of SHARDS needs a new table."""
SHARED: dict[tuple[type[Record], str], str] = {(Document, "forgettable"): "overdue"}
"""Indexes that lie in another one's place, because no record is in both: an open document may be overdue, a settled one
forgettable. So the table has one index less to pay for and, where it exists, to add."""
READ_FROM: dict[tuple[type[Record], str, str | None], tuple[str, tuple[str | None, ...]]] = {
    (Task, "state", TaskState.READY): ("claimable", (None,)),
    (Document, "all", None): ("state", tuple(DocumentState)),
}
"""What of an index is not written, because these keys of another one list the same records in the same order: a ready
task is claimable from when it is due, and each document is in one state. Each is a write or two for each record."""
NAMED: frozenset[tuple[type[Record], str]] = frozenset({(Document, "batch"), (Task, "subject")})
"""Indexes in which some records have no entry, because the key names them (``is_named``)."""
PARTS = tuple(map(int, Rank))
"""The values by which an index is partitioned."""
OLDER = -1
"""The part of items of an older Mailroom, which had none."""
KEY_LIMIT = 900
"""Bytes of an id or key within DynamoDB's keys, which may have 2,048 (partition) and 1,024 (place)."""
_BRIEF = re.compile(r"#[0-9a-f]{64}\Z")
DAMAGED = (
    'copy the item from a table that is restored to a moment before; docs/runbook-aws.md, "Records were damaged", has '
    "the procedure"
)
FIRST, LAST = " ", "~"
"""Sort before and after every place."""


class IndexEntry(NamedTuple):
    """The position of a record in an index."""

    partition: str
    place: str


def pk_of(kind: type[Any] | Record, record_id: str) -> str:
    """The table's key of a record."""
    return f"{kind_of(kind)}#{brief(record_id)}"


def brief(text: str) -> str:
    """The text, or a replacement that fits into a key: its beginning and its hash.

    A text that ends like a shortened one is shortened too: nobody can write another text's key.
    """
    raw = text.encode()
    if len(raw) <= KEY_LIMIT and not _BRIEF.search(text):
        return text
    return f"{raw[: KEY_LIMIT - 70].decode(errors='ignore')}#{hashlib.sha256(raw).hexdigest()}"


def place_of(order: float, record_id: str | None = None) -> str:
    """A place in an index's order, as text that sorts like it; without an id the place before all of this order value.

    Seven decimals distinguish any two times that a float can (after 2004).
    """
    return f"{order:020.7f}" + ("" if record_id is None else f"#{brief(record_id)}")


def partitions(kind: type[Record], name: str, key: str | None, part: int | None = None) -> list[str]:
    """The partitions of an index that hold the records of this key; of an index in parts, those of one part or all."""
    stem = f"{kind_of(kind)}#{name}#{brief(key or '')}"
    if INDEXES[kind][name].key not in SPREAD:
        return [stem]
    if INDEXES[kind][name].part is None:
        return _spread(stem)
    wanted = (OLDER, *PARTS) if part is None else (part,)
    return [item for each in wanted for item in _spread(stem if each == OLDER else f"{stem}#part{each}")]


def _spread(stem: str) -> list[str]:
    return [f"{stem}#{shard}" for shard in range(SHARDS)]


def entries_of(record: Record) -> dict[str, IndexEntry]:
    """Name of index -> the record's place in it; none where its key or order has no value, or it is found otherwise."""
    entries, kind = {}, type(record)
    for name, index in INDEXES[kind].items():
        order = getattr(record, index.order)
        key = getattr(record, index.key) if index.key else None
        if order is None or (index.key and key in (None, index.unlisted)):
            continue
        if (kind, name, key) in READ_FROM or ((kind, name) in NAMED and is_named(record)):
            continue
        among = partitions(kind, name, key, getattr(record, index.part) if index.part else None)
        entries[name] = IndexEntry(among[_hash(record.id) % len(among)], place_of(order, record.id))
    return entries


def is_named(record: Record) -> bool:
    """Whether it is found without an entry: a document that came alone, by the id of its batch; the task of a delivery,
    by its document's deliveries, unless it is parked and may outlast them.
    """
    if isinstance(record, Document):
        return record.batch_id == record.id
    return isinstance(record, Task) and record.state is not TaskState.PARKED and is_named_after_delivery(record)


def gsi_of(kind: type[Record], name: str) -> str:
    """The table's index that serves this one: gsi1 to gsi5."""
    own = [item for item in INDEXES[kind] if (kind, item) not in SHARED]
    return f"gsi{own.index(SHARED.get((kind, name), name)) + 1}"


def item_of(record: Record, *, wrote: str) -> Item:
    """The record's item. Raises UnicodeEncodeError on text that is not Unicode."""
    kind, pk = type(record), pk_of(record, record.id)
    item: Item = {
        "pk": {"S": pk},
        "body": body.packed(codec.encode(record), pk),
        "version": {"N": str(record.version)},
        "wrote": {"S": wrote},
    }
    for name, entry in entries_of(record).items():
        gsi = gsi_of(kind, name)
        item[f"{gsi}pk"], item[f"{gsi}sk"] = {"S": entry.partition}, {"S": entry.place}
    expires_at = getattr(record, "expires_at", None)
    if expires_at is not None:
        item["expires_at"] = {"N": str(math.ceil(expires_at))}
        item["gone_at"] = as_number(expires_at)
    return item


def record_of(kind: type[R], item: Item) -> R:
    """The record that an item holds. Raises Misconfigured if it is damaged, or if a newer Mailroom compressed it."""
    pk = item["pk"]["S"]
    try:
        return codec.decode(kind, body.unpacked(item["body"], pk))
    except (*body.DAMAGE, msgspec.MsgspecError) as error:
        raise Misconfigured(f"the item {pk} is damaged: its body cannot be read ({error})", fix=DAMAGED) from error


def as_number(value: float) -> dict[str, str]:
    """A number in DynamoDB's notation."""
    return {"N": repr(value)}


def counters_of(document_id: str, shards: int) -> int:
    """The counter item of a document: always the same."""
    return _hash(document_id) % shards


def _hash(text: str) -> int:
    return zlib.crc32(text.encode())
