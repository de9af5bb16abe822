"""How a record lies in the DynamoDB table: one item, with the entries of its indexes as attributes.

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

import base64
import hashlib
import math
import re
import zlib
from typing import Any, NamedTuple

import msgspec

from receiver.core.change import INDEXES, Record, kind_of
from receiver.core.document import Document
from receiver.core.errors import Misconfigured
from receiver.core.task import Rank, Task, TaskState
from receiver.ports import R
from receiver.store import codec

Item = dict[str, dict[str, Any]]
"""An item in DynamoDB's own notation: attribute -> {type: value}. A value is text, of type B bytes, or the base64 of
them, as a client hands them over."""

SHARDS = 8
SPREAD = frozenset({None, "state", "type", "forgettable"})
"""Keys (of an Index) with few values and many records each. A change of this or of SHARDS needs a new table."""
SHARED: dict[tuple[type[Record], str], str] = {(Document, "forgettable"): "overdue"}
"""Indexes that lie in another one's place, because no record is in both: an open document may be overdue, a settled one
forgettable. So the table has one index less to pay for and, where it exists, to add."""
READ_FROM: dict[tuple[type[Record], str, str | None], str] = {(Task, "state", TaskState.READY): "claimable"}
"""What of an index is not written, because another one lists the same records in the same order: a ready task is
claimable from when it is due. It would be two writes for each task."""
PARTS = tuple(map(int, Rank))
"""The values by which an index is partitioned."""
OLDER = -1
"""The part of items of an older Mailroom, which had none."""
KEY_LIMIT = 900
"""Bytes of an id or key within DynamoDB's keys, which may have 2,048 (partition) and 1,024 (place)."""
_BRIEF = re.compile(r"#[0-9a-f]{64}\Z")
PACKED = "zlib:"
"""What an older Mailroom's compressed body begins with, as text; a newer one is bytes."""
DICTIONARIES = {
    1: b'{"id":"cls-","kind":"classify","document_id":"doc_","created_at":17,"transaction_id":"mailroom-","st'
    b'atus":"pending","status":"completed","deadline":17,"heard_at":17,"checks":0,"beta":false,"pages":nul'
    b'l,"credits":1.0,"segments":[],{"id":":doc_","type":"classify.success","job_id":"cls-","sent_at":17,"'
    b'received_at":17,"verified_by":["token:0"],{"id":"submit:doc_:0","kind":"submit","subject":"doc_","du'
    b'e_at":17,"created_at":17,"state":"running","attempts":1,{"id":"react:cls-:classify.success:doc_","ki'
    b'nd":"react","subject":"doc_","due_at":17,"created_at":17,"details":{"event_id":"","type":"classify.s'
    b'uccess","job_id":"cls-","other_id":"","document_id":"doc_"},"note":"completed",{"id":"deliver:dlv_:3'
    b'","kind":"deliver","subject":"doc_","due_at":17,"created_at":17,"details":{"delivery_id":"dlv_","to"'
    b':"s3://"},"state":"done","attempts":1,"owner":"","lease_until":17,"lease_seconds":90.0,"note":"job c'
    b'ls-","finished_at":17,"expires_at":17,"version":2}{"id":"doc_","name":".pdf","sha256":"","size":,"me'
    b'dia_type":"application/pdf","origin":{"kind":"s3","locator":"","sender":"","by_sender":false},"conte'
    b'nt":"s3://?versionId=","taken_in_at":17,"naming":2,"version":1,"state":"open","step":"taken_in","ste'
    b'p":"submitted","step":"decided","state":"routed","step":"settled","packet":false,"mail":false,"parts'
    b'":[],"batch_id":"doc_","parent_id":"","pages":[],"category":"","category_confidence":"","page_count"'
    b':null,"cuts":[],"duplicate_of":"","metadata":{},"file_id":"dfl-","file_expires_at":null,"job_id":"cl'
    b's-","submissions":0,"uploads":0,"installation":"","transactions":["mailroom--classify-doc_-0-"],"dea'
    b'dline":17,"classification":{"type":"invoice","confidence":0.9,"reasoning":"The document "},"error":"'
    b'","plan":{"way":"matched","route":"","reason":"type \' with confidence 0.9, at least 0.","to":[{"url"'
    b':"s3://","options":{}},{"url":"sqs://","options":{}}],"via":[],"review":false,"trace":[{"route":"","'
    b'matched":true,"why":"type \'\' with confidence 0.9, at least 0.","unknown":false}],"table":"","decided'
    b'_at":17},"shadow":null,"deliveries":[{"id":"dlv_","to":{"url":"s3://","options":{}},"route":"","stat'
    b'e":"delivered","receipt":{"location":"s3://","checksum":"sha256:","fresh":true,"manifest":"s3://.mai'
    b'lroom.json"},"delivered_at":17,"error":"","place":"s3://","meaning":"routed","claim":"","sequence":0'
    b',"replaces":"","superseded":false,"owes_pointer":false,"options_changed":false,"run":3},{"id":"dlv_"'
    b',"to":{"url":"sqs://","options":{}},"route":"","state":"pending","receipt":null,"delivered_at":null,'
    b'"error":"","place":"sqs://","meaning":"routed","claim":"clm_","sequence":1,"replaces":"","superseded'
    b'":false,"owes_pointer":false,"options_changed":false,"run":3}],"sequence":1,"placed":false,"history"'
    b':[{"at":17,"what":"received","detail":"s3 "},{"at":17,"what":"submitted","detail":"classify job cls-'
    b', file dfl-"},{"at":17,"what":"decided","detail":"matched: type \'"},{"at":17,"what":"delivered","det'
    b'ail":"s3://"},{"at":17,"what":"delivered","detail":"sqs://https://sqs."}],"forgotten_at":null,"parts'
    b'_state":null,"passed_over_at":null}'
}
"""What a body is compressed against: records with little in them, documents last, as theirs are the longest. Its first
byte says which one. One that was ever used stays as it is; better ones get the next number."""
NEWEST = max(DICTIONARIES)
DAMAGE = (KeyError, IndexError, ValueError, zlib.error, msgspec.MsgspecError)
"""What reading the body of a damaged item raises."""
DAMAGED = (
    'copy the item from a table that is restored to a moment before; docs/runbook-aws.md, "Records were damaged", has '
    "the procedure"
)
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
    """Name of index -> the record's place in it; none where its key or order has no value."""
    entries = {}
    for name, index in INDEXES[type(record)].items():
        order = getattr(record, index.order)
        key = getattr(record, index.key) if index.key else None
        if order is None or (index.key and key in (None, index.unlisted)) or (type(record), name, key) in READ_FROM:
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
        "body": _packed(codec.encode(record)),
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
        return codec.decode(kind, _unpacked(item["body"], pk))
    except DAMAGE as error:
        raise Misconfigured(f"the item {pk} is damaged: its body cannot be read ({error})", fix=DAMAGED) from error


def as_number(value: float) -> dict[str, str]:
    """A number in DynamoDB's notation."""
    return {"N": repr(value)}


def counters_of(document_id: str, shards: int) -> int:
    """The counter item of a document: always the same."""
    return _hash(document_id) % shards


def _hash(text: str) -> int:
    return zlib.crc32(text.encode())


def _packed(body: str) -> dict[str, Any]:
    raw = body.encode()
    packer = zlib.compressobj(level=9, wbits=-zlib.MAX_WBITS, zdict=DICTIONARIES[NEWEST])
    packed = bytes([NEWEST]) + packer.compress(raw) + packer.flush()
    return {"B": packed} if len(packed) < len(raw) else {"S": body}


def _unpacked(body: dict[str, Any], pk: str) -> str | bytes:
    """The body's JSON. Raises one of DAMAGE, or Misconfigured."""
    if "B" in body:
        packed: bytes = base64.b64decode(body["B"]) if isinstance(body["B"], str) else bytes(body["B"])
        if packed[0] > NEWEST:
            raise Misconfigured(
                f"{pk} was written by a newer Mailroom (dictionary {packed[0]}; this one knows {NEWEST})",
                fix="install that version",
            )
        unpacker = zlib.decompressobj(wbits=-zlib.MAX_WBITS, zdict=DICTIONARIES[packed[0]])
        raw = unpacker.decompress(packed[1:])
        if not unpacker.eof:
            raise ValueError("its body ends too early")
        return raw
    text: str = body["S"]
    return zlib.decompress(base64.b64decode(text.removeprefix(PACKED))) if text.startswith(PACKED) else text
