"""Keeps a lease alive while its task is worked on, so that a slow delivery is not taken over half-way."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from receiver.core.change import Replace, succeeding
from receiver.core.errors import Conflict, StoreBusy
from receiver.core.task import Task
from receiver.pipeline.context import Context


class Lease:
    """A claimed task, at the version that the store has of it."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.writing = asyncio.Lock()
        """Held during a renewal: who ends the lease waits for it, and so knows the task's true version."""

    async def keep(self, context: Context, lease_seconds: float) -> None:
        """Renews at each third of the lease, until it is cancelled or another worker has the task."""
        while True:
            await asyncio.sleep(lease_seconds / 3)
            async with self.writing:
                if not await self._renew(context):
                    return

    async def _renew(self, context: Context) -> bool:
        """False when the task was lost: its version tells at the end, and nothing is written then."""
        longer = self.task.hold(now=context.clock())
        try:
            await context.store.apply(Replace(longer))
        except StoreBusy:
            return True  # the next third tries again
        except Conflict:
            return False
        self.task = succeeding(longer)
        return True


@contextlib.asynccontextmanager
async def renewed(lease: Lease, context: Context, lease_seconds: float | None) -> AsyncIterator[None]:
    """Renews the lease while the block lasts; not when ``lease_seconds`` is None."""
    if lease_seconds is None:
        yield
        return
    keeping = asyncio.create_task(lease.keep(context, lease_seconds))
    try:
        yield
    finally:
        async with lease.writing:
            keeping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await keeping
