"""Submits documents in this process, several at a time, while more of them are still being ingested."""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable

from receiver.bootstrap import App
from receiver.cli.running import worker_of
from receiver.core.document import Document, DocumentState
from receiver.core.task import Task, submission_of
from receiver.pipeline.process import Done
from receiver.worker import owner_name


@contextlib.asynccontextmanager
async def submitting(app: App) -> AsyncIterator[Callable[[Document], None]]:
    """Submits each document that is passed to the yielded function. The block ends when all are submitted.

    Tasks that a worker elsewhere claimed first are left to it.
    """
    submitter = Submitter(app)
    running = asyncio.create_task(submitter.run())
    try:
        yield submitter.add
    finally:
        submitter.close()
        await running


class Submitter:
    """Claims and submits the added documents, as many at a time as a worker would."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._worker = worker_of(app)
        self._waiting: deque[str] = deque()
        self._added: set[str] = set()
        self._changed = asyncio.Event()
        """Set when a document was added, a running submission has ended, or no more documents will be added."""
        self._closed = False

    def add(self, document: Document) -> None:
        """Submits the document, unless it was added before."""
        if document.state is DocumentState.OPEN and document.id not in self._added:
            self._added.add(document.id)
            self._waiting.append(submission_of(document, now=0).id)
            self._changed.set()

    def close(self) -> None:
        """Says that no more documents will be added; ``run`` returns when all are submitted."""
        self._closed = True
        self._changed.set()

    async def run(self) -> None:
        """Submits until ``close``."""
        in_hand: set[asyncio.Task[Done | None]] = set()
        while self._waiting or in_hand or not self._closed:
            self._changed.clear()
            free = min(self._app.settings.concurrency - len(in_hand), len(self._waiting))
            for task in await self._claimed([self._waiting.popleft() for _ in range(free)]):
                item = asyncio.create_task(self._worker.work_on(task))
                item.add_done_callback(lambda _: self._changed.set())
                in_hand.add(item)
            if in_hand or not (self._waiting or self._closed):
                await self._changed.wait()
            ended = {item for item in in_hand if item.done()}
            in_hand -= ended
            for item in ended:
                item.result()

    async def _claimed(self, ids: list[str]) -> list[Task]:
        """Claims those of these tasks that no other worker has."""
        if not ids:
            return []
        now, lease = self._app.context.clock(), self._app.settings.lease_seconds
        store = self._app.context.store
        return await store.claim(owner=owner_name(), now=now, lease_seconds=lease, limit=len(ids), ids=ids)
