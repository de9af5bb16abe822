"""Threads for blocking calls.

They are daemon threads, so a call that never returns does not keep the process from exiting. (concurrent.futures joins
its threads at the interpreter's exit, however long that takes.)
"""

import asyncio
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")
Job = tuple[Callable[[], Any], asyncio.Future[Any]]


class Threads:
    """Runs at most ``limit`` calls at the same time; others wait in order."""

    def __init__(self, limit: int, *, name: str) -> None:
        self._limit = limit
        self._name = name
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._threads: list[threading.Thread] = []
        self._closed = False

    async def run(self, call: Callable[[], T]) -> T:
        """What the call returns or raises. If its caller is cancelled, a call that has started continues, and one that
        has not is dropped.
        """
        if self._closed:
            raise RuntimeError(f"the threads {self._name} are closed")
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._jobs.put((call, future))
        if not self._idle.acquire(blocking=False) and len(self._threads) < self._limit:
            self._threads.append(threading.Thread(target=self._work, name=self._name, daemon=True))
            self._threads[-1].start()
        return await future

    def close(self, *, seconds: float) -> None:
        """Accepts no more calls, and waits this long for those in progress."""
        if not self._closed:
            self._closed = True
            for _ in self._threads:
                self._jobs.put(None)
        until = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            call, future = job
            if not future.cancelled():
                try:
                    _answer(future, call(), None)
                except BaseException as error:  # noqa: BLE001 - the caller gets it, and the thread continues
                    _answer(future, None, error)
            self._idle.release()


def _answer(future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    try:
        future.get_loop().call_soon_threadsafe(_settle, future, result, error)
    except RuntimeError:
        return  # the loop is closed, so nothing waits for the result


def _settle(future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if future.done():  # its caller stopped waiting
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
