"""The store on DynamoDB: one table, for any number of receivers, workers and functions at once.

A change is one conditional put, or one transaction. Whether a write of ours that was cut off did happen is never
guessed: a transaction carries a token (DynamoDB answers its repeat as it did the first), and every item says who wrote
it, so that a repeated put which meets its own earlier success knows itself.

What indexes say is late on AWS, by milliseconds as a rule. So they are asked for ids alone; the records are then read
consistently from the table and must still belong where they were found. A listing may miss what was written a moment
ago; it never shows what no longer holds, and a claim rests on a condition, not on the listing.
"""

import asyncio
import random
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from functools import partial
from operator import attrgetter
from typing import Any

from receiver.aws.service import BUSY, AwsError, Service, botocore_client
from receiver.core.balance import COUNTERS, Tally
from receiver.core.bulkhead import Room
from receiver.core.change import Delete, Page, Query, Record, Replace, Write, refuse_repeats, succeeding
from receiver.core.document import Document, DocumentState
from receiver.core.errors import Conflict, StoreBusy
from receiver.core.task import Rank, Task
from receiver.ports import Clock, R, Store
from receiver.store import listing
from receiver.store.dynamodb.items import FIRST, LAST, OLDER, Item, counters_of, pk_of, place_of, record_of
from receiver.store.dynamodb.query import KeyRange, TableQuery
from receiver.store.dynamodb.transaction_items import (
    BOOKS,
    TransactionItem,
    counter_pk,
    counter_updates,
    transaction_items,
)
from receiver.store.sequential import apply_sequentially

MOST = 100
"""Items that a transaction may touch."""
CONTENDED = frozenset({"TransactionConflict", "TransactionConflictException", *BUSY})
"""Other writers use the same items at this moment, or too many are writing: retried a little later."""
TRIES = 8
"""Of a contended write; the pauses between them add up to about two seconds."""
THROTTLED_TRIES = 2
"""Of a write that is refused as a whole for too many requests: the client has tried each of them three times."""
RETRY_AFTER_SECONDS = 1.0
LOOKED_THROUGH = 1000
"""Tasks that one claim reads of each rank, where there is no room for most of them."""
SEEN = 10_000
"""Versions of documents whose state is remembered."""

Seen = tuple[str, int, float]


class DynamoStore:
    """The Store in this table (receiver/store/dynamodb/table.py, infra/tables.yml); it connects at its first use."""

    def __init__(self, table: str, clock: Clock = time.time, *, client: Callable[[], Any] | None = None) -> None:
        """``client`` makes the client: anything that is called like boto3's; botocore's when None."""
        self._table = table
        self._clock = clock
        self._service = Service(client or partial(botocore_client, "dynamodb"))
        self._lookup = TableQuery(table, self._ask)
        self._seen: dict[Seen, DocumentState] = {}
        self._may_be_older = True
        """Whether tasks of an older Mailroom may be waiting: until a check finds none."""

    async def open(self) -> None:
        """Nothing to check: DynamoDB is responsible for its data."""

    async def apply(self, *writes: Write) -> None:
        """As the port says. ValueError for a change of more than 100 records, or one of more than 400 KB."""
        refuse_repeats(writes)
        wrote = secrets.token_urlsafe(8)
        moves = transaction_items(writes, states=await self._states(writes), wrote=wrote, now=self._clock())
        while moves:
            refused = await self._write(moves, wrote)
            for move in refused:
                if not move.optional:
                    raise Conflict(move.kind, move.record_id)
            if not refused:
                return
            moves = [left for move in moves if (left := move.check_alone() if move in refused else move)]

    async def apply_each(self, *changes: Sequence[Write]) -> list[Exception | None]:
        return await apply_sequentially(self, changes)

    async def get(self, kind: type[R], record_id: str) -> R | None:
        return (await self._there(kind, [record_id])).get(record_id)

    async def find(self, kind: type[Record], query: Query) -> Page:
        index = listing.index_of(kind, query)
        after = listing.after(query)
        span = KeyRange(
            first=FIRST if query.since is None else place_of(query.since),
            last=LAST if query.until is None else place_of(query.until),
            after=None if after is None else place_of(*after),
            newest_first=query.newest_first,
        )
        rows: list[tuple[Any, float, str]] = []
        walk = self._lookup.walk(kind, query.by, query.key, span, wanted=query.limit + 1)
        async for records in walk:
            there = [record for record in records if not self._gone(record)]
            rows += [(record, getattr(record, index.order), record.id) for record in there]
            if len(rows) > query.limit:
                break
        return listing.page_of(query, rows[: query.limit + 1])

    async def claim(
        self,
        *,
        owner: str,
        now: float,
        lease_seconds: float,
        limit: int = 1,
        ids: Sequence[str] | None = None,
        room: Room | None = None,
    ) -> list[Task]:
        """As the port says.

        Several workers that read at once all see the same oldest tasks: one that loses a task continues with any other
        of those that are due.
        """

        async def lease(task: Task) -> Task | None:
            mine = task.claim(owner=owner, now=now, lease_seconds=lease_seconds)
            try:
                await self.apply(Replace(mine))
            except Conflict:
                return None
            return succeeding(mine)

        room, claimed = room or Room.for_any(limit), list[Task]()
        async for waiting in self._due(now, limit, ids, room):
            left = waiting
            while left and len(claimed) < limit:
                chosen, left = _admitted(left, limit - len(claimed), room)
                leased = await asyncio.gather(*map(lease, chosen))
                claimed += [task for task in leased if task]
                if None in leased:
                    random.shuffle(left)
                for task, mine in zip(chosen, leased, strict=True):
                    if mine is None:
                        room.put_back(task)
            if len(claimed) == limit:
                break
        return claimed

    async def tally(self) -> Tally:
        counted: Counter[str] = Counter()
        for item in (await self._lookup.items([counter_pk(book) for book in range(BOOKS)])).values():
            counted.update({name: int(item[name]["N"]) for name in COUNTERS if name in item})
        return Tally.of(counted)

    async def may_have_removed(self, document_id: str) -> bool:
        """By the counter item that would count it: one read, where the tally takes as many as there are."""
        book = counter_pk(counters_of(document_id, BOOKS))
        counted = (await self._lookup.items([book])).get(book, {})
        return "forgotten" in counted and int(counted["forgotten"]["N"]) > 0

    async def purge(self, *, now: float, limit: int = 1000) -> int:
        """0: DynamoDB removes what is past ``expires_at`` by itself, and free of charge."""
        return 0

    async def ready(self) -> None:
        pulse = {"pk": {"S": "pulse"}, "at": {"S": place_of(self._clock())}}
        await self._ask("put_item", TableName=self._table, Item=pulse)

    async def close(self) -> None:
        await self._service.close()

    async def _due(self, now: float, limit: int, ids: Sequence[str] | None, room: Room) -> AsyncIterator[list[Task]]:
        """Batches of the claimable tasks, the most urgent first, of these the oldest."""
        if ids is not None:
            there = (await self._there(Task, list(dict.fromkeys(ids)))).values()
            yield sorted((task for task in there if _claimable(task, now)), key=attrgetter("turn"))
            return
        for rank in [rank for rank in Rank if room.for_rank(rank)]:
            async for due in self._due_of(rank, now, limit):
                yield due
        if self._may_be_older:
            self._may_be_older = False
            async for due in self._due_of(OLDER, now, limit):
                self._may_be_older = True
                yield due

    async def _due_of(self, part: int, now: float, limit: int) -> AsyncIterator[list[Task]]:
        """Those in one part of the index."""
        span, looked = KeyRange(first=FIRST, last=place_of(now) + LAST), 0
        async for found in self._lookup.walk(Task, "claimable", None, span, wanted=2 * limit, part=part):
            yield [task for task in found if _claimable(task, now) and not self._gone(task)]
            looked += len(found)
            if looked > LOOKED_THROUGH:
                return

    async def _states(self, writes: Sequence[Write]) -> dict[str, DocumentState]:
        """The states in which the documents that are to be updated or removed are counted, by id.

        What a document was at a version stays true, so who read it before need not read it again: should it have
        another version by now, the write finds out. Raises Conflict where the reading does already.
        """
        updated = [w.record for w in writes if isinstance(w, Replace | Delete) and isinstance(w.record, Document)]
        states = {item.id: self._seen.get(_seen(item)) for item in updated}
        read = await self._there(Document, [document_id for document_id, state in states.items() if state is None])
        known = {document_id: state for document_id, state in states.items() if state is not None}
        for item in updated:
            if item.id not in known and (item.id not in read or read[item.id].version != item.version):
                raise Conflict("document", item.id)
        return known | {document.id: document.state for document in read.values()}

    async def _there(self, kind: type[R], ids: Sequence[str]) -> dict[str, R]:
        """The records of these ids that there are, as they are at this moment."""
        items = await self._lookup.items([pk_of(kind, entry) for entry in ids])
        records = [record_of(kind, item) for item in items.values()]
        if kind is Document:
            self._see(records)
        return {record.id: record for record in records if not self._gone(record)}

    def _see(self, records: Iterable[Any]) -> None:
        if len(self._seen) > SEEN:
            self._seen.clear()
        self._seen |= {_seen(item): item.state for item in records}

    def _gone(self, record: Record) -> bool:
        expires_at: float | None = getattr(record, "expires_at", None)
        return expires_at is not None and expires_at <= self._clock()

    async def _write(self, moves: Sequence[TransactionItem], wrote: str) -> list[TransactionItem]:
        """Writes all of it and returns []; or the moves whose condition does not hold, and nothing was written.

        Raises StoreBusy.
        """
        call = self._call(moves)
        for attempt in range(TRIES):
            try:
                await call()
            except AwsError as error:
                refused = _refused(moves, error)
                if any(item.get("wrote", {}).get("S") == wrote for _, item in refused):
                    return []  # our own success, whose answer was lost
                if refused:
                    return [move for move, _ in refused]
                most = THROTTLED_TRIES if error.code in BUSY else TRIES
                if not _contended(error) or attempt >= most - 1:
                    raise _translated(error, self._table) from error
                await asyncio.sleep(random.uniform(0, 0.03 * 2**attempt))  # noqa: S311  jitter needs no secrecy
            else:
                break
        return []

    def _call(self, moves: Sequence[TransactionItem]) -> Callable[[], Awaitable[Any]]:
        """The one request that does all of it."""
        totals = counter_updates(moves, self._table)
        if len(moves) + len(totals) > MOST:
            raise ValueError(f"a change of {len(moves)} records and {len(totals)} totals is over DynamoDB's {MOST}")
        if len(moves) == 1 and not totals and moves[0].item:
            return partial(self._service.call, "put_item", **moves[0].written(self._table))
        acts = [{move.act: move.written(self._table)} for move in moves]
        acts += [{"Update": booking} for booking in totals]
        return partial(self._service.call, "transact_write_items", TransactItems=acts)

    async def _ask(self, operation: str, **arguments: Any) -> dict[str, Any]:
        """A call that has no conditions. Raises StoreBusy."""
        try:
            return await self._service.call(operation, **arguments)
        except AwsError as error:
            raise _translated(error, self._table) from error


def _seen(document: Document) -> Seen:
    """A document at a version. One that was forgotten and came in again counts its versions anew, at another time."""
    return document.id, document.version, document.taken_in_at


def _admitted(tasks: list[Task], number: int, room: Room) -> tuple[list[Task], list[Task]]:
    """The first of these for which there is room, at most so many; and those that come after them."""
    chosen: list[Task] = []
    for place, task in enumerate(tasks):
        if len(chosen) == number:
            return chosen, tasks[place:]
        if room.take(task):
            chosen.append(task)
    return chosen, []


def _claimable(task: Task, now: float) -> bool:
    return task.claimable_at is not None and task.claimable_at <= now


def _refused(moves: Sequence[TransactionItem], error: AwsError) -> list[tuple[TransactionItem, Item]]:
    """The moves whose condition did not hold, each with the item that is there."""
    if error.code == "ConditionalCheckFailedException":
        return [(moves[0], error.response.get("Item", {}))]
    # The books come after the moves, and have no conditions.
    reasons = zip(moves, error.response.get("CancellationReasons", []), strict=False)
    return [(move, item.get("Item", {})) for move, item in reasons if item.get("Code") == "ConditionalCheckFailed"]


def _contended(error: AwsError) -> bool:
    codes = {item.get("Code") for item in error.response.get("CancellationReasons", [])}
    return not CONTENDED.isdisjoint({error.code, *codes})


def _translated(error: AwsError, table: str) -> Exception:
    """An error of AWS's as ours: later, with what mends it. What is wrong with our own request is a ValueError."""
    if error.code == "ValidationException" or "ValidationError" in str(error):
        return ValueError(f"DynamoDB rejects the change: {error}")
    fix = "no action needed: Mailroom retries; if it persists, check the table's throttling in CloudWatch"
    if error.code == "ResourceNotFoundException":
        fix = f"create table {table} (scripts/deploy does), or set MAILROOM_STORE to another one"
    elif not error.passes and error.code != "TransactionCanceledException":
        fix = f"give the key or role permission to read and write table {table} and its indexes"
    return StoreBusy(f"dynamodb://{table}: {error}", retry_after=RETRY_AFTER_SECONDS, fix=fix)


_: type[Store] = DynamoStore
