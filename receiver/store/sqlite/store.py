"""The embedded store: one SQLite file, written by one thread in group commits.

All changes that wait at the same time share one transaction and one sync to the disk (WAL, ``synchronous=FULL``). A
conflict undoes only its own change. Callers get their result after the commit.

Several processes may use one file: each takes the write lock before it writes, and waits ``busy_seconds`` for it.
"""

import functools
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path

from receiver.core.balance import Tally
from receiver.core.bulkhead import Room
from receiver.core.change import Page, Query, Record, Write, refuse_repeats
from receiver.core.errors import Misconfigured, StoreBusy
from receiver.core.event import Event
from receiver.core.search import Search, SearchPage
from receiver.core.task import Task
from receiver.ports import Clock, R, Store
from receiver.store import codec, listing
from receiver.store.sequential import apply_sequentially
from receiver.store.sqlite import group_commit, integrity, statements
from receiver.store.sqlite.claims import Claim
from receiver.store.sqlite.connection import connect
from receiver.store.sqlite.encoded_change import encode_change
from receiver.store.sqlite.event_log import SOME, logged_event_of, unfiled
from receiver.store.sqlite.indexed_search import LOOKED_AT, indexed_search
from receiver.store.sqlite.search_index import index_some, left_to_index
from receiver.store.sqlite.unfiled_page import may_be_unfiled, merged_page
from receiver.store.sqlite.writer_thread import QUEUE_LIMIT, WriterThread
from receiver.store.walked_search import is_indexed, walked_search

INDEX_STEPS = 50
"""Steps in which a search brings its index up to date: a thousand documents."""
TALLY = """\
select what, documents from tally
union all select 'withdrawn', count(*) from document where state = 'withdrawn'
union all select 'forgotten', documents from forgotten
"""
"""Counts the withdrawn documents, which are few, on request: an earlier release has no such row in the tally."""


class SqliteStore:
    """The Store in the file ``path``. The first use opens it, or ``open``, which shows faults early."""

    def __init__(
        self, path: Path, clock: Clock = time.time, *, busy_seconds: float = 5.0, queue_limit: int = QUEUE_LIMIT
    ) -> None:
        self._path = path
        self._clock = clock
        self._busy_seconds = busy_seconds
        self._queue_limit = queue_limit
        self._lanes: tuple[WriterThread, WriterThread] | None = None

    async def open(self) -> None:
        """As in the port. Reads the file for a few seconds at most, to find damage."""
        try:
            await self._reader.do(functools.partial(integrity.check_integrity, path=self._path))
        except StoreBusy as error:
            if error.__cause__ is not None and integrity.is_broken(error.__cause__):
                raise integrity.broken(self._path, error.__cause__) from error
            raise

    async def apply(self, *writes: Write) -> None:
        now = self._clock()
        if arrival := logged_event_of(writes, now):
            (refused,) = await self._writer.do([arrival])
            if refused:
                raise refused
            return
        refuse_repeats(writes)
        if writes:
            await self._writer.do(encode_change(writes, now))

    async def apply_each(self, *changes: Sequence[Write]) -> list[Exception | None]:
        now = self._clock()
        arrivals = [arrival for change in changes if (arrival := logged_event_of(change, now))]
        if len(arrivals) < len(changes):
            return await apply_sequentially(self, changes)
        try:
            return await self._writer.do(arrivals)
        except StoreBusy as busy:
            return [busy] * len(changes)

    async def get(self, kind: type[R], record_id: str) -> R | None:
        if kind in (Event, Task) and await self._reader.do(unfiled) is not None:
            await self._writer.do(lambda db: db.event_log.make_way(db, [record_id]))
        table = statements.TABLES[kind]
        values = table.timed((record_id,), self._clock())
        row = await self._reader.do(lambda db: db.execute(table.get, values).fetchone())
        return None if row is None else codec.decode(kind, row[0])

    async def find(self, kind: type[Record], query: Query) -> Page:
        now = self._clock()
        if may_be_unfiled(kind, query) and query.cursor is None:
            rows = await self._reader.do(functools.partial(merged_page, kind, query, now))
        else:
            if may_be_unfiled(kind, query):
                await self._filed()
            sql, values = statements.page_statement(kind, query, now)
            rows = await self._reader.do(lambda db: db.execute(sql, values).fetchall())
        return listing.page_of(query, [(codec.decode(kind, body), order, key) for body, order, key in rows])

    async def search(self, search: Search, *, limit: int = 50, cursor: str | None = None) -> SearchPage:
        left = await self._indexed()
        if left is None or (left and is_indexed(search)):
            return await walked_search(self, search, limit=limit, cursor=cursor, look_at=LOOKED_AT, count=limit)
        page = await indexed_search(self._reader.do, search, limit=limit, cursor=cursor)
        return page._replace(not_indexed=left)

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
        take = functools.partial(Task.claim, owner=owner, now=now, lease_seconds=lease_seconds)
        room = room or Room.for_any(limit)
        return await self._writer.do(Claim(take=take, now=now, moment=self._clock(), limit=limit, room=room, ids=ids))

    async def tally(self) -> Tally:
        return Tally.of(dict(await self._reader.do(lambda db: db.execute(TALLY).fetchall())))

    async def may_have_removed(self, document_id: str) -> bool:
        return (await self.tally()).forgotten > 0

    async def purge(self, *, now: float, limit: int = 1000) -> int:
        return await self._writer.do(functools.partial(_purge, now, limit))

    async def ready(self) -> None:
        beat = "insert into pulse values (1, ?) on conflict (id) do update set at = excluded.at"
        now = self._clock()
        await self._writer.do(lambda db: db.execute(beat, (now,)).rowcount)

    async def close(self) -> None:
        for lane in self._lanes or ():
            await lane.close()

    async def _filed(self) -> None:
        """Waits until everything stored so far is filed and can be listed."""
        if (last := await self._reader.do(unfiled)) is not None:
            while not await self._writer.do(lambda db: db.event_log.file(db, at_most=SOME, until=last)):
                pass

    async def _indexed(self) -> int | None:
        """Brings the search index up to date, as far as few steps do; how many documents are left. None without one."""
        left = await self._reader.do(lambda db: left_to_index(db) if db.searches else None)
        for _ in range(INDEX_STEPS if left else 0):
            if await self._writer.do(index_some):
                break
        return left and await self._reader.do(left_to_index)

    @property
    def _writer(self) -> WriterThread:
        return (self._lanes or self._start())[0]

    @property
    def _reader(self) -> WriterThread:
        return (self._lanes or self._start())[1]

    def _start(self) -> tuple[WriterThread, WriterThread]:
        try:
            self._refuse_folders()
            integrity.refuse_strange(self._path)
        except OSError as error:
            raise StoreBusy(f"{self._path} cannot be reached: {error.strerror}") from error
        opening = functools.partial(connect, self._path, busy_seconds=self._busy_seconds)
        writing = functools.partial(connect, self._path, busy_seconds=self._busy_seconds, writes=True)
        name = self._path.name
        self._lanes = (
            WriterThread(
                f"writer of {name}",
                writing,
                group_commit.group_commit,
                tidy=group_commit.file_or_shrink,
                keep_pace=group_commit.keep_pace,
                queue_limit=self._queue_limit,
            ),
            WriterThread(f"reader of {name}", opening, group_commit.group_read, queue_limit=self._queue_limit),
        )
        return self._lanes

    def _refuse_folders(self) -> None:
        if not self._path.parent.is_dir():
            fix = f"create the folder {self._path.parent}, or set MAILROOM_STORE to another file"
            raise Misconfigured(f"{self._path} cannot be created: its folder does not exist", fix=fix)
        if self._path.is_dir():
            raise Misconfigured(f"{self._path} is a folder", fix="set MAILROOM_STORE to a file: sqlite:///mailroom.db")


def _purge(now: float, limit: int, db: sqlite3.Connection) -> int:
    purged = 0
    for table in statements.TABLES.values():
        if table.expires:
            purged += db.execute(table.purge, (now, limit - purged)).rowcount
    return purged


_: type[Store] = SqliteStore
