"""Reads untrusted input in child processes with limits: a crash, a bomb or an endless loop ends only the child.

    async with children.started("handlers.pdf") as child:
        answer = await child.ask({"open": "/tmp/packet.pdf"})

Questions and answers are JSON objects, one a line. The module's ``__main__`` passes its answer function to
``answer_questions`` (handlers/child/loop.py). The child gets no secret, and does not outlive its block. One
``Children`` serves packets and mail, so that it can limit the memory of all their children together.
"""

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from handlers.child.memory import memory_bytes
from receiver.core.errors import ReaderDied, Transient
from receiver.log import log_line

log = logging.getLogger("mailroom.child")

GIB = 1024**3
LARGEST = 3 * GIB
"""Maximum address space of one child. Cutting needs less than a tenth of it, for packets of any size."""
MOST_AT_ONCE = 4
STARTING = ("LD_LIBRARY_PATH", "SYSTEMROOT")
"""Variables that Python may need to start; Lambda's Python needs the first to find its library."""
START_SECONDS = 60.0
END_SECONDS = 5.0
LINE_BYTES = 4 * 1024 * 1024
LAST_WORDS = 4096
"""Bytes of standard error that are kept for the log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What one child may use. It must end before Lambda's ``process``, which has 300 seconds."""

    memory_bytes: int
    """Address space."""
    at_once: int
    """Maximum children at the same time; others wait."""
    answer_seconds: float = 60.0
    """Maximum time for one answer. A page of a 1,000-page packet takes milliseconds."""
    total_seconds: float = 240.0
    """Maximum time for all answers together; also the maximum processor time of the child."""
    file_bytes: int = GIB
    """Maximum size of a file that it writes."""


def bounds_of(memory: int) -> Bounds:
    """The bounds on a machine with so many bytes of memory: all children together get half of them."""
    half = memory // 2
    at_once = max(1, min(half // GIB, os.cpu_count() or 1, MOST_AT_ONCE))
    return Bounds(memory_bytes=min(half // at_once, LARGEST), at_once=at_once)


class Children:
    """Starts children, as many at the same time as the memory allows."""

    def __init__(self, bounds: Bounds | None = None) -> None:
        self.bounds = bounds or bounds_of(memory_bytes())
        self._turns = asyncio.Semaphore(self.bounds.at_once)

    @contextlib.asynccontextmanager
    async def started(self, module: str) -> AsyncIterator["Child"]:
        """A child that runs this module and is ready to answer.

        Raises Transient if it cannot be started, which is not the fault of its input.
        """
        async with self._turns:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-P", "-m", module, json.dumps(_limits(self.bounds)),
                stdin=PIPE, stdout=PIPE, stderr=PIPE, env=_environment(), limit=LINE_BYTES,
            )  # fmt: skip
            child = Child(module, process, self.bounds)
            try:
                await child.ready()
                yield child
            finally:
                await child.end()


@dataclass(slots=True)
class Child:
    """A running child. It gets one question at a time."""

    module: str
    process: Process
    bounds: Bounds
    _spent: float = 0.0
    _words: bytearray = field(default_factory=bytearray)
    _listener: asyncio.Task[None] | None = None

    async def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        """Its answer. Raises ReaderDied if it dies, answers too late, or answers with too long a line."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(question).encode() + b"\n")
        with contextlib.suppress(ConnectionError):  # it died: the missing answer shows that
            await self.process.stdin.drain()
        seconds = min(self.bounds.answer_seconds, self.bounds.total_seconds - self._spent)
        begun = time.monotonic()
        try:
            answer = await self._line(seconds)
        except TimeoutError:
            raise await self._died(f"it took longer than {seconds:.0f} seconds") from None
        except ValueError:
            raise await self._died(f"its response is longer than {LINE_BYTES} bytes") from None
        self._spent += time.monotonic() - begun
        if not answer:
            raise await self._died(await self._end_of_it())
        reply: dict[str, Any] = json.loads(answer)
        return reply

    async def ready(self) -> None:
        """Waits until it can be asked. Raises Transient."""
        self._listener = asyncio.create_task(self._listen())
        with contextlib.suppress(TimeoutError):
            if await self._line(START_SECONDS):
                return
        why = await self._end_of_it()
        self._log_death(why)
        raise Transient(f"the process that reads files ({self.module}) cannot be started: {why}")

    async def end(self) -> None:
        """Kills it. It has nothing that must be finished."""
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()
        if self._listener is not None:
            await self._listener

    async def _line(self, seconds: float) -> bytes:
        assert self.process.stdout is not None
        async with asyncio.timeout(seconds):
            return await self.process.stdout.readline()

    async def _died(self, why: str) -> ReaderDied:
        self._log_death(why)
        return ReaderDied(f"the process that reads it failed: {why}")

    async def _end_of_it(self) -> str:
        """How it ended by itself, with its last line on standard error."""
        try:
            async with asyncio.timeout(END_SECONDS):
                code = await self.process.wait()
        except TimeoutError:
            return "it no longer responds"
        if self._listener is not None:
            await self._listener
        if code < 0:
            return f"it was killed by {signal.Signals(-code).name}"
        last = self._words.decode(errors="replace").strip().rpartition("\n")[2][:300]
        if last.startswith("MemoryError"):
            return f"it needs more than {self.bounds.memory_bytes // 1024**2} MB of memory"
        return f"it ended with code {code}" + (f": {last}" if last else "")

    async def _listen(self) -> None:
        """Reads its standard error, so that it never blocks on a full pipe, and keeps the end."""
        assert self.process.stderr is not None
        while words := await self.process.stderr.read(LAST_WORDS):
            self._words += words
            del self._words[:-LAST_WORDS]

    def _log_death(self, why: str) -> None:
        words = self._words.decode(errors="replace").strip()
        log_line(log, logging.WARNING, "child.died", module=self.module, why=why, stderr=words[-1000:])


def _limits(bounds: Bounds) -> dict[str, int]:
    return {
        "memory_bytes": bounds.memory_bytes,
        "processor_seconds": int(bounds.total_seconds) + 1,
        "file_bytes": bounds.file_bytes,
    }


def _environment() -> dict[str, str]:
    """What the child needs to start and to find our code, and nothing else: it reads untrusted input."""
    needed = {name: os.environ[name] for name in STARTING if name in os.environ}
    return {**needed, "PATH": os.defpath, "PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path)}
