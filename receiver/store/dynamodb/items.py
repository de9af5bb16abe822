"""How a record lies in the DynamoDB table: one item, with the entries of its indexes as attributes.

    pk          kind#id
    body        the record as JSON; from PACK_FROM on packed, because an item may have 400 KB
    version     the record's, for conditions
    wrote       who wrote it last: tells our own write, repeated, from somebody else's
    gsi1pk …    of up to five sparse indexes, mapped by their position in INDEXES (but SHARED): the partition, and
    gsi1sk …    the place in it (order value and id)
    expires_at  for DynamoDB's time to live: whole seconds
    gone_at     the same, exactly: we compare it ourselves, because DynamoDB removes items hours later

An index that all records of a kind share (by state, due, overdue, all) is spread over SHARDS partitions, by a hash of
the id: a partition takes 1,000 writes a second, and a hot one would hold up the writes of the table itself.
"""

import base64
import hashlib
import math
import re
import zlib
from typing import Any, NamedTuple

from receiver.core.change import INDEXES, Record, kind_of
from receiver.core.document import Document
from receiver.core.task import Rank
from receiver.ports import R
from receiver.store import codec

Item = dict[str, dict[str, str]]
"""An item in DynamoDB's own notation: attribute -> {type: value}."""

SHARDS = 8
SPREAD = frozenset({None, "state", "type", "forgettable"})
"""Keys (of an Index) with few values and many records each. Changing this or SHARDS asks for a new table."""
SHARED: dict[tuple[type[Record], str], str] = {(Document, "forgettable"): "overdue"}
"""Indexes that lie in another one's place, because no record is in both: an open document may be overdue, a settled one
forgettable. So the table has one index less to pay for and, where it exists, to add."""
PARTS = tuple(map(int, Rank))
"""The values of what an index is kept in parts by."""
OLDER = -1
"""The part of what an older Mailroom wrote, which knew none."""
KEY_LIMIT = 900
"""Bytes of an id or key within DynamoDB's keys, which may have 2,048 (partition) and 1,024 (place)."""
_BRIEF = re.compile(r"#[0-9a-f]{64}\Z")
PACK_FROM = 32 * 1024
PACKED = "zlib:"
FIRST, LAST = " ", "~"
"""Sort before and after every place."""


class IndexEntry(NamedTuple):
    """Where a record lies in an index."""

    partition: str
    place: str


def pk_of(kind: type[Any] | Record, record_id: str) -> str:
    """The table's key of a record."""
    return f"{kind_of(kind)}#{brief(record_id)}"


def brief(text: str) -> str:
    """The text, or one as good that fits into a key: its beginning and its hash.

    A text that ends like one that was made brief is made brief too: nobody can write down another text's key.
    """
    raw = text.encode()
    if len(raw) <= KEY_LIMIT and not _BRIEF.search(text):
        return text
    return f"{raw[: KEY_LIMIT - 70].decode(errors='ignore')}#{hashlib.sha256(raw).hexdigest()}"


def place_of(order: float, record_id: str | None = None) -> str:
    """A place in an index's order, as text that sorts like it; without an id the one before all of this order value.

    Seven decimals tell apart any two moments that a float can (after 2004).
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
    """Name of index -> where the record lies in it; none where its key or order has no value."""
    entries = {}
    for name, index in INDEXES[type(record)].items():
        order = getattr(record, index.order)
        key = getattr(record, index.key) if index.key else None
        if order is None or (index.key and key is None):
            continue
        among = partitions(type(record), name, key, getattr(record, index.part) if index.part else None)
        entries[name] = IndexEntry(among[_hash(record.id) % len(among)], place_of(order, record.id))
    return entries


def gsi_of(kind: type[Record], name: str) -> str:
    """The table's index that serves this one: gsi1 to gsi5."""
    own = [item for item in INDEXES[kind] if (kind, item) not in SHARED]
    return f"gsi{own.index(SHARED.get((kind, name), name)) + 1}"


def item_of(record: Record, *, wrote: str) -> Item:
    """The record's item. Raises UnicodeEncodeError on text that is not Unicode."""
    kind = type(record)
    item: Item = {
        "pk": {"S": pk_of(kind, record.id)},
        "body": {"S": _packed(codec.encode(record))},
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
    """The record that an item holds."""
    return codec.decode(kind, _unpacked(item["body"]["S"]))


def as_number(value: float) -> dict[str, str]:
    """A number in DynamoDB's notation."""
    return {"N": repr(value)}


def counters_of(document_id: str, shards: int) -> int:
    """Which of the books a document is counted in: always the same."""
    return _hash(document_id) % shards


def _hash(text: str) -> int:
    return zlib.crc32(text.encode())


def _packed(body: str) -> str:
    if len(body) < PACK_FROM:
        return body
    return PACKED + base64.b64encode(zlib.compress(body.encode())).decode()


def _unpacked(body: str) -> str | bytes:
    return zlib.decompress(base64.b64decode(body.removeprefix(PACKED))) if body.startswith(PACKED) else body
