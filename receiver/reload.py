"""mailroom.yaml that changes while we run: it is read again, checked as at the start, and taken over if it is sound.

A file that is refused leaves the table before in use, whole, and a person is told until it is mended. What is under way
is decided by the table that is there when it is decided; nothing that was decided is decided again.
"""

import asyncio
import logging
import time
from pathlib import Path

from receiver.bootstrap import App
from receiver.core.errors import Misconfigured
from receiver.log import line
from receiver.refused import AGAIN_SECONDS, TABLE, log

EVERY_SECONDS = 2.0
"""How often it is looked whether the file is another. It is read when two looks find it the same: no editor's half."""

Stamp = tuple[int, ...]


async def keep_current(app: App, *, every_seconds: float = EVERY_SECONDS) -> None:
    """Takes over mailroom.yaml whenever it is another than before, and sound; never returns."""
    reloading = _Reloading(app)
    while True:
        await asyncio.sleep(every_seconds)
        await reloading.look()


class _Reloading:
    def __init__(self, app: App) -> None:
        self._app = app
        self._path = app.tools.config.path
        self._seen: Stamp = ()
        self._read: Stamp | None = None
        """The file as it was read last; None before that, for it may have changed since the start."""
        self._cleared_at = float("-inf")
        self._refused: Misconfigured | None = None
        self._told_at = float("-inf")

    async def look(self) -> None:
        stamp = await asyncio.to_thread(stamp_of, self._path)
        settled, self._seen = stamp == self._seen, stamp
        if settled and stamp != self._read:
            await self._reload()
            self._read = stamp
        await self._speak()

    async def _reload(self) -> None:
        assert self._app.read_table is not None
        tools, before = self._app.tools, self._app.tools.config
        try:
            config, channels = await asyncio.to_thread(self._app.read_table)
        except Misconfigured as error:
            self._refused, self._told_at = error, float("-inf")
            return
        self._refused, self._cleared_at = None, float("-inf")
        if config != before:
            tools.take(config, channels)
            if self._app.door is not None:
                self._app.door.keep_seconds = config.retention.events_seconds
            line(log, logging.INFO, "table.reloaded", table=config.table.version, before=before.table.version)

    async def _speak(self) -> None:
        """Tells of a file that is refused, now and then, for as long as it is; or that it is well."""
        now = time.monotonic()
        if self._refused is not None:
            if now - self._told_at >= AGAIN_SECONDS:
                await TABLE.tell(self._refused, self._app.tools)
                self._told_at = now
        elif self._read is not None and now - self._cleared_at >= AGAIN_SECONDS:
            await TABLE.clear(self._app.tools)
            self._cleared_at = now


def stamp_of(path: Path) -> Stamp:
    """What changes when the file does, be it written in place, renamed over, or a link that leads elsewhere."""
    try:
        found = path.stat()
    except OSError as error:
        return (error.errno or 0,)
    return found.st_mtime_ns, found.st_size, found.st_ino, found.st_dev
