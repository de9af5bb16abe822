"""Reloads mailroom.yaml when it changes while the process runs: it is checked as at start, and used if it is valid. The
same goes for the shadow table's file, if one is named.

If a file is rejected, the previous table stays in use as a whole, and an alert stays active until the file is fixed.
A document is decided by the table that is in use at that moment; decided documents are not decided again.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from receiver.bootstrap import App
from receiver.config.source import FILES
from receiver.core.errors import Misconfigured
from receiver.log import log_line
from receiver.pipeline.context import Context
from receiver.refused_change import AGAIN_SECONDS, SHADOW, TABLE, RefusedChange, log, refusal_of
from receiver.reload_signal import ReloadRequest, ReloadRequests

EVERY_SECONDS = 2.0
"""How often a file is checked for a change. It is read when two checks in a row find it unchanged, so that an editor
has finished writing it."""

Stamp = tuple[int, ...]
Take = Callable[[], None]


async def keep_current(
    app: App, *, every_seconds: float = EVERY_SECONDS, requests: ReloadRequests | None = None
) -> None:
    """Reloads mailroom.yaml and the shadow table whenever they have changed and are valid; never returns."""
    files = []
    if app.read_table is not None:
        files.append(_Reloading(app.context.config.path, partial(_read_table, app), TABLE, app.context))
    if app.read_shadow is not None:
        files.append(_Reloading(Path(app.settings.shadow_config), partial(_read_shadow, app), SHADOW, app.context))
    else:
        await SHADOW.clear(app.context)  # nobody needs to fix a file that is no longer named
    async with asyncio.TaskGroup() as looking:
        for file in files:
            looking.create_task(file.keep_looking(every_seconds, (requests or ReloadRequests()).waiter()))


def _read_table(app: App) -> Take:
    """Reads mailroom.yaml; returns the function that puts it into use. Raises Misconfigured."""
    assert app.read_table is not None
    config, channels = app.read_table()

    def take() -> None:
        before = app.context.config
        if config == before:
            return
        app.context.take(config, channels)
        if app.receiver is not None:
            app.receiver.keep_seconds = config.retention.events_seconds
        log_line(log, logging.INFO, "table.reloaded", table=config.table.version, before=before.table.version)

    return take


def _read_shadow(app: App) -> Take:
    """The same for the shadow table."""
    assert app.read_shadow is not None
    table = app.read_shadow()

    def take() -> None:
        before = app.context.shadow
        if table != before:
            app.context.take_shadow(table)
            log_line(log, logging.INFO, "shadow.reloaded", table=table.version, before=before.version if before else "")

    return take


class _Reloading:
    """One watched file."""

    def __init__(self, path: Path, read: Callable[[], Take], refusal: RefusedChange, context: Context) -> None:
        self._path = path
        self._read_file = read
        self._refusal = refusal
        self._context = context
        self._seen: Stamp = ()
        self._read: Stamp | None = None
        """The stamp of the file when it was last read; None at first, because it may have changed since the start."""
        self._cleared_at = float("-inf")
        self._refused: Misconfigured | None = None
        self._alerted_at = float("-inf")

    async def keep_looking(self, every_seconds: float, request: ReloadRequest) -> None:
        """Watches one file. A file system that does not respond holds up no other file."""
        while True:
            await self.look(at_once=await request.wait(every_seconds))

    async def look(self, *, at_once: bool = False) -> None:
        """Reads the file if it has changed and is written; ``at_once`` as it is now, and says what came of it."""
        stamp = await asyncio.to_thread(stamp_of, self._path)
        settled, self._seen = stamp == self._seen, stamp
        if at_once or (settled and stamp != self._read):
            await self._reload()
            self._read = stamp
            if at_once and self._refused is None:
                log_line(log, logging.INFO, "reload.checked", file=str(self._path))
        await self._speak()

    async def _reload(self) -> None:
        try:
            take = await asyncio.to_thread(self._read_file)
        except Exception as error:  # noqa: BLE001 - whatever a file causes is reported
            self._refused, self._alerted_at = refusal_of(error, self._path), float("-inf")
            return
        self._refused, self._cleared_at = None, float("-inf")
        take()

    async def _speak(self) -> None:
        """Reports periodically that the file is rejected, or that it is valid again."""
        now = time.monotonic()
        if self._refused is not None:
            if now - self._alerted_at >= AGAIN_SECONDS:
                await self._refusal.alert(self._refused, self._context)
                self._alerted_at = now
        elif self._read is not None and now - self._cleared_at >= AGAIN_SECONDS:
            await self._refusal.clear(self._context)
            self._cleared_at = now


def stamp_of(path: Path) -> Stamp:
    """A value that changes with the file, whether it is written in place, replaced by a rename, or a link with a new
    target."""
    try:
        found = FILES.stat(path)
    except OSError as error:
        return (error.errno or 0,)
    return found.st_mtime_ns, found.st_size, found.st_ino, found.st_dev
