"""What other people's files are put through runs in child processes within bounds.

A crash, a bomb or an endless loop costs one child, and its document is unreadable. One JSON object a line goes in, one
comes out (``child``). A child is started for the first document and kept for the next ones, so that each costs
milliseconds; after a failure, and after many questions, it is renewed.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from llamacloud_sandbox.unreadable import Unreadable

MOST_QUESTIONS = 1_000  # to one child, so that what a parser leaks is freed
PATIENCE_SECONDS = 0.5
"""How long a question waits for a child to be idle before it gets one of its own. A start takes a quarter of a second
of processor time, a question a few milliseconds: most of those that come at once are answered sooner by one."""
NEEDED = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT", "TESSDATA_PREFIX")
"""The variables that a child gets: what Python and tesseract need to start."""
_START = "import sys; sys.path[:] = sys.argv[2:]; from llamacloud_sandbox.child import main; main()"
_TOO_MUCH = "The document could not be read: that takes {}."


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """What one question about a document may cost. Reading or judging a page takes milliseconds and a few MB."""

    memory_bytes: int = 1024**3  # address space of a child; tesseract has as much once more
    processor_seconds: float = 60.0
    wall_seconds: float = 180.0  # a scan's tesseract may take 120 of them
    text_characters: int = 4 * 1024**2  # the judge takes about 2 s for a million


class Children:
    """Asks its children. Called from several threads at once; each has a child to itself while it asks."""

    def __init__(self, bounds: Bounds | None = None) -> None:
        self._bounds = bounds or Bounds()
        self._lock = threading.Condition()
        self._idle: list[_Child] = []
        self._all: set[_Child] = set()
        self._starting = 0

    def ask(self, do: str, **question: Any) -> dict[str, Any]:
        """The answer. Raises `Unreadable` for a document that exceeds a bound or has no text, and FileNotFoundError."""
        child = self._taken()
        goes_on = False
        try:
            answer = child.ask({"do": do, **question})
            goes_on = "too_large" not in answer and child.answered < MOST_QUESTIONS
        finally:
            self._given_back(child, goes_on=goes_on)
        if "gone" in answer:
            raise FileNotFoundError(question["path"])
        if "too_large" in answer:
            raise Unreadable(_TOO_MUCH.format(f"more than {_megabytes(self._bounds)} of memory"))
        if "traceback" in answer:
            sys.stderr.write(answer["traceback"])
        if "unreadable" in answer:
            raise Unreadable(answer["unreadable"])
        return answer

    def close(self) -> None:
        """End all children, busy ones as well: their documents end as unreadable."""
        with self._lock:
            children, self._all, self._idle = self._all, set(), []
        for child in children:
            child.end()

    def _taken(self) -> "_Child":
        with self._lock:
            if self._all or self._starting:
                self._lock.wait_for(lambda: self._idle or not (self._all or self._starting), PATIENCE_SECONDS)
            if self._idle:
                return self._idle.pop()
            self._starting += 1
        try:
            child = _Child(self._bounds)
        finally:
            with self._lock:
                self._starting -= 1
        with self._lock:
            self._all.add(child)
        return child

    def _given_back(self, child: "_Child", *, goes_on: bool) -> None:
        with self._lock:
            goes_on = goes_on and child in self._all
            if goes_on:
                self._idle.append(child)
            else:
                self._all.discard(child)
            self._lock.notify()
        if not goes_on:
            child.end()


class _Child:
    """One running child."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds, self.answered = bounds, 0
        package = str(Path(__file__).parents[1])
        self._process = subprocess.Popen(
            # Without `site`, whose work this process has done already, Python starts in half the time.
            [sys.executable, "-I", "-S", "-c", _START, json.dumps(asdict(bounds)), package, *filter(None, sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={name: os.environ[name] for name in NEEDED if name in os.environ},
        )

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        """The child's answer. Raises `Unreadable` when it died of the question, or answers out of all bounds."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        clocks = {"wall_seconds": self._bounds.wall_seconds, "processor_seconds": self._bounds.processor_seconds}
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(question | clocks).encode() + b"\n")
            self._process.stdin.flush()
        line = self._process.stdout.readline(4 * self._bounds.text_characters + 1024**2)
        self.answered += 1
        if not line.endswith(b"\n"):
            raise Unreadable(self._cause_of_death())
        answer: dict[str, Any] = json.loads(line)
        return answer

    def end(self) -> None:
        """It has no state: nothing is lost when it is killed."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(BrokenPipeError):
                if pipe is not None:
                    pipe.close()

    def _cause_of_death(self) -> str:
        died_of = -self._died()
        if sys.platform != "win32" and died_of == signal.SIGALRM:
            return _TOO_MUCH.format(f"more than {self._bounds.wall_seconds:g} seconds")
        if sys.platform != "win32" and died_of == signal.SIGPROF:
            return _TOO_MUCH.format(f"more than {self._bounds.processor_seconds:g} seconds of processor time")
        bound = _megabytes(self._bounds)
        return f"The document could not be read: its reader crashed (it is damaged, or takes more than {bound})."

    def _died(self) -> int:
        """Its exit code; a child that has answered without end still runs, and is killed."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(1)
        self._process.kill()
        return self._process.wait()


def _megabytes(bounds: Bounds) -> str:
    return f"{bounds.memory_bytes // 1024**2} MB"
