"""Files and folders that survive a power cut, and files that were never finished.

A file is durable when its bytes are synced and so is the folder that names it; a folder, when the one above it is.
"""

import contextlib
import errno
import os
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

MODE = 0o660
"""The mode of a file with a document's bytes, before the process's umask: others never have access."""
_CANNOT = (errno.EINVAL, errno.ENOTSUP, errno.EROFS)
"""The answers of file systems that cannot sync a folder."""
REMEMBERED = 10_000
"""Folders that a process remembers to have synced."""


def make_file(path: Path) -> bool:
    """Creates an empty file with our mode, for libraries that would create it with another; False when it exists."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, MODE))
    except FileExistsError:
        return False
    return True


def sync_file(file: BinaryIO) -> None:
    """Writes the file's bytes to the disk."""
    file.flush()
    os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Writes the folder's names to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def clear_untouched(files: Iterable[Path], before: float) -> int:
    """Removes those that nobody has written to since this time. Returns how many."""
    cleared = 0
    for file in files:
        with contextlib.suppress(OSError):  # another process was faster, or it is not ours to remove
            if file.stat().st_mtime < before:
                file.unlink()
                cleared += 1
    return cleared


class Folders:
    """Makes folders with all the levels above them, each synced into the one above.

    An existing level may have been made a moment ago by a process that died before it synced it. So this process syncs
    each level once, whoever made it.
    """

    def __init__(self) -> None:
        self._synced: set[Path] = set()

    def make(self, folder: Path) -> None:
        """The folder exists, durably. Raises OSError."""
        if folder in self._synced and folder.is_dir():
            return
        above = folder.parent
        if above != folder:
            self.make(above)
            _make_level(folder)
        if len(self._synced) >= REMEMBERED:
            self._synced.clear()
        self._synced.add(folder)


def _make_level(folder: Path) -> None:
    try:
        folder.mkdir()
    except FileExistsError:
        _sync_another(folder)
    else:
        sync_folder(folder.parent)


def _sync_another(folder: Path) -> None:
    """Syncs an existing level. Where we may not read the level above, we have never created anything there."""
    try:
        sync_folder(folder.parent)
    except PermissionError:
        return
    except OSError as error:
        if error.errno not in _CANNOT:
            raise
