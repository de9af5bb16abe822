"""The store on DynamoDB: one table, for any number of receivers, workers and functions at once.

A change is one conditional put, or one transaction. Whether an interrupted write succeeded is never guessed: a
transaction has a token (DynamoDB answers its repetition like the first request), and every item says who wrote it, so
that a repeated put recognizes its own earlier success.

Indexes on AWS are late, usually by milliseconds. So they only give ids; the records are then read consistently from the
table, and must still match the index. A listing may miss what was written a moment ago, but never shows outdated
records. A claim depends on a condition, not on the listing.
"""

import asyncio
import random
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any

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
    COUNTER_ITEMS,
    TransactionItem,
    counter_pk,
    counter_updates,
    transaction_items,
)
from receiver.store.sequential import apply_sequentially

if TYPE_CHECKING:
    from receiver.core.search import Search, SearchPage

MOST = 100
"""Maximum items of a transaction."""
CONTENDED = frozenset({"TransactionConflict", "TransactionConflictException", *BUSY})
"""Codes that mean contention with other writers, or throttling: the write is retried a little later."""
TRIES = 8
"""Attempts of a contended write; the pauses between them add up to about two seconds."""
THROTTLED_TRIES = 2
"""Attempts of a throttled write: the client has tried each of them three times."""
RETRY_AFTER_SECONDS = 1.0
LOOKED_THROUGH = 1000
"""Maximum tasks of each rank that one claim reads if there is no room for most of them."""
SEARCHED = 1000
"""Documents that one search reads at most, about: some hundred requests."""
SEEN = 10_000
"""Maximum versions of documents whose state is remembered."""

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
        actions = transaction_items(writes, states=await self._states(writes), wrote=wrote, now=self._clock())
        while actions:
            refused = await self._write(actions, wrote)
            for action in refused:
                if not action.optional:
                    raise Conflict(action.kind, action.record_id)
            if not refused:
                return
            actions = [left for action in actions if (left := action.check_alone() if action in refused else action)]

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

    async def search(self, search: "Search", *, limit: int = 50, cursor: str | None = None) -> "SearchPage":
        """As the port says. No index has texts: of those it looks at SEARCHED documents, the newest first."""
        from receiver.store.walked_search import walked_search

        return await walked_search(self, search, limit=limit, cursor=cursor, look_at=SEARCHED, count=limit)

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
        for item in (await self._lookup.items([counter_pk(number) for number in range(COUNTER_ITEMS)])).values():
            counted.update({name: int(item[name]["N"]) for name in COUNTERS if name in item})
        return Tally.of(counted)

    async def may_have_removed(self, document_id: str) -> bool:
        """Reads only the counter item that would count it, not the whole tally."""
        pk = counter_pk(counters_of(document_id, COUNTER_ITEMS))
        counted = (await self._lookup.items([pk])).get(pk, {})
        return "forgotten" in counted and int(counted["forgotten"]["N"]) > 0

    async def purge(self, *, now: float, limit: int = 1000) -> int:
        """Returns 0: DynamoDB itself removes expired items, free of charge."""
        return 0

    async def ready(self) -> None:
        pulse = {"pk": {"S": "pulse"}, "at": {"S": place_of(self._clock())}}
        await self._ask("put_item", TableName=self._table, Item=pulse)

    async def close(self) -> None:
        await self._service.close()

    async def _due(self, now: float, limit: int, ids: Sequence[str] | None, room: Room) -> AsyncIterator[list[Task]]:
        """Batches of the claimable tasks, the most urgent first, then the oldest."""
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
        """The claimable tasks in one part of the index."""
        span, looked = KeyRange(first=FIRST, last=place_of(now) + LAST), 0
        async for found in self._lookup.walk(Task, "claimable", None, span, wanted=2 * limit, part=part):
            yield [task for task in found if _claimable(task, now) and not self._gone(task)]
            looked += len(found)
            if looked > LOOKED_THROUGH:
                return

    async def _states(self, writes: Sequence[Write]) -> dict[str, DocumentState]:
        """The states in which the tally counts the documents that are updated or removed, by id.

        A document's state at a version does not change, so a document that was read before is not read again: if it has
        another version by now, the write fails. Raises Conflict if the read already shows that.
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
        """The existing records with these ids, read consistently."""
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

    async def _write(self, actions: Sequence[TransactionItem], wrote: str) -> list[TransactionItem]:
        """Writes all of it and returns []; or writes nothing, and returns the actions whose condition does not hold.

        Raises StoreBusy.
        """
        call = self._call(actions)
        for attempt in range(TRIES):
            try:
                await call()
            except AwsError as error:
                refused = _refused(actions, error)
                if any(item.get("wrote", {}).get("S") == wrote for _, item in refused):
                    return []  # our own write succeeded, but its response was lost
                if refused:
                    return [action for action, _ in refused]
                most = THROTTLED_TRIES if error.code in BUSY else TRIES
                if not _contended(error) or attempt >= most - 1:
                    raise _translated(error, self._table) from error
                await asyncio.sleep(random.uniform(0, 0.03 * 2**attempt))  # noqa: S311  jitter needs no secrecy
            else:
                break
        return []

    def _call(self, actions: Sequence[TransactionItem]) -> Callable[[], Awaitable[Any]]:
        """The single request for all actions."""
        totals = counter_updates(actions, self._table)
        if len(actions) + len(totals) > MOST:
            raise ValueError(f"a change of {len(actions)} records and {len(totals)} totals is over DynamoDB's {MOST}")
        if len(actions) == 1 and not totals and actions[0].item:
            return partial(self._service.call, "put_item", **actions[0].written(self._table))
        acts = [{action.act: action.written(self._table)} for action in actions]
        acts += [{"Update": update} for update in totals]
        return partial(self._service.call, "transact_write_items", TransactItems=acts)

    async def _ask(self, operation: str, **arguments: Any) -> dict[str, Any]:
        """A call without conditions. Raises StoreBusy."""
        try:
            return await self._service.call(operation, **arguments)
        except AwsError as error:
            raise _translated(error, self._table) from error


def _seen(document: Document) -> Seen:
    """A document at a version. One that was removed and ingested again restarts its versions, at another time."""
    return document.id, document.version, document.taken_in_at


def _admitted(tasks: list[Task], number: int, room: Room) -> tuple[list[Task], list[Task]]:
    """The first ``number`` of these for which there is room, and the remaining ones after them."""
    chosen: list[Task] = []
    for place, task in enumerate(tasks):
        if len(chosen) == number:
            return chosen, tasks[place:]
        if room.take(task):
            chosen.append(task)
    return chosen, []


def _claimable(task: Task, now: float) -> bool:
    return task.claimable_at is not None and task.claimable_at <= now


def _refused(actions: Sequence[TransactionItem], error: AwsError) -> list[tuple[TransactionItem, Item]]:
    """The actions whose condition did not hold, each with the present item."""
    if error.code == "ConditionalCheckFailedException":
        return [(actions[0], error.response.get("Item", {}))]
    # The updates of the tally come after the actions, and have no conditions.
    reasons = zip(actions, error.response.get("CancellationReasons", []), strict=False)
    return [(action, item.get("Item", {})) for action, item in reasons if item.get("Code") == "ConditionalCheckFailed"]


def _contended(error: AwsError) -> bool:
    codes = {item.get("Code") for item in error.response.get("CancellationReasons", [])}
    return not CONTENDED.isdisjoint({error.code, *codes})


def _translated(error: AwsError, table: str) -> Exception:
    """AWS's error as ours: temporary, with its fix; or ValueError if our own request is invalid."""
    if error.code == "ValidationException" or "ValidationError" in str(error):
        return ValueError(f"DynamoDB rejects the change: {error}")
    fix = "no action needed: Mailroom retries; if it persists, check the table's throttling in CloudWatch"
    if error.code == "ResourceNotFoundException":
        fix = f"create table {table} (scripts/deploy does), or set MAILROOM_STORE to another one"
    elif not error.passes and error.code != "TransactionCanceledException":
        fix = f"give the key or role permission to read and write table {table} and its indexes"
    return StoreBusy(f"dynamodb://{table}: {error}", retry_after=RETRY_AFTER_SECONDS, fix=fix)


_: type[Store] = DynamoStore
