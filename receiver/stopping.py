"""Stopping: a process that gets a stop signal exits within its time, whatever hangs.

Most of that time is for running requests and steps. Then steps are cancelled and their tasks released, so that another
worker can start them at once. What does not end even then (a thread in a call that never returns, a step that blocks
the event loop) is abandoned: a separate thread ends the process.
"""

import asyncio
import os
import signal
import threading
import time

from receiver.core import timers


class Stopping:
    """Whether the process is stopping, and how much of its ``seconds`` is left."""

    def __init__(self, seconds: float = timers.STOP) -> None:
        self._seconds = seconds
        self._stopping = asyncio.Event()
        self._until: float | None = None
        self._last_resort: threading.Timer | None = None

    def begin(self) -> None:
        """Starts the time."""
        self._until = self._until or time.monotonic() + self._seconds
        self._stopping.set()

    async def wait(self) -> None:
        """Waits for the stop signal."""
        await self._stopping.wait()

    @property
    def for_work(self) -> float:
        """Seconds that are left for running work; all of them before the stop signal."""
        whole = self._seconds * timers.WORK_SHARE
        return whole if self._until is None else max(0.0, self._until - self._seconds + whole - time.monotonic())

    def on_signals(self) -> "Stopping":
        """Stops on SIGINT and SIGTERM. The first of them starts the thread that ends the process after its time.

        It uses Python's signal handlers, because asyncio's need an event loop, which may be what hangs.
        """
        loop = asyncio.get_running_loop()

        def signalled(number: int, frame: object) -> None:
            self._end_in_time()
            loop.call_soon_threadsafe(self.begin)

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signalled)
        return self

    def _end_in_time(self) -> None:
        if self._last_resort is None:
            self._last_resort = threading.Timer(self._seconds, os._exit, (0,))
            self._last_resort.daemon = True
            self._last_resort.start()
