"""mailroom watch: takes in what appears in a folder, and moves it to ``done/`` or ``failed/``.

A file is taken when it is whole: nobody has it open for writing, as far as the system tells, and neither its size nor
its time has changed for a while. A crash between taking and moving takes it again, which is the same document.
"""

import asyncio
import logging
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import click

from receiver.bootstrap import App
from receiver.cli.paths import IGNORED
from receiver.cli.running import with_app
from receiver.cli.submit import submit_now, take_in_file
from receiver.core.errors import MailroomError
from receiver.flow.arrive import Arrived
from receiver.log import line

log = logging.getLogger("mailroom.watch")
DONE, FAILED, PACKETS = "done", "failed", "packets"
UNFINISHED = (".part", ".partial", ".tmp", ".crdownload", ".filepart")
"""What programs call a file that they are still writing."""
REASON = ".reason.txt"


@click.command(short_help="Take in what appears in a folder.")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False, writable=True))
@click.option("--packet", is_flag=True, help="Each file holds many letters: split it first.")
@click.option("--settle", default=2.0, show_default=True, help="Seconds for which a file must not change.")
@click.option("--poll", is_flag=True, help="Look instead of being told: for network folders.")
@click.option("--once", is_flag=True, help="Take in what is there, and stop.")
def watch(folder: Path, packet: bool, settle: float, poll: bool, once: bool) -> None:
    """Take in what appears in FOLDER; `mailroom serve` beside it does the rest.

    What was taken in is moved to done/, what was refused to failed/ with the reason beside it. Files under packets/ are
    packets. Hidden files and those with names like *.part are left alone.
    """
    with_app(
        lambda app: _watch(app, Inbox(folder, packet=packet, settle_seconds=settle), poll=poll, once=once), log=True
    )


@dataclass
class Inbox:
    """A folder that mail is put into."""

    folder: Path
    packet: bool = False
    settle_seconds: float = 2.0
    _seen: dict[Path, tuple[tuple[int, int], float]] = field(default_factory=dict)
    """File -> its size and time, and since when they are so."""

    def waiting(self) -> list[Path]:
        """The files that lie in the folder, by name."""
        return sorted(path for path in self.folder.rglob("*") if path.is_file() and not self._is_ours(path))

    def _is_ours(self, path: Path) -> bool:
        parts = path.relative_to(self.folder).parts
        hidden = any(part.startswith((".", "~$")) for part in parts)
        return hidden or parts[0] in (DONE, FAILED) or path.name in IGNORED or path.suffix.lower() in UNFINISHED

    def whole(self, *, now: float) -> Iterator[Path]:
        """Those of the files that nobody is writing any more."""
        waiting = self.waiting()
        self._seen = {path: seen for path, seen in self._seen.items() if path in waiting}
        for path in waiting:
            try:
                look = path.stat()
            except FileNotFoundError:
                continue  # somebody took it away again
            signature = (look.st_size, look.st_mtime_ns)
            known, since = self._seen.get(path, (None, now))
            if known != signature:
                self._seen[path] = (signature, now)
            elif now - since >= self.settle_seconds and not being_written(path):
                yield path

    def is_packet(self, path: Path) -> bool:
        """Whether the file holds many letters."""
        return self.packet or path.relative_to(self.folder).parts[0] == PACKETS

    def put_away(self, path: Path, arrived: Arrived) -> Path:
        """Moves the file to where it belongs, beside what lies there; the reason goes with a refused one."""
        to = self.folder / (FAILED if arrived.refused else DONE) / path.relative_to(self.folder)
        to.parent.mkdir(parents=True, exist_ok=True)
        to = _free(to)
        if arrived.refused:
            reasons = "".join(f"{one.name}: {one.reason}\n" for one in arrived.refused)
            to.with_name(to.name + REASON).write_text(reasons, encoding="utf-8")
        path.rename(to)
        return to


def _free(path: Path) -> Path:
    """The path, or the next like it that is free: nothing is overwritten."""
    number, found = 1, path
    while found.exists():
        number += 1
        found = path.with_name(f"{path.stem} ({number}){path.suffix}")
    return found


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


async def _watch(app: App, inbox: Inbox, *, poll: bool, once: bool) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    if once:
        await _until_empty(app, inbox)
        return
    from watchfiles import awatch

    line(log, logging.INFO, "watch.started", folder=str(inbox.folder))
    # Its own look every now and then is how a file is found to have come to rest, and what a lost notice costs.
    every = max(int(inbox.settle_seconds * 500), 100)
    async for _ in awatch(
        inbox.folder, watch_filter=None, debounce=200, rust_timeout=every, yield_on_timeout=True,
        stop_event=stop, force_polling=poll or None,
    ):  # fmt: skip
        await look(app, inbox)


async def _until_empty(app: App, inbox: Inbox) -> None:
    """Takes in what is there; a file that is still being written is left for the next time."""
    await look(app, inbox)
    await asyncio.sleep(inbox.settle_seconds)
    await look(app, inbox)


async def look(app: App, inbox: Inbox) -> None:
    """Takes in the files that are whole. Trouble of ours leaves them where they are, for the next look."""
    for path in await asyncio.to_thread(lambda: list(inbox.whole(now=time.monotonic()))):
        try:
            arrived = await take_in_file(app, path, packet=inbox.is_packet(path))
            await submit_now(app, [one.document for one in arrived.taken])
            to = await asyncio.to_thread(inbox.put_away, path, arrived)
        except (MailroomError, OSError) as error:
            line(log, logging.ERROR, "watch.failed", file=str(path), error=str(error))
            continue
        ids = [one.document.id for one in arrived.taken]
        level, what = (logging.WARNING, "watch.refused") if arrived.refused else (logging.INFO, "watch.taken_in")
        line(log, level, what, file=str(path), documents=ids, moved_to=str(to))
