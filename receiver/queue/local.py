"""The task queue of one process: an asyncio event that a worker waits for.

The event only says that tasks may be due; the worker then claims those that are. Polling the store every
``poll_seconds`` finds tasks of other processes.
"""

import asyncio

from receiver.ports import Message, TaskQueue


class LocalQueue:
    """Wakes the worker of this process, now or after a delay."""

    names_tasks = False

    def __init__(self, *, poll_seconds: float = 1.0) -> None:
        self._poll_seconds = poll_seconds
        self._rung = asyncio.Event()
        self._timers: set[asyncio.TimerHandle] = set()

    async def enqueue(self, *task_ids: str, delay_seconds: float = 0) -> None:
        if delay_seconds <= 0:
            self._rung.set()
            return
        if delay_seconds > self._poll_seconds:
            return  # the poll finds it, and a delay of hours needs no timer

        loop = asyncio.get_running_loop()
        timer = loop.call_later(delay_seconds, self._wake)
        self._timers.add(timer)

    def _wake(self) -> None:
        self._timers = {timer for timer in self._timers if timer.when() > asyncio.get_running_loop().time()}
        self._rung.set()

    async def receive(self, *, timeout_seconds: float, limit: int = 10) -> list[Message]:
        """One message without a task id if something was enqueued or the poll interval has passed; otherwise []."""
        try:
            async with asyncio.timeout(min(timeout_seconds, self._poll_seconds)):
                await self._rung.wait()
        except TimeoutError:
            return [Message()] if timeout_seconds >= self._poll_seconds else []
        self._rung.clear()
        return [Message()]

    async def ack(self, *messages: Message) -> None:
        """Nothing to do: the event was cleared when it woke the worker."""

    async def nack(self, *messages: Message) -> None:
        """Nothing to do: the worker polls anyway."""

    async def keep_leased(self) -> None:
        """Nothing to do; never returns."""
        await asyncio.Event().wait()

    async def close(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()


_: type[TaskQueue] = LocalQueue
