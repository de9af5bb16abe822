"""The cutter: each packet is opened and cut by a child process (handlers/pdf), which this speaks to."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from handlers.child import Child, Children
from receiver.core.errors import Uncuttable
from receiver.ports import Cutter, Pages

LOOKED_AT = 20
"""Pages that are looked at for one answer, whose time is bounded."""


class ChildCutter:
    """Cuts in child processes, one for each packet that is open."""

    def __init__(self, children: Children) -> None:
        self._children = children

    @contextlib.asynccontextmanager
    async def opened(self, path: Path) -> AsyncIterator[Pages]:
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


async def _answer(child: Child, question: dict[str, Any]) -> dict[str, Any]:
    """The child's answer. Raises Uncuttable with its reason, ReaderDied."""
    answer = await child.ask(question)
    if "refused" in answer:
        what = "the file cannot be unlocked" if "unlock" in question else "the packet cannot be cut"
        raise Uncuttable(f"{what}: {answer['refused']}")
    return answer


_: type[Cutter] = ChildCutter
