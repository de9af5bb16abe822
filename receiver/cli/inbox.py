"""A folder that mail is put into: what lies in it, what of that is whole, and where a file goes when it is done."""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from receiver.cli.paths import IGNORED, inside
from receiver.flow.arrive import Arrived

DONE, FAILED, PACKETS = "done", "failed", "packets"
REASON = ".reason.txt"
NAME_BYTES = 255
"""The longest name that file systems take."""
REST_SECONDS, LONGEST_REST = 1.0, 60.0
"""How long a file that could not be taken in is left alone: doubled each time, up to the longest."""


@dataclass
class Inbox:
    """The folder, and what is known of the files in it."""

    folder: Path
    packet: bool = False
    settle_seconds: float = 2.0
    ignore: tuple[str, ...] = IGNORED
    follow_symlinks: bool = False
    _seen: dict[Path, tuple[tuple[int, int], float]] = field(default_factory=dict)
    """File -> its size and time, and since when they are so."""
    _troubles: dict[Path, "_Trouble"] = field(default_factory=dict)

    def waiting(self) -> list[Path]:
        """The files that lie in the folder, and links in it, by name."""
        found = inside(self.folder, ignore=(*self.ignore, ".*"), follow_symlinks=self.follow_symlinks)
        return sorted(path for path in found if self._is_new(path))

    def _is_new(self, path: Path) -> bool:
        done = path.relative_to(self.folder).parts[0] in (DONE, FAILED)
        return not done and (path.is_symlink() or path.is_file())

    def whole(self, *, now: float) -> Iterator[Path]:
        """Those of the files that nobody is writing any more, and that do not rest after a trouble."""
        waiting = self.waiting()
        self._forget_others(waiting)
        for path in waiting:
            try:
                look = path.lstat()
            except FileNotFoundError:
                continue  # somebody took it away again
            signature = (look.st_size, look.st_mtime_ns)
            known, since = self._seen.get(path, (None, now))
            if known != signature:
                self._seen[path] = (signature, now)
                self._troubles.pop(path, None)
            elif now - since >= self.settle_seconds and not self._rests(path, now) and not being_written(path):
                yield path

    def _forget_others(self, waiting: list[Path]) -> None:
        there = set(waiting)
        self._seen = {path: seen for path, seen in self._seen.items() if path in there}
        self._troubles = {path: trouble for path, trouble in self._troubles.items() if path in there}

    def _rests(self, path: Path, now: float) -> bool:
        return path in self._troubles and now < self._troubles[path].until

    def rest(self, path: Path, why: str, *, now: float, for_good: bool = False) -> bool:
        """Leaves the file alone for a while, or until it changes; whether this is the first time for this reason."""
        before = self._troubles.get(path)
        seconds = min(before.seconds * 2, LONGEST_REST) if before else REST_SECONDS
        until = float("inf") if for_good else now + seconds
        self._troubles[path] = _Trouble(why=why, seconds=seconds, until=until)
        return before is None or before.why != why

    def is_packet(self, path: Path) -> bool:
        """Whether the file holds many letters."""
        return self.packet or path.relative_to(self.folder).parts[0] == PACKETS

    def put_away(self, path: Path, arrived: Arrived) -> Path:
        """Moves the file to where it belongs, beside what lies there; the reason goes with a refused one."""
        to = self.folder / (FAILED if arrived.refused else DONE) / path.relative_to(self.folder)
        to.parent.mkdir(parents=True, exist_ok=True)
        to = _free(to.parent, to.stem, to.suffix)
        path.rename(to)
        if arrived.refused:
            reasons = "".join(f"{one.name}: {one.reason}\n" for one in arrived.refused)
            beside = _free(to.parent, to.name, REASON)
            beside.write_text(reasons, encoding="utf-8", errors="backslashreplace")
        return to


@dataclass(frozen=True, slots=True)
class _Trouble:
    """Why a file could not be taken in, and until when it is left alone."""

    why: str
    seconds: float
    until: float


def _free(folder: Path, start: str, end: str) -> Path:
    """A name like this that is free in the folder: nothing is overwritten."""
    number, found = 1, folder / _fitting(start, end)
    while os.path.lexists(found):
        number += 1
        found = folder / _fitting(start, f" ({number}){end}")
    return found


def _fitting(start: str, end: str) -> str:
    """The two together, the first one cut short where the file system would not take so long a name."""
    room = NAME_BYTES - len(os.fsencode(end))
    encoded = os.fsencode(start)
    if len(encoded) <= room:
        return start + end
    return encoded[:room].decode(errors="ignore") + end


def being_written(path: Path) -> bool:
    """Whether somebody has the file open for writing, where the system tells (Linux, and only of our own files).

    A read lease is refused as long as there is a writer. Source: fcntl(2), F_SETLEASE.
    """
    if sys.platform != "linux":
        return False
    import errno
    import fcntl

    try:
        with path.open("rb") as file:
            fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)
            fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as error:
        return error.errno == errno.EAGAIN
    return False
