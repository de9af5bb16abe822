"""The viewer: a child process (``python -m handlers.view``) opens each file; this is the parent's side.

Its child does not count among those that cut packets and read mail (handlers/child/process.py): these may take minutes,
and a person is waiting for the picture.
"""

from pathlib import Path
from typing import Any

import msgspec

from handlers.child.memory import memory_bytes
from handlers.child.process import GIB, Bounds, Children
from handlers.child.shared import SharedChild
from receiver.core.errors import NotFound, NotViewable, ReaderDied, Transient
from receiver.core.page_list import PageList, ShownText
from receiver.pipeline.scratch import scratch
from receiver.ports import Viewer

ANSWERED = 50
"""Maximum questions for one child. A new one then takes its place, which frees leaked memory."""
MOST_WAITING = 64
"""Maximum unanswered questions; the operator's page asks for a whole screen of pages."""
MB = 1024**2
LEAST = 128 * MB
"""Minimum address space: the child loads two PDF libraries, and must be able to render an ordinary page."""


def viewing_bounds(memory: int) -> Bounds:
    """One child at a time, with a quarter of the machine's memory. The children that cut and read mail have half."""
    return Bounds(
        memory_bytes=min(max(memory // 4, LEAST), GIB),
        at_once=1,
        answer_seconds=15.0,
        total_seconds=120.0,
        file_bytes=32 * MB,
    )


class ChildViewer:
    """Renders files in a child process, one at a time."""

    def __init__(self, bounds: Bounds | None = None) -> None:
        bounds = bounds or viewing_bounds(memory_bytes())
        self._child = SharedChild(Children(bounds), "handlers.view", most=ANSWERED)

    async def pages(self, path: Path, media_type: str) -> PageList:
        return msgspec.convert(await self._ask("pages", path, media_type), type=PageList)

    async def picture(self, path: Path, media_type: str, page: int, width: int) -> bytes:
        with scratch() as folder:
            to = folder / "page.png"
            await self._ask("picture", path, media_type, page=page, width=width, to=str(to))
            return to.read_bytes()

    async def text(self, path: Path, media_type: str, page: int) -> ShownText:
        return msgspec.convert(await self._ask("text", path, media_type, page=page), type=ShownText)

    async def _ask(self, what: str, path: Path, media_type: str, **more: Any) -> dict[str, Any]:
        if self._child.waiting >= MOST_WAITING:
            raise Transient("too many pages are asked for at once", retry_after=2.0)
        try:
            answer = await self._child.ask({"do": what, "path": str(path), "media_type": media_type, **more})
        except ReaderDied as error:
            raise NotViewable(f"it cannot be shown: {error}") from error
        if "refused" in answer:
            raise NotViewable(f"it cannot be shown: {answer['refused']}")
        if "missing" in answer:
            raise NotFound(f"it has {answer['missing']} pages, and no page {more['page']}")
        return answer


_: type[Viewer] = ChildViewer
