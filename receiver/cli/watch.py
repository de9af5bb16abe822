"""mailroom watch: ingests files that appear in a folder, and moves them to ``done/`` or ``failed/``.

A file is ingested when it is complete: as far as the system shows, no process has it open for writing, and neither its
size nor its modification time has changed for a while. After a crash between ingesting and moving, the file is ingested
again, which finds the same document.

The folder is polled, by code that no content of the folder can stop. Notifications (inotify) would not save the
listings, because a file is complete only if a later poll finds it unchanged; and libraries that watch whole trees
follow links, stop at a folder that they may not read, and assume UTF-8 names.
"""

import asyncio
import contextlib
import logging
import os
import signal
import time
from io import BufferedReader
from pathlib import Path

import click

from receiver.bootstrap import App
from receiver.cli.inbox import LONGEST_REST, Inbox, is_gone
from receiver.cli.numbers import Number
from receiver.cli.paths import IGNORED, GivenFolder, NotTaken, follow_option, ignore_option
from receiver.cli.running import refuse_strange_spool, with_app
from receiver.cli.submit import AT_ONCE, submit_now, take_in_file
from receiver.core.errors import MailroomError, Misconfigured
from receiver.core.loops import feeds
from receiver.log import log_line
from receiver.pipeline.at_once import at_once

SHORTEST_PAUSE = 0.1
"""Seconds between two polls."""

log = logging.getLogger("mailroom.watch")


@click.command(short_help="Submit files that appear in a folder.")
@click.argument("folder", type=GivenFolder())
@click.option("--packet", is_flag=True, help="Each file is a packet of several documents: split it first.")
@click.option(
    "--settle",
    default=2.0,
    show_default=True,
    type=Number(0, 86400),
    help="Seconds a file must stay unchanged before it is read.",
)
@click.option("--poll", is_flag=True, hidden=True, expose_value=False, help="Has no effect; kept for scripts.")
@click.option("--once", is_flag=True, help="Submit what is there, then exit.")
@ignore_option
@follow_option
def watch(
    folder: Path, packet: bool, settle: float, once: bool, ignore: tuple[str, ...], follow_symlinks: bool
) -> None:
    """Submit files that appear in FOLDER; a running `mailroom serve` processes them.

    It moves submitted files to done/, and rejected files to failed/ with the reason beside them. Files under packets/
    are packets. It skips hidden files, links, temporary files of storage systems and downloads, and files that
    Mailroom itself delivered.
    """
    inbox = Inbox(
        folder,
        packet=packet,
        settle_seconds=settle,
        ignore=ignore or IGNORED,
        follow_symlinks=follow_symlinks,
    )
    with_app(lambda app: _watch(app, inbox, once=once), log=True)


def refuse_loops(app: App, folder: Path) -> None:
    """Raises Misconfigured if deliveries, the spool or the store would be in the folder and be submitted again."""
    config, settings = app.context.config, app.settings
    config.refuse(config.loops([str(folder)]))
    if settings.spool and feeds([str(folder)], f"{settings.spool.rstrip('/')}/"):
        raise Misconfigured(f"MAILROOM_SPOOL={settings.spool} is inside {folder}, which is watched")
    store = settings.store.partition("://")[2].removeprefix("/")
    if settings.store.startswith("sqlite:") and feeds([str(folder)], f"folder://{store}"):
        raise Misconfigured(
            f"MAILROOM_STORE={settings.store} is inside {folder}, which is watched",
            fix="watch another folder, or move the store",
        )


async def _watch(app: App, inbox: Inbox, *, once: bool) -> None:
    refuse_loops(app, inbox.folder)
    await refuse_strange_spool(app)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    if once:
        await _until_empty(app, inbox, stop)
        return
    log_line(log, logging.INFO, "watch.started", folder=str(inbox.folder))
    await keep_looking(app, inbox, stop)


async def keep_looking(app: App, inbox: Inbox, stop: asyncio.Event) -> None:
    """Polls until ``stop`` is set. A failed poll is logged, and retried after increasing delays."""
    every = pause = max(inbox.settle_seconds / 2, SHORTEST_PAUSE)
    while not stop.is_set():
        try:
            await look(app, inbox, stop)
            pause = every
        except Exception:  # the folder may be gone, or have unforeseen contents
            log.exception("watch.interrupted", extra={"facts": {"folder": str(inbox.folder), "again_in": pause}})
            pause = min(pause * 2, LONGEST_REST)
        await _stopped_within(stop, pause)


async def _stopped_within(stop: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)


async def _until_empty(app: App, inbox: Inbox, stop: asyncio.Event) -> None:
    """Ingests the existing files; one that is still being written is left for the next poll."""
    await look(app, inbox, stop)
    await _stopped_within(stop, inbox.settle_seconds)
    await look(app, inbox, stop)


async def look(app: App, inbox: Inbox, stop: asyncio.Event) -> None:
    """Ingests the complete files, until ``stop`` is set. After a fault on our side a file stays for a later poll."""
    found, moving = await asyncio.to_thread(lambda: list(inbox.whole(now=time.monotonic()))), asyncio.Lock()

    async def one(path: Path) -> None:
        if stop.is_set():
            return
        try:
            with await asyncio.to_thread(inbox.open, path) as file:
                await _take_in(app, inbox, path, file, moving)
        except NotTaken as why:
            _log_once(inbox, path, str(why), logging.WARNING, "watch.skipped")
        except (MailroomError, OSError) as error:
            _log_once(inbox, path, str(error), logging.ERROR, "watch.failed")
        except Exception as error:  # no single file may stop the others
            if inbox.rest(path, repr(error), now=time.monotonic()):
                log.exception("watch.failed", extra={"facts": {"file": str(path)}})

    await at_once(AT_ONCE, found, one)


async def _take_in(app: App, inbox: Inbox, path: Path, file: BufferedReader, moving: asyncio.Lock) -> None:
    was = os.fstat(file.fileno())
    arrived = await take_in_file(app, path, file, packet=inbox.is_packet(path))
    await submit_now(app, [item.document for item in arrived.taken])
    async with moving:  # a name that is found free must stay free until the file has it
        to = await asyncio.to_thread(inbox.put_away, path, arrived, was)
    ids = [item.document.id for item in arrived.taken]
    level, what = (logging.WARNING, "watch.refused") if arrived.refused else (logging.INFO, "watch.received")
    log_line(log, level, what, file=str(path), documents=ids, moved_to=str(to))


def _log_once(inbox: Inbox, path: Path, why: str, level: int, what: str) -> None:
    """Logs a reason once for each file. A file that is gone was taken by another watcher."""
    if is_gone(path):
        return
    if inbox.rest(path, why, now=time.monotonic()):
        log_line(log, level, what, file=str(path), error=why)
