"""A composition root that breaks promises on purpose: the harness must find each one out, or it proves nothing."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from receiver.bootstrap import App
from receiver.core.change import Query, Write
from receiver.core.delivery_request import DeliveryRequest
from receiver.core.document import Document, DocumentState, Receipt
from receiver.ports import Cutter, Destination, OpenPdf, Spool, Store
from receiver.settings import Settings
from tests.chaos import app as whole
from tests.chaos.boundaries import action

LATER = 3.0


class _Hasty:
    """A store that says "written" before it writes: promise 1 is broken, for one in three events and documents."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._arrived = 0
        self._writing: set[asyncio.Task[None]] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def apply(self, *writes: Write) -> None:
        arriving = action(*writes) in ("store.keep", "store.ingest")
        self._arrived += arriving
        if not arriving or self._arrived % 3:
            return await self._store.apply(*writes)
        writing = asyncio.create_task(self._later(*writes))
        self._writing.add(writing)
        return writing.add_done_callback(self._writing.discard)

    async def apply_each(self, *changes: Sequence[Write]) -> list[Exception | None]:
        done = await asyncio.gather(*(self.apply(*writes) for writes in changes), return_exceptions=True)
        return cast("list[Exception | None]", done)

    async def _later(self, *writes: Write) -> None:
        await asyncio.sleep(LATER)
        await self._store.apply(*writes)


class _Forgetful:
    """A destination that names each attempt anew: promise 4 is broken, for objects and for messages."""

    def __init__(self, destination: Destination) -> None:
        self._destination = destination

    def __getattr__(self, name: str) -> Any:
        return getattr(self._destination, name)

    async def deliver(self, request: DeliveryRequest) -> Receipt:
        mark = uuid.uuid4().hex
        url = f"{request.url}.{mark}" if request.url.startswith("s3:") else request.url
        return await self._destination.deliver(replace(request, url=url, delivery_id=f"{request.delivery_id}.{mark}"))


class _Careless:
    """A cutter that leaves out the last page of a longer piece: promise 7 is broken."""

    def __init__(self, cutter: Cutter) -> None:
        self._cutter = cutter

    @contextlib.asynccontextmanager
    async def opened(self, path: Path) -> AsyncIterator[OpenPdf]:
        async with self._cutter.opened(path) as pages:
            yield cast("OpenPdf", _CarelessPages(pages))

    async def unlock(self, path: Path, password: str, to: Path) -> None:
        await self._cutter.unlock(path, password, to)

    async def count(self, path: Path) -> int:
        return await self._cutter.count(path)


class _CarelessPages:
    def __init__(self, pages: OpenPdf) -> None:
        self._pages = pages

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pages, name)

    async def cut(self, pages: Sequence[int], to: Path) -> None:
        await self._pages.cut(pages[:-1] or pages, to)


class _Thorough:
    """A spool that gives away what lies in review along with what is settled: promise 1 is broken. (But no pieces,
    whose missing pages another one is to be found out by.)"""

    def __init__(self, spool: Spool, store: Store) -> None:
        self._spool = spool
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._spool, name)

    async def release(self, location: str) -> None:
        await self._spool.release(location)
        in_review = await self._store.find(Document, Query(by="state", key=DocumentState.REVIEW))
        for document in in_review.records:
            if not document.parent_id:
                await self._spool.release(document.content)


def build(settings: Settings) -> App:
    """Mailroom with all these promises broken at once: each must be found out beside the others."""
    return loses_bytes(loses_pages(forgets_names(acknowledges_early(whole.build(settings)))))


def acknowledges_early(app: App) -> App:
    """Mailroom, but for a receiver that acknowledges before it has written."""
    assert app.receiver is not None
    store = cast("Store", _Hasty(app.context.store))
    return replace(app, context=replace(app.context, store=store), receiver=replace(app.receiver, store=store))


def forgets_names(app: App) -> App:
    """Mailroom, but for deliveries whose ids and keys are drawn anew at each attempt."""
    destinations = {scheme: cast("Destination", _Forgetful(item)) for scheme, item in app.context.destinations.items()}
    return replace(app, context=replace(app.context, destinations=destinations))


def loses_pages(app: App) -> App:
    """Mailroom, but for pieces that lack a page."""
    assert app.context.cutter is not None
    return replace(app, context=replace(app.context, cutter=_Careless(app.context.cutter)))


def loses_bytes(app: App) -> App:
    """Mailroom, but for bytes that are forgotten while a person must look."""
    return replace(
        app, context=replace(app.context, spool=cast("Spool", _Thorough(app.context.spool, app.context.store)))
    )
