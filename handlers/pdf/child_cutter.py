"""The cutter: a child process (handlers/pdf) opens and cuts each packet; this is the parent's side.

Counting pages takes a millisecond, so one child (handlers/pdf/page_count.py) counts those of many files, as long as
more are waiting.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from handlers.child.process import Child, Children
from receiver.core.errors import Uncuttable
from receiver.ports import Cutter, OpenPdf

LOOKED_AT = 20
"""Pages to check in one request to the child, whose time is limited."""
COUNTED = 50
"""Maximum files for one counting child: a new one then serves others, and leaked memory is freed."""


class ChildCutter:
    """Cuts in child processes, one for each packet that is open."""

    def __init__(self, children: Children) -> None:
        self._children = children
        self._counter = Counter(children)

    async def count(self, path: Path) -> int:
        return await self._counter.count(path)

    @contextlib.asynccontextmanager
    async def opened(self, path: Path) -> AsyncIterator[OpenPdf]:
        async with self._children.started("handlers.pdf") as child:
            first = await _answer(child, {"open": str(path)})
            yield _ChildPages(child, first["pages"], first["files"])

    async def unlock(self, path: Path, password: str, to: Path) -> None:
        async with self._children.started("handlers.pdf") as child:
            await _answer(child, {"unlock": str(path), "password": password, "to": str(to)})


class Counter:
    """Counts pages, one file after the other."""

    def __init__(self, children: Children) -> None:
        self._children = children
        self._one_by_one = asyncio.Lock()
        self._waiting = 0
        self._child: Child | None = None
        self._running = contextlib.AsyncExitStack()
        self._counted = 0

    async def count(self, path: Path) -> int:
        """How many pages this PDF has. Raises Uncuttable, ReaderDied, Transient."""
        self._waiting += 1
        try:
            async with self._one_by_one:
                return await self._next(path)
        finally:
            self._waiting -= 1

    async def _next(self, path: Path) -> int:
        goes_on = False
        try:
            if self._child is None:
                self._child = await self._running.enter_async_context(self._children.started("handlers.pdf.page_count"))
                self._counted = 0
            answer = await _answer(self._child, {"count": str(path)})
            self._counted += 1
            goes_on = self._waiting > 1 and self._counted < COUNTED
            return int(answer["pages"])
        finally:
            if not goes_on:
                self._child = None
                await self._running.aclose()


class _ChildPages:
    def __init__(self, child: Child, count: int, files: Sequence[str]) -> None:
        self._child = child
        self._count = count
        self._files = files

    @property
    def count(self) -> int:
        return self._count

    @property
    def files(self) -> Sequence[str]:
        return self._files

    async def blank(self, pages: Sequence[int]) -> tuple[int, ...]:
        found: list[int] = []
        for first in range(0, len(pages), LOOKED_AT):
            found += (await _answer(self._child, {"blank": list(pages[first : first + LOOKED_AT])}))["blank"]
        return tuple(found)

    async def cut(self, pages: Sequence[int], to: Path) -> None:
        await _answer(self._child, {"cut": list(pages), "to": str(to)})


async def _answer(child: Child, question: dict[str, Any]) -> dict[str, Any]:
    """The child's answer. Raises Uncuttable with its reason, ReaderDied."""
    answer = await child.ask(question)
    if "refused" in answer:
        known = {"unlock": "the file cannot be unlocked", "count": "its pages cannot be counted"}
        what = next((words for asked, words in known.items() if asked in question), "the packet cannot be cut")
        raise Uncuttable(f"{what}: {answer['refused']}")
    return answer


_: type[Cutter] = ChildCutter
