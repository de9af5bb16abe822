"""Stopping: a process that is told to stop ends within its time, whatever hangs.

Most of the time is for what is in hand: requests are answered, steps end. Then steps are ended and their tasks let go
of, for another worker to begin at once. What does not end even then (a thread in a call that never comes back, a step
that blocks the loop) is left behind: the process ends from a thread of its own.
"""

import asyncio
import os
import signal
import threading
import time

from receiver.core import timers


class Stopping:
    """Whether the process was told to stop, and how much of its ``seconds`` is left then."""

    def __init__(self, seconds: float = timers.STOP) -> None:
        self._seconds = seconds
        self._stopping = asyncio.Event()
        self._until: float | None = None
        self._last_resort: threading.Timer | None = None

    def begin(self) -> None:
        """The time begins to run."""
        self._until = self._until or time.monotonic() + self._seconds
        self._stopping.set()

    async def wait(self) -> None:
        """Until it is told."""
        await self._stopping.wait()

    @property
    def for_work(self) -> float:
        """Seconds that are left for what is in hand; all of them until it is told."""
        whole = self._seconds * timers.WORK_SHARE
        return whole if self._until is None else max(0.0, self._until - self._seconds + whole - time.monotonic())

    def on_signals(self) -> "Stopping":
        """Told by SIGINT and SIGTERM. The first of them starts the thread that ends the process when the time is over.

        The handlers are Python's own: asyncio's wait for a loop that may be what hangs.
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
