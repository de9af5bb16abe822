"""Opens files in folders that others may write to, where a name may not be a regular file.

A name can refer to another file a moment later. So a file is opened once, and the open file is checked and read.
Below a named folder, each component is opened relative to the one before, and no symbolic link is followed.
"""

import asyncio
import errno
import hashlib
import os
import stat
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import TypeVar

READ = os.O_RDONLY | os.O_NONBLOCK
CHUNK = 1024 * 1024
NO_FILE = "it is not a file"
LINK = "it is a symbolic link, which is not followed"
ANOTHERS = "it is a hard link to a file of another user"
T = TypeVar("T")


def open_regular(path: Path) -> BufferedReader:
    """The file, opened for reading. Raises OSError at once for anything but a regular file.

    Opening a pipe would wait for a writer, which may never come, and reading a device may never end.
    """
    return _regular(os.open(path, READ), path)


def open_beneath(root: Path, path: Path) -> BufferedReader:
    """The file at ``path``, which is below ``root``, opened without following a symbolic link from there on.

    Raises OSError: ELOOP for a link on the way, and for a hard link to somebody else's file.
    """
    *folders, name = path.relative_to(root).parts
    with folder_beneath(root, folders) as folder:
        try:
            file = _regular(os.open(name, READ | os.O_NOFOLLOW, dir_fd=folder), path)
        except OSError as error:
            raise _named(error, path) from error
        found = os.fstat(file.fileno())
        if found.st_nlink > 1 and found.st_uid != os.fstat(folder).st_uid:
            file.close()
            raise OSError(errno.ELOOP, ANOTHERS, str(path))
        return file


@contextmanager
def folder_beneath(root: Path, names: Sequence[str], *, make: bool = False, follow: bool = False) -> Iterator[int]:
    """A descriptor of the folder at ``root/names…`` while the block lasts; ``make`` makes folders that are missing.

    Raises OSError: ELOOP, unless ``follow``, for a symbolic link below ``root``. The way to ``root`` may have links.
    """
    flags = os.O_RDONLY | os.O_DIRECTORY
    folder, at = os.open(root, flags), root
    try:
        for name in names:
            at = at / name
            if make:
                _make(name, folder)
            try:
                inner = os.open(name, flags if follow else flags | os.O_NOFOLLOW, dir_fd=folder)
            except OSError as error:
                raise _named(error, at) from error
            os.close(folder)
            folder = inner
        yield folder
    finally:
        os.close(folder)


def _make(name: str, folder: int) -> None:
    try:
        os.mkdir(name, dir_fd=folder)
    except FileExistsError:
        return


def _named(error: OSError, path: Path) -> OSError:
    """The error with the whole path; ELOOP for every link, of which Linux says ENOTDIR where a folder was wanted."""
    if error.errno == errno.ELOOP or (error.errno == errno.ENOTDIR and path.is_symlink()):
        return OSError(errno.ELOOP, LINK, str(path))
    return OSError(error.errno, error.strerror, str(path))


def _regular(descriptor: int, path: Path) -> BufferedReader:
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    raise OSError(errno.EINVAL, NO_FILE, str(path))


async def chunks_of(file: BufferedReader) -> AsyncIterator[bytes]:
    """The bytes of an open file from its start, read in threads."""
    await asyncio.to_thread(file.seek, 0)
    while chunk := await asyncio.to_thread(file.read, CHUNK):
        yield chunk


async def read_until_cancelled(read: Callable[[Callable[[], bool]], T]) -> T:
    """What ``read`` returns, which runs in a thread and is given a function that says whether to stop.

    A thread cannot be cancelled, and all work with files shares a few: one that reads on for nobody holds up the rest.
    """
    stopped = threading.Event()
    try:
        return await asyncio.to_thread(read, stopped.is_set)
    finally:
        stopped.set()


def sha256_and_size(file: BufferedReader, is_stopped: Callable[[], bool]) -> tuple[str, int]:
    """The SHA-256 of an open file, in hex, and its size in bytes. Raises InterruptedError when it is to stop."""
    digest, size = hashlib.sha256(), 0
    while chunk := file.read(CHUNK):
        if is_stopped():
            raise InterruptedError(errno.EINTR, "nobody waits for it any more", file.name)
        digest.update(chunk)
        size += len(chunk)
    return digest.hexdigest(), size
