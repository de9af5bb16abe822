"""Takes over tasks whose worker is gone.

A lease is over when its task was seen unchanged for as long as the lease lasts, on the clock of whoever looks: a
worker that lives renews three times in that time. No other machine's clock is believed, so one that is wrong, or jumps,
neither steals what is being worked on nor keeps what nobody works on.
"""

import time

from receiver.core.change import Query
from receiver.core.errors import CutOff
from receiver.core.task import Task, TaskState
from receiver.pipeline.context import Context
from receiver.pipeline.process import Done, write_failure
from receiver.ports import Clock

AT_ONCE = 1000
"""Running tasks that one look covers, those that were due first."""


class ExpiredLeases:
    """What one process has seen of the tasks that are being worked on; it must look several times in a lease."""

    def __init__(self, *, clock: Clock = time.monotonic) -> None:
        """``clock`` measures how long a task was seen unchanged."""
        self._clock = clock
        self._seen: dict[str, tuple[int, float]] = {}
        """Task -> its version, and since when it is known to have it."""

    async def take_over(self, context: Context) -> list[Done]:
        """One look; what became of the tasks whose lease is over: their attempt failed. Raises StoreBusy."""
        page = await context.store.find(Task, Query(by="state", key=TaskState.RUNNING, limit=AT_ONCE))
        now, before = self._clock(), self._seen
        self._seen = {task.id: _since(task, before.get(task.id), now) for task in page.records}
        over = [task for task in page.records if now - self._seen[task.id][1] >= task.lease_seconds]
        return [await write_failure(task, _error(task), context) for task in over]


def _since(task: Task, seen: tuple[int, float] | None, now: float) -> tuple[int, float]:
    return seen if seen and seen[0] == task.version else (task.version, now)


def _error(task: Task) -> CutOff:
    return CutOff(f"{task.owner} did not finish the attempt: its process died, or could not write for a whole lease")
