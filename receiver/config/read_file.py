"""A table's file, read: a regular file, of a bounded size, in a bounded time.

A pipe may never have a writer, a device may never end, and a file system over a network may never answer. What waits
for them waits in a thread of its own, which nobody waits for: neither another file's reading nor the process's end.
"""

import errno
import os
import stat
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from threading import Thread
from typing import TypeVar

T = TypeVar("T")

MOST_BYTES = 8 * 1024 * 1024
"""Of a table's file. One of 2,000 rows has some hundred thousand."""
PATIENCE_SECONDS = 10.0
"""How long a file system may take to answer."""
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC


class PatientReader:
    """Reads files, and asks for each only once where its file system does not answer."""

    def __init__(self, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._patience = patience_seconds
        self._asked: dict[tuple[str, Path], Future[object]] = {}

    def read(self, path: Path) -> bytes:
        """What the file holds. Raises OSError for what is no regular file, too large, or does not answer."""
        return self._answer("read", path, _content)

    def stat(self, path: Path) -> os.stat_result:
        """What the file system says of it. Raises OSError."""
        return self._answer("stat", path, os.stat)

    def _answer(self, what: str, path: Path, ask: Callable[[Path], T]) -> T:
        asked = self._asked.get((what, path))
        if asked is None or asked.done():  # what came too late may be of another file than is there now
            asked = self._asked[what, path] = Future()
            Thread(target=_ask, args=(ask, path, asked), name=f"{what} {path}", daemon=True).start()
        try:
            return asked.result(self._patience)  # type: ignore[return-value]
        except TimeoutError as error:
            if not asked.done():
                reason = f"its file system does not answer within {self._patience:g} seconds"
                raise OSError(errno.ETIMEDOUT, reason, str(path)) from error
            raise


def _ask(ask: Callable[[Path], object], path: Path, asked: Future[object]) -> None:
    try:
        asked.set_result(ask(path))
    except BaseException as error:  # noqa: BLE001 - it is for whoever asked
        asked.set_exception(error)


def _content(path: Path) -> bytes:
    descriptor = os.open(path, _READ)
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "it is not a regular file", str(path))
        with open(descriptor, "rb", closefd=False) as file:
            content = file.read(MOST_BYTES + 1)
    finally:
        os.close(descriptor)
    if len(content) > MOST_BYTES:
        raise OSError(errno.EFBIG, f"it is larger than {MOST_BYTES // 1024 // 1024} MB", str(path))
    return content


FILES = PatientReader()
"""Of this process."""
