"""Takes over tasks whose worker is gone.

A lease has expired when its task was seen unchanged for as long as the lease lasts, on this process's clock: a live
worker renews it three times in that time. Clocks of other machines are not used. So a clock that is wrong, or jumps,
neither takes a task from a live worker nor delays the takeover of an abandoned one. pipeline/process.py renews leases.
"""

import time

from receiver.core.change import Query
from receiver.core.errors import CutOff
from receiver.core.task import Task, TaskState
from receiver.pipeline.context import Context
from receiver.pipeline.process import Done, write_failure
from receiver.ports import Clock

AT_ONCE = 1000
"""Running tasks that one check covers, those that were due first."""


class ExpiredLeases:
    """What one process has seen of the running tasks; it must check several times in a lease."""

    def __init__(self, *, clock: Clock = time.monotonic) -> None:
        """``clock`` measures how long a task was seen unchanged."""
        self._clock = clock
        self._seen: dict[str, tuple[int, float]] = {}
        """Task -> its version, and since when it has been seen with it."""

    async def take_over(self, context: Context) -> list[Done]:
        """One check. Returns the tasks whose lease expired, with their failed attempt recorded. Raises StoreBusy."""
        page = await context.store.find(Task, Query(by="state", key=TaskState.RUNNING, limit=AT_ONCE))
        now, before = self._clock(), self._seen
        self._seen = {task.id: _since(task, before.get(task.id), now) for task in page.records}
        over = [task for task in page.records if now - self._seen[task.id][1] >= task.lease_seconds]
        lost = "did not finish the attempt: its process died, or could not write for a whole lease"
        return [await write_failure(task, CutOff(f"{task.owner} {lost}"), context) for task in over]


def _since(task: Task, seen: tuple[int, float] | None, now: float) -> tuple[int, float]:
    return seen if seen and seen[0] == task.version else (task.version, now)
