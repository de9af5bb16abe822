"""The cutter: each packet is opened and cut by a child process (handlers/pdf.py), which this speaks to."""

import asyncio
import contextlib
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from receiver.core.errors import Transient, Uncuttable
from receiver.ports import Cutter, Pages

PATIENCE_SECONDS = 300.0
"""How long one answer may take; a page of a 1,000-page packet takes milliseconds."""
STARTING = ("LD_LIBRARY_PATH", "SYSTEMROOT")
"""Variables that Python may need to start; Lambda's finds its own library by the first."""
LINE_BYTES = 4 * 1024 * 1024


class ChildCutter:
    """Cuts in child processes, one for each packet that is open."""

    @contextlib.asynccontextmanager
    async def opened(self, path: Path) -> AsyncIterator[Pages]:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", "handlers.pdf", str(path),
            stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env=_environment(), limit=LINE_BYTES,
        )  # fmt: skip
        try:
            first = await _answer(child)
            yield _ChildPages(child, first["pages"])
        finally:
            await _end(child)


class _ChildPages:
    def __init__(self, child: Process, count: int) -> None:
        self._child = child
        self._count = count

    @property
    def count(self) -> int:
        return self._count

    async def blank(self, pages: Sequence[int]) -> tuple[int, ...]:
        if not pages:
            return ()
        return tuple((await self._ask({"blank": list(pages)}))["blank"])

    async def cut(self, pages: Sequence[int], to: Path) -> None:
        await self._ask({"cut": list(pages), "to": str(to)})

    async def _ask(self, asked: dict[str, Any]) -> dict[str, Any]:
        assert self._child.stdin is not None
        self._child.stdin.write(json.dumps(asked).encode() + b"\n")
        with contextlib.suppress(ConnectionError):  # it died: the answer that is missing tells
            await self._child.stdin.drain()
        return await _answer(self._child)


async def _answer(child: Process) -> dict[str, Any]:
    """The child's next answer. Raises Uncuttable with its reason, Transient when it fell silent or died."""
    assert child.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            line = await child.stdout.readline()
    except TimeoutError:
        raise Transient(f"cutting took longer than {PATIENCE_SECONDS:.0f} seconds for one step") from None
    if not line:
        raise Transient(f"the cutting process ended unasked, with code {await child.wait()}")
    answer: dict[str, Any] = json.loads(line)
    if "refused" in answer:
        raise Uncuttable(f"the packet cannot be cut: {answer['refused']}")
    return answer


async def _end(child: Process) -> None:
    """No child outlives its block. It holds nothing that must be finished."""
    with contextlib.suppress(ProcessLookupError):
        child.kill()
    await child.wait()


def _environment() -> dict[str, str]:
    """What the child needs to start and to find our code, and nothing else: it reads what strangers sent."""
    needed = {name: os.environ[name] for name in STARTING if name in os.environ}
    return {**needed, "PATH": os.defpath, "PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path)}


_: type[Cutter] = ChildCutter
