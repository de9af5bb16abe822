"""A watched folder: which of its files are complete, and where a processed file is moved."""

import errno
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path

from receiver.cli.paths import IGNORED, NotTaken, inside, opened
from receiver.pipeline.ingest_file import IngestedFile, RefusedFile
from receiver.pipeline.regular_file import folder_beneath

DONE, FAILED, PACKETS = "done", "failed", "packets"
REASON = ".reason.txt"
NAME_BYTES = 255
"""Maximum bytes of a file name."""
REST_SECONDS, LONGEST_REST = 1.0, 60.0
"""Seconds before a file that could not be ingested is retried; doubled each time, up to the longest."""


@dataclass
class Inbox:
    """The folder, and the known state of its files."""

    folder: Path
    packet: bool = False
    settle_seconds: float = 2.0
    ignore: tuple[str, ...] = IGNORED
    follow_symlinks: bool = False
    _seen: dict[Path, tuple[tuple[int, int], float]] = field(default_factory=dict)
    """File -> its size and modification time, and since when they are unchanged."""
    _troubles: dict[Path, "_Trouble"] = field(default_factory=dict)

    def waiting(self) -> list[Path]:
        """The folder's entries by name: files, and entries that may turn out not to be files.

        Raises OSError for the folder itself.
        """
        os.scandir(self.folder).close()
        found = inside(self.folder, ignore=(*self.ignore, ".*"), follow_symlinks=self.follow_symlinks)
        return sorted(path for path in found if path.relative_to(self.folder).parts[0] not in (DONE, FAILED))

    def whole(self, *, now: float) -> Iterator[Path]:
        """The complete files, without those that wait for a retry."""
        waiting = self.waiting()
        self._forget_others(waiting)
        for path in waiting:
            if (signature := _signature(path)) is None:
                continue  # the file, or a folder above it, is gone
            known, since = self._seen.get(path, (None, now))
            if known != signature:
                self._seen[path] = (signature, now)
                self._troubles.pop(path, None)
            elif now - since >= self.settle_seconds and not self._rests(path, now) and not self._is_being_written(path):
                yield path

    def open(self, path: Path) -> BufferedReader:
        """Opens the file. Raises NotTaken."""
        return opened(path, root=None if self.follow_symlinks else self.folder)

    def _is_being_written(self, path: Path) -> bool:
        try:
            with self.open(path) as file:
                return being_written(file)
        except NotTaken:  # reported when the file is ingested
            return False

    def _forget_others(self, waiting: list[Path]) -> None:
        there = set(waiting)
        self._seen = {path: seen for path, seen in self._seen.items() if path in there}
        self._troubles = {path: trouble for path, trouble in self._troubles.items() if path in there}

    def _rests(self, path: Path, now: float) -> bool:
        return path in self._troubles and now < self._troubles[path].until

    def rest(self, path: Path, why: str, *, now: float) -> bool:
        """Skips the file for a while, or until it changes. Returns whether this reason is new."""
        before = self._troubles.get(path)
        seconds = min(before.seconds * 2, LONGEST_REST) if before else REST_SECONDS
        self._troubles[path] = _Trouble(why=why, seconds=seconds, until=now + seconds)
        return before is None or before.why != why

    def is_packet(self, path: Path) -> bool:
        """Whether the file is a packet."""
        return self.packet or path.relative_to(self.folder).parts[0] == PACKETS

    def put_away(self, path: Path, arrived: IngestedFile, was: os.stat_result) -> Path:
        """Moves the file to done/ or failed/ without overwriting anything; a rejected file gets its reason beside it.

        Raises OSError if the file is no longer what it ``was`` when it was ingested: then it stays, and is ingested
        again.
        """
        *folders, name = path.relative_to(self.folder).parts
        into = [FAILED if arrived.refused else DONE, *folders]
        with self._beneath(folders) as here, self._beneath(into, make=True) as there:
            to = _free(there, path.stem, path.suffix)
            os.rename(name, to, src_dir_fd=here, dst_dir_fd=there)
            if _marks(os.stat(to, dir_fd=there, follow_symlinks=False)) != _marks(was):
                _put_back(to, there, here, path)
                raise OSError(errno.EAGAIN, "it changed while it was ingested", str(path))
            if arrived.refused:
                _write_reasons(arrived.refused, _free(there, to, REASON), there)
        return self.folder.joinpath(*into, to)

    def _beneath(self, names: Sequence[str], *, make: bool = False) -> AbstractContextManager[int]:
        return folder_beneath(self.folder, names, make=make, follow=self.follow_symlinks)


def _signature(path: Path) -> tuple[int, int] | None:
    """Size and time; no size where they cannot be read, of which whoever opens it says why. None: it is gone."""
    try:
        look = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        return -1, error.errno or 0
    return look.st_size, look.st_mtime_ns


def is_gone(path: Path) -> bool:
    """Whether the file no longer exists; one that only cannot be read does."""
    return _signature(path) is None


@dataclass(frozen=True, slots=True)
class _Trouble:
    """Why a file could not be ingested, and until when it is left alone."""

    why: str
    seconds: float
    until: float


def _marks(found: os.stat_result) -> tuple[int, int, int, int]:
    """What distinguishes a file from another one, or from itself before a change."""
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _write_reasons(refused: Sequence[RefusedFile], name: str, folder: int) -> None:
    reasons = "".join(f"{item.name}: {item.reason}\n" for item in refused)
    made = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666, dir_fd=folder)
    with os.fdopen(made, "w", encoding="utf-8", errors="backslashreplace") as beside:
        beside.write(reasons)


def _put_back(name: str, there: int, here: int, path: Path) -> None:
    """Moves the entry back under a name that is free at that moment, so that nothing is overwritten."""
    while True:
        back = _free(here, path.stem, path.suffix)
        try:
            os.link(name, back, src_dir_fd=there, dst_dir_fd=here, follow_symlinks=False)
        except FileExistsError:
            continue
        except OSError:  # folders, and on some file systems files, cannot have a second name
            os.rename(name, back, src_dir_fd=there, dst_dir_fd=here)
        else:
            os.unlink(name, dir_fd=there)
        return


def _free(folder: int, start: str, end: str) -> str:
    """A similar name that is free in the folder, so that nothing is overwritten."""
    number, found = 1, _fitting(start, end)
    while _exists(found, folder):
        number += 1
        found = _fitting(start, f" ({number}){end}")
    return found


def _exists(name: str, folder: int) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _fitting(start: str, end: str) -> str:
    """``start + end``, with the start cut if the file system does not allow so long a name."""
    room = NAME_BYTES - len(os.fsencode(end))
    encoded = os.fsencode(start)
    if len(encoded) <= room:
        return start + end
    return encoded[:room].decode(errors="ignore") + end


def being_written(file: BufferedReader) -> bool:
    """Whether a process has the file open for writing, if the system shows it (Linux, for files of our user).

    A read lease is refused while there is a writer. Source: fcntl(2), F_SETLEASE.
    """
    if sys.platform != "linux":
        return False
    import fcntl

    try:
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as error:
        return error.errno == errno.EAGAIN
    return False
