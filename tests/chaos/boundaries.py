"""The named I/O boundaries, and the hand that kills at them.

A boundary is the moment before or after one call to the outside: ``before:aws.put_object``, ``after:store.keep``. One
is armed by a file of its name; whichever process reaches it first takes the file away, leaves a line in the log of
kills, and kills itself with SIGKILL: no handler, no flush, no farewell.
"""

import inspect
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from receiver.core.change import Insert, InsertIfAbsent, R, Record, Replace, Write
from receiver.core.document import Document, Step
from receiver.core.event import Event
from receiver.core.job import Job
from receiver.core.task import Task, TaskState

CALLS = (
    # An event, and a document, with the task that follows; what will be asked of LlamaCloud, written down before; the
    # claim of tasks; the end of a task of each kind.
    *("store.keep", "store.ingest", "store.ordered", "store.claim"),
    *("store.submit", "store.react", "store.deliver", "store.alert", "store.notify"),
    # A packet: its split job ended, its cut decided, each of its pieces made, all made; its own end.
    *("store.split", "store.decided", "store.piece", "store.cut", "store.packet", "store.finished"),
    *("cutter.blank", "cutter.cut"),
    # Cut by hand: the person's word, and a piece that is no more.
    *("store.recut", "store.withdrawn"),
    # Bytes that are forgotten: said beforehand, and when they are gone.
    *("store.forgetting", "store.forgotten"),
    # A lease made longer; a job whose event never came; one that is not done yet.
    *("store.renew", "store.swept", "store.asked"),
    *("queue.enqueue", "queue.receive", "queue.ack", "spool.keep", "spool.content", "spool.release"),
    *("cloud.find_file", "cloud.upload", "cloud.create", "cloud.job", "cloud.jobs", "cloud.cancel"),
    *("destination.s3", "destination.sqs", "channel.notify"),
    *("aws.put_object", "aws.head_object", "aws.send_message", "aws.publish"),
)
ON_AWS = ("aws.get_object", "aws.copy_object", "aws.delete_object")
"""Calls that come only where the documents' bytes are kept in S3."""


def _both_sides(*calls: str) -> tuple[str, ...]:
    return tuple(f"{side}:{call}" for call in calls for side in ("before", "after"))


BOUNDARIES = _both_sides(*CALLS)
BOUNDARIES_ON_AWS = _both_sides(*CALLS, *ON_AWS)


class Kills:
    """The armed boundaries and the log of kills, in a folder that all processes of a run share."""

    def __init__(self, folder: Path) -> None:
        self._armed = folder / "armed"
        self._log = folder / "kills.log"

    def make(self) -> None:
        self._armed.mkdir(exist_ok=True)
        self._log.touch()

    def arm(self, boundary: str) -> None:
        """From now on the first process that reaches it dies there."""
        (self._armed / boundary).touch()

    def disarm(self) -> None:
        """Nobody dies any more."""
        for item in self._armed.iterdir():
            item.unlink(missing_ok=True)

    def done(self) -> list[str]:
        """The boundaries at which a process died, in order."""
        return [line.split()[0] for line in self._log.read_text().splitlines()]

    def reached(self, boundary: str) -> None:
        """Dies here when the boundary is armed."""
        try:
            (self._armed / boundary).unlink()
        except FileNotFoundError:
            return
        with self._log.open("a") as log:
            log.write(f"{boundary} at {time.time():.1f} in {os.getpid()}\n")
        os.kill(os.getpid(), signal.SIGKILL)


class Guarded:
    """A port with a boundary before and after each of the named methods; everything else is the port's own."""

    def __init__(self, port: Any, kills: Kills, **names: str | Callable[..., str]) -> None:
        self._port = port
        self._kills = kills
        self._names = names

    def __getattr__(self, method: str) -> Any:
        value = getattr(self._port, method)
        name = self._names.get(method)
        if name is None:
            return value
        return self._pages(value, str(name)) if inspect.isasyncgenfunction(value) else self._call(value, name)

    def _call(self, method: Callable[..., Awaitable[Any]], name: str | Callable[..., str]) -> Callable[..., Any]:
        async def guarded(*args: Any, **kwargs: Any) -> Any:
            said = name if isinstance(name, str) else name(*args)
            self._kills.reached(f"before:{said}")
            answer = await method(*args, **kwargs)
            self._kills.reached(f"after:{said}")
            return answer

        return guarded

    def _pages(self, method: Callable[..., AsyncIterator[Any]], name: str) -> Callable[..., AsyncIterator[Any]]:
        async def guarded(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
            self._kills.reached(f"before:{name}")
            try:
                async for item in method(*args, **kwargs):
                    yield item
            finally:  # whoever has what it wants reads no further
                self._kills.reached(f"after:{name}")

        return guarded


def action(*writes: Write) -> str:
    """The boundary's name of a change to the store: what it is about."""
    made = [write.record for write in writes if isinstance(write, Insert | InsertIfAbsent)]
    changed = [write.record for write in writes if isinstance(write, Replace)]
    for task in _only(Task, changed):
        return "store.renew" if task.state is TaskState.RUNNING else f"store.{_end_of(task, made, changed)}"
    if _only(Event, made):
        return "store.keep"
    for document in _only(Document, made):
        return "store.piece" if document.parent_id else "store.ingest"
    if _cuts(made):
        return "store.recut"
    for document in _only(Document, changed):
        if document.forgotten_at is not None:
            return "store.forgetting" if document.content else "store.forgotten"
        if document.step is Step.RECEIVED:
            return "store.ordered"
        return "store.withdrawn" if document.parent_id else "store.decided"
    if _only(Job, changed):
        return "store.swept" if made else "store.asked"
    return "store.other"


def _end_of(task: Task, made: Sequence[Record], changed: Sequence[Record]) -> str:
    """What is done when this task is."""
    kind = "react" if task.kind == "recheck" else task.kind  # the sweep's command, and what follows is the same
    if kind == "react" and _cuts(made):
        return "split"
    return "finished" if kind == "packet" and _only(Document, changed) else kind


def _cuts(made: Sequence[Record]) -> bool:
    return any(task.kind == "cut" for task in _only(Task, made))


def _only(kind: type[R], records: Sequence[Record]) -> list[R]:
    return [record for record in records if isinstance(record, kind)]
