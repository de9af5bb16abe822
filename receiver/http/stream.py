"""``GET /stream``: server-sent events that say that something has changed, and nothing of what; the page asks again.

A stream holds no data, and ends after a minute: the client connects again, and its token is checked again. One look at
the store every LOOK seconds serves all listeners, and none without a listener. Nothing is queued for a slow one: it
gets the newest revision when it reads.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from receiver.core.change import Query, Record
from receiver.core.document import Document
from receiver.core.errors import StoreBusy
from receiver.core.ids import short_hash
from receiver.core.incident import Incident
from receiver.pipeline.context import Context

LISTENERS = 32
LASTS = 60.0
"""Seconds of one stream."""
LOOK = 2.0
"""Seconds between two looks at the store."""
BEAT = 10.0
"""Seconds after which a listener is told that the stream goes on."""
LATEST = 10
WATCHED: tuple[tuple[type[Record], Query], ...] = (
    (Document, Query(newest_first=True, limit=LATEST)),
    (Document, Query(by="forgettable", key="content", newest_first=True, limit=LATEST)),
    (Document, Query(by="forgettable", key="record", newest_first=True, limit=LATEST)),
    (Incident, Query(by="standing", newest_first=True, limit=LATEST)),
)
"""What was received, settled or opened last. The totals say whether anything else went from one state to another."""
HEADERS = {
    "content-type": "text/event-stream",
    "cache-control": "no-store",
    "x-accel-buffering": "no",  # nginx passes each event on at once
}


def routes(streams: "ChangeStreams") -> list[Route]:
    """The endpoint."""
    return [Route("/stream", streams.endpoint)]


async def current_revision(context: Context) -> str:
    """Another text when what a page shows has changed."""
    pages = await asyncio.gather(*(context.store.find(kind, query) for kind, query in WATCHED))
    latest = (f"{record.id} {record.version}" for page in pages for record in page.records)
    return short_hash(repr(await context.store.tally()), " ".join(latest))


class ChangeStreams:
    """The open streams of one process; ``most`` at a time, none where that is 0."""

    def __init__(self, context: Context, *, most: int = LISTENERS, seconds: float = LASTS) -> None:
        self._context, self._most, self._seconds = context, most, seconds
        self._open = 0
        self._ended = asyncio.Event()
        self._looking = asyncio.Lock()
        self._looked_at, self._revision = float("-inf"), ""

    def end(self) -> None:
        """Ends all streams: the process is stopping."""
        self._ended.set()

    async def endpoint(self, request: Request) -> Response:
        """A stream of changes; 204, which means that there is none here, or 503 if too many are open."""
        if not self._most:
            return Response(status_code=204)
        if self._open >= self._most:
            raise HTTPException(503, "too many streams are open; poll instead", headers={"retry-after": "30"})
        if request.method == "HEAD":
            return Response(headers=HEADERS)
        return _EventStream(self, request.headers.get("last-event-id", ""))

    @contextmanager
    def listening(self) -> Iterator[float]:
        """Counts a listener; until when, on the monotonic clock, it may stay."""
        self._open += 1
        try:
            yield time.monotonic() + self._seconds
        finally:
            self._open -= 1

    async def pause(self, gone: asyncio.Event) -> bool:
        """Waits until the next look; whether the stream goes on."""
        waits = [asyncio.create_task(event.wait()) for event in (gone, self._ended)]
        try:
            await asyncio.wait(waits, timeout=LOOK, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for item in waits:
                item.cancel()
        return not gone.is_set() and not self._ended.is_set()

    async def revision(self) -> str:
        """The newest revision; while the store is busy the one before."""
        async with self._looking:
            if time.monotonic() - self._looked_at >= LOOK / 2:
                with suppress(StoreBusy):
                    self._revision = await current_revision(self._context)
                self._looked_at = time.monotonic()
            return self._revision


class _EventStream(Response):
    """The events, as long as the client stays; ``seen`` is the last revision that it had."""

    def __init__(self, streams: ChangeStreams, seen: str) -> None:
        super().__init__(headers=HEADERS)
        del self.headers["content-length"]
        self._streams, self._seen = streams, seen

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        gone = asyncio.Event()
        listening = asyncio.create_task(_until_disconnected(receive, gone))
        try:
            with self._streams.listening() as until:
                await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
                await self._write(send, gone, until)
                await send({"type": "http.response.body", "body": b""})
        finally:
            listening.cancel()

    async def _write(self, send: Send, gone: asyncio.Event, until: float) -> None:
        seen, said = self._seen, float("-inf")
        while True:
            now, revision = time.monotonic(), await self._streams.revision()
            if revision != seen or now - said >= BEAT:
                text = f"id: {revision}\nevent: changed\ndata: {{}}\n\n" if revision != seen else ": still here\n\n"
                await send({"type": "http.response.body", "body": text.encode(), "more_body": True})
                seen, said = revision, now
            if now >= until or not await self._streams.pause(gone):
                return


async def _until_disconnected(receive: Receive, gone: asyncio.Event) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    gone.set()
