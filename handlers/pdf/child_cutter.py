"""The cutter: a child process (handlers/pdf) opens and cuts each packet; this is the parent's side.

Counting pages takes a millisecond, so one child (handlers/pdf/page_count.py) serves many files, as long as more are
waiting.
"""

import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from handlers.child.process import Child, Children
from handlers.child.shared import SharedChild
from receiver.core.errors import Uncuttable
from receiver.ports import Cutter, OpenPdf

LOOKED_AT = 20
"""Maximum pages to check in one request to the child, because its time is limited."""
COUNTED = 50
"""Maximum files for one counting child. A new one then takes its place, which frees leaked memory."""


class ChildCutter:
    """Cuts in child processes, one for each open packet."""

    def __init__(self, children: Children) -> None:
        self._children = children
        self._counter = SharedChild(children, "handlers.pdf.page_count", most=COUNTED)

    async def count(self, path: Path) -> int:
        return int((await _answer(self._counter, {"count": str(path)}))["pages"])

    @contextlib.asynccontextmanager
    async def opened(self, path: Path) -> AsyncIterator[OpenPdf]:
        async with self._children.started("handlers.pdf") as child:
            first = await _answer(child, {"open": str(path)})
            yield _ChildPages(child, first["pages"], first["files"])

    async def unlock(self, path: Path, password: str, to: Path) -> None:
        async with self._children.started("handlers.pdf") as child:
            await _answer(child, {"unlock": str(path), "password": password, "to": str(to)})


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


async def _answer(child: Child | SharedChild, question: dict[str, Any]) -> dict[str, Any]:
    """The child's answer. Raises Uncuttable with its reason, ReaderDied."""
    answer = await child.ask(question)
    if "refused" in answer:
        known = {"unlock": "the file cannot be unlocked", "count": "its pages cannot be counted"}
        what = next((words for asked, words in known.items() if asked in question), "the packet cannot be cut")
        raise Uncuttable(f"{what}: {answer['refused']}")
    return answer


_: type[Cutter] = ChildCutter
