"""A thread that owns one SQLite connection and runs the waiting jobs in batches.

A single job starts at once; jobs that arrive meanwhile form the next batch. So batches grow with the load, and no job
waits for a timer. One wake-up of the event loop gives all callers of a batch their results.
"""

import asyncio
import logging
import queue
import sqlite3
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, overload

from receiver.core.errors import StoreBusy
from receiver.store.sqlite.connection import SqliteConnection
from receiver.store.sqlite.event_log import LoggedEvent
from receiver.store.sqlite.integrity import RESTORE, is_broken, reason_of

T = TypeVar("T")
Answer = tuple[asyncio.Future[Any], Any]
"""A caller's future, and its result or the exception to raise."""

QUEUE_LIMIT = 10_000
BATCH_LIMIT = 1_000
"""Maximum jobs of a batch: limits how long a transaction makes other processes wait."""
RETRY_AFTER_SECONDS = 1.0
QUIET_SECONDS = 0.02
"""How long the thread must be idle before it tidies, in small steps with checks for jobs in between."""
BREATH_SECONDS = 0.001

_WORDS = {True: "store.failing", False: "store.recovered"}
_log = logging.getLogger("mailroom.store")


class WriterThread:
    """``perform`` runs a batch on the connection that ``connect`` opens, and returns what each caller gets.

    ``tidy`` does some deferred work while nobody waits, and returns whether that was all. ``keep_pace`` does a share of
    it after each batch, as soon as its callers have their answers; it is told how many jobs and events these were.

    After a failed batch the connection is closed, and the next batch opens a new one. So the thread recovers as soon as
    the disk, the lock or the file does.
    """

    def __init__(
        self,
        name: str,
        connect: Callable[[], SqliteConnection],
        perform: Callable[[SqliteConnection, Sequence[Any]], list[Any]],
        *,
        tidy: Callable[[SqliteConnection], bool] | None = None,
        keep_pace: Callable[[SqliteConnection, int], None] | None = None,
        queue_limit: int = QUEUE_LIMIT,
    ) -> None:
        self._connect = connect
        self._perform = perform
        self._tidy = tidy
        self._keep_pace = keep_pace
        self._untidy = False
        self._queue_limit = queue_limit
        self._waiting: queue.SimpleQueue[tuple[Any, asyncio.Future[Any]] | None] = queue.SimpleQueue()
        self._put = self._taken = 0
        """How many jobs and events were put in and taken out. Only one thread changes each count."""
        self._closed = False
        self._db: SqliteConnection | None = None
        self._failing = False
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    @overload
    def do(self, job: Callable[[SqliteConnection], T]) -> "asyncio.Future[T]": ...

    @overload
    def do(self, job: list[LoggedEvent]) -> "asyncio.Future[list[Exception | None]]": ...

    def do(self, job: Callable[[SqliteConnection], Any] | list[LoggedEvent]) -> "asyncio.Future[Any]":
        """Queues the job; the future has its result once its batch is done. Raises StoreBusy if too many are
        waiting."""
        if self._closed:
            raise StoreBusy(f"{self._thread.name} is closed")
        if self._put - self._taken >= self._queue_limit:
            raise StoreBusy(
                f"{self._thread.name} has {self._queue_limit} waiting already", retry_after=RETRY_AFTER_SECONDS
            )
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._put += _weight(job)
        self._waiting.put((job, future))
        return future

    async def close(self) -> None:
        """Runs the waiting jobs, then ends the thread and closes its connection."""
        if not self._closed:
            self._closed = True
            self._waiting.put(None)
        await asyncio.to_thread(self._thread.join)

    def _work(self) -> None:
        going = True
        while going:
            batch: list[tuple[Any, asyncio.Future[Any]]] = []
            try:
                going = self._take(batch)
                _answer([future for _, future in batch], self._try([job for job, _ in batch]))
                self._keep_up(sum(_weight(job) for job, _ in batch))
            except Exception as error:  # noqa: BLE001 - if the thread ended, its callers would wait forever
                _log.exception("store.unhandled_exception", extra={"facts": {"lane": self._thread.name}})
                _answer([future for _, future in batch], [self._busy(error) for _ in batch])
                going = going and not self._closed
        self._drop()

    def _take(self, batch: list[tuple[Any, asyncio.Future[Any]]]) -> bool:
        """Moves waiting jobs into the batch, at least one; False after the last job."""
        first = self._next()
        size = 0
        while first is not None:
            batch.append(first)
            weight = _weight(first[0])
            self._taken += weight
            size += weight
            if size >= BATCH_LIMIT or self._waiting.empty():
                return True
            first = self._waiting.get()
        return False

    def _next(self) -> tuple[Any, asyncio.Future[Any]] | None:
        """The first waiting job. Until there is one, the thread tidies."""
        quiet = QUIET_SECONDS
        while self._untidy:
            try:
                return self._waiting.get(timeout=quiet)
            except queue.Empty:
                self._untidy = not self._tidied()
                quiet = BREATH_SECONDS
        return self._waiting.get()

    def _keep_up(self, jobs: int) -> None:
        if self._keep_pace is not None:
            keep_pace = self._keep_pace
            self._deferred(lambda db: keep_pace(db, jobs))

    def _tidied(self) -> bool:
        """Whether nothing is left to tidy. After a failure the next attempt follows the next batch."""
        return self._tidy is None or self._deferred(self._tidy) is not False

    def _deferred(self, work: Callable[[SqliteConnection], T]) -> T | None:
        """Does deferred work, for which nobody waits; None if it failed, or the last batch did."""
        if self._db is None:
            return None
        try:
            return work(self._db)
        except Exception as error:  # noqa: BLE001 - the thread continues
            self._drop()
            self._note(failing=True, error=str(error))
            return None

    def _try(self, jobs: Sequence[Any]) -> list[Any]:
        if not jobs:
            return []
        try:
            if self._db is None:
                self._db = self._connect()
            outcomes = self._perform(self._db, jobs)
        except Exception as error:  # noqa: BLE001 - the callers get it, and the thread continues
            self._drop()
            self._note(failing=True, error=str(error))
            return [self._busy(error) for _ in jobs]
        self._note(failing=False)
        self._untidy = True
        return outcomes

    def _drop(self) -> None:
        if self._db is not None:
            try:
                self._db.close()  # rolls back an open transaction
            except sqlite3.Error as error:
                self._note(failing=True, error=str(error))
            self._db = None

    def _busy(self, error: Exception) -> StoreBusy:
        fix = RESTORE if is_broken(error) else ""
        busy = StoreBusy(
            f"the {self._thread.name} cannot work now: {reason_of(error)}", retry_after=RETRY_AFTER_SECONDS, fix=fix
        )
        busy.__cause__ = error
        return busy

    def _note(self, *, failing: bool, error: str = "") -> None:
        """Logs one line when it begins to fail and one when it works again, however many batches fail in between."""
        if failing != self._failing:
            self._failing = failing
            facts = {"lane": self._thread.name, "error": error}
            _log.log(logging.WARNING if failing else logging.INFO, _WORDS[failing], extra={"facts": facts})


def _weight(job: Callable[[SqliteConnection], Any] | list[LoggedEvent]) -> int:
    return len(job) if isinstance(job, list) else 1


def _answer(futures: Sequence[asyncio.Future[Any]], outcomes: Sequence[Any]) -> None:
    by_loop: defaultdict[asyncio.AbstractEventLoop, list[Answer]] = defaultdict(list)
    for future, outcome in zip(futures, outcomes, strict=True):
        by_loop[future.get_loop()].append((future, outcome))
    for loop, answers in by_loop.items():
        try:
            loop.call_soon_threadsafe(_settle, answers)
        except RuntimeError:  # the loop is closed, so nobody waits
            _log.info("store.reply_dropped", extra={"facts": {"answers": len(answers)}})


def _settle(answers: Sequence[Answer]) -> None:
    for future, outcome in answers:
        if future.done():  # its caller was cancelled
            continue
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
