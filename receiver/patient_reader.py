"""Reads files that settings name: a regular file, of a bounded size, in a bounded time.

A pipe may never have a writer, a device may never end, and a file system over a network may never answer. Each
read has a thread of its own, so that one that hangs delays neither other files nor the end of the process.
"""

import errno
import os
import stat
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from threading import Thread
from typing import TypeVar

T = TypeVar("T")

PATIENCE_SECONDS = 10.0
"""Maximum seconds until a file system responds."""
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC


class PatientReader:
    """Reads files of at most ``most_bytes``. While a file system does not respond, each file is requested only once."""

    def __init__(self, most_bytes: int, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._most = most_bytes
        self._patience = patience_seconds
        self._asked: dict[tuple[str, Path], Future[object]] = {}

    def read(self, path: Path) -> bytes:
        """The content of the file. Raises OSError for one that is too large or not regular, or is not read in time."""
        return self._answer("read", path, partial(_content, most=self._most))

    def stat(self, path: Path) -> os.stat_result:
        """The file's status. Raises OSError."""
        return self._answer("stat", path, os.stat)

    def _answer(self, what: str, path: Path, ask: Callable[[Path], T]) -> T:
        asked = self._asked.get((what, path))
        if asked is None or asked.done():  # a late result may be about a file that has been replaced
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


def _content(path: Path, most: int) -> bytes:
    descriptor = os.open(path, _READ)
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "it is not a regular file", str(path))
        with open(descriptor, "rb", closefd=False) as file:
            content = file.read(most + 1)
    finally:
        os.close(descriptor)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"it is larger than {most // 1024:,} KB", str(path))
    return content
