"""Finds records in the DynamoDB table: by key, consistently; or along an index, merged from all its partitions."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from receiver.core.change import INDEXES, Record
from receiver.core.document import Document
from receiver.core.task import Task, delivery_task_ids
from receiver.store.dynamodb.items import NAMED, READ_FROM, Item, gsi_of, partitions, pk_of, place_of, record_of

MOST_READ = 100
"""Items of one BatchGetItem."""
PAUSE_SECONDS = 0.05
"""Before what DynamoDB left unread is asked for again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRange:
    """A range of an index: places from ``first`` to ``last``, beyond ``after`` in the reading direction."""

    first: str
    last: str
    after: str | None = None
    newest_first: bool = False

    def bounds(self) -> tuple[str, str]:
        """The lowest and the highest place to request; the caller leaves out ``after`` itself."""
        if self.after is None:
            return self.first, self.last
        return (
            (self.first, min(self.last, self.after)) if self.newest_first else (max(self.first, self.after), self.last)
        )


class ItemKey(NamedTuple):
    """An entry of an index, and the record's key. Sorts by place."""

    place: str
    pk: str
    partition: str
    """"" for a record that was found by its key."""


class PartitionPage(NamedTuple):
    """What one partition has of a range, from its beginning."""

    keys: list[ItemKey]
    whole: bool


class TableQuery:
    """Reads from a table. ``ask`` calls DynamoDB and raises StoreBusy."""

    def __init__(self, table: str, ask: Callable[..., Awaitable[dict[str, Any]]]) -> None:
        self._table = table
        self._ask = ask

    async def items(self, pks: Sequence[str]) -> dict[str, Item]:
        """Key -> item, at this moment, in the requested order; missing ones are left out."""
        batches = [pks[start : start + MOST_READ] for start in range(0, len(pks), MOST_READ)]
        found: dict[str, Item] = {}
        for items in await asyncio.gather(*map(self._batch, batches)):
            found |= items
        return {pk: found[pk] for pk in pks if pk in found}

    async def _batch(self, pks: Sequence[str]) -> dict[str, Item]:
        if len(pks) == 1:
            answer = await self._ask("get_item", TableName=self._table, Key={"pk": {"S": pks[0]}}, ConsistentRead=True)
            return {pks[0]: answer["Item"]} if answer.get("Item") else {}
        found: dict[str, Item] = {}
        keys = [{"pk": {"S": pk}} for pk in dict.fromkeys(pks)]
        while keys:
            asked = {self._table: {"Keys": keys, "ConsistentRead": True}}
            answer = await self._ask("batch_get_item", RequestItems=asked)
            found |= {item["pk"]["S"]: item for item in answer["Responses"].get(self._table, [])}
            keys = answer.get("UnprocessedKeys", {}).get(self._table, {}).get("Keys", [])
            if keys:
                await asyncio.sleep(PAUSE_SECONDS)
        return found

    async def walk(
        self, kind: type[Record], name: str, key: str | None, span: KeyRange, *, wanted: int, part: int | None = None
    ) -> AsyncIterator[list[Any]]:
        """The records of a range in its order, in batches of at most ``wanted``; the caller stops when it has enough.

        Each round asks every partition for its next few keys. Beyond the last key of a partition that has more, nothing
        is certain: what others have there waits for the next round, which asks for as many keys as those that have more
        need. Those that have none are asked again, too: a record may have moved there before the other one was read.
        """
        name, of_keys = READ_FROM.get((kind, name, key), (name, (key,)))
        among = [partition for each in of_keys for partition in partitions(kind, name, each, part)]
        portion = wanted // len(among) + 8
        gsi = gsi_of(kind, name)
        while True:
            parts = await asyncio.gather(*(self._part(gsi, partition, span, portion) for partition in among))
            if named := (kind, name) in NAMED and key is not None:
                parts.append(await self._named(kind, name, key, span))
            keys, complete = _merged(parts, span)
            if len(keys) > wanted:
                keys, complete = keys[:wanted], False
            if keys:
                yield await self._records(kind, gsi, keys, among={*among, *([""] if named else [])})
            if complete:
                return
            span = replace(span, after=keys[-1].place)
            portion = wanted // max(1, sum(not item.whole for item in parts)) + 8

    async def _part(self, gsi: str, partition: str, span: KeyRange, portion: int) -> PartitionPage:
        lowest, highest = span.bounds()
        if lowest > highest:
            return PartitionPage([], whole=True)
        answer = await self._ask(
            "query",
            TableName=self._table,
            IndexName=gsi,
            KeyConditionExpression=f"{gsi}pk = :partition AND {gsi}sk BETWEEN :lowest AND :highest",
            ExpressionAttributeValues={
                ":partition": {"S": partition},
                ":lowest": {"S": lowest},
                ":highest": {"S": highest},
            },
            ProjectionExpression=f"pk, {gsi}sk",
            ScanIndexForward=not span.newest_first,
            Limit=portion,
        )
        keys = [ItemKey(item[f"{gsi}sk"]["S"], item["pk"]["S"], partition) for item in answer["Items"]]
        return PartitionPage([key for key in keys if key.place != span.after], whole=not answer.get("LastEvaluatedKey"))

    async def _named(self, kind: type[Any], name: str, key: str, span: KeyRange) -> PartitionPage:
        """The records that this key names, which may have no entry in the index."""
        document = pk_of(Document, key)
        found = await self.items([document])
        if kind is Task and found:
            ids = delivery_task_ids(record_of(Document, found[document]))
            found = await self.items([pk_of(Task, task_id) for task_id in ids])
        index, (lowest, highest) = INDEXES[kind][name], span.bounds()
        records = {pk: record_of(kind, item) for pk, item in found.items()}
        keys = [
            ItemKey(place_of(getattr(record, index.order), record.id), pk, "")
            for pk, record in records.items()
            if getattr(record, index.key or "") == key
        ]
        return PartitionPage(
            [item for item in keys if lowest <= item.place <= highest and item.place != span.after], whole=True
        )

    async def _records(self, kind: type[Any], gsi: str, keys: Sequence[ItemKey], *, among: Set[str]) -> list[Any]:
        """The records of these entries that are still in the index, in these partitions ("": without an entry).

        One may have moved to another of them since its entry was read: it is as much of the listing as before.
        """
        items = await self.items([key.pk for key in keys])
        found = dict.fromkeys((key.pk, key.place) for key in keys)
        there = [items[pk] for pk, place in found if pk in items and _is_indexed(items[pk], gsi, place, among)]
        return [record_of(kind, item) for item in there]


def _is_indexed(item: Item, gsi: str, place: str, among: Set[str]) -> bool:
    partition, now = (item.get(f"{gsi}{half}", {}).get("S", "") for half in ("pk", "sk"))
    return partition in among and now in ("", place)


def _merged(parts: Sequence[PartitionPage], span: KeyRange) -> tuple[list[ItemKey], bool]:
    """The keys that are certain, in order, and whether they are all there are."""
    keys = sorted((key for part in parts for key in part.keys), reverse=span.newest_first)
    ends = [part.keys[-1] for part in parts if not part.whole]
    if not ends:
        return keys, True
    horizon = max(ends) if span.newest_first else min(ends)
    return [key for key in keys if (key >= horizon if span.newest_first else key <= horizon)], False
