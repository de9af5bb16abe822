"""Keeps documents' bytes as local files for a while, because the pages of a packet in S3 are viewed one by one.

The copies lie in scratch folders outside of the spool. They are bounded in bytes and in time, and those of a process
that was killed are removed with its other scratch folders.
"""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio

from receiver.core.delivery_request import Content
from receiver.core.errors import NotViewable
from receiver.pipeline.scratch import scratch_folder

COPIES_BYTES = 256 * 1024 * 1024
"""Maximum bytes of all copies together, and of one. A Lambda function has 512 MB of disk."""
KEPT_SECONDS = 600.0
"""Maximum age of a copy: bytes that retention removes must not be kept for much longer here."""


@dataclass(slots=True)
class _Copy:
    path: Path
    made_at: float
    size: int
    readers: int = 0


class LocalCopies:
    """The copies, by a key that names the bytes. The least recently used go first, but none that is being read."""

    def __init__(self, *, most_bytes: int = COPIES_BYTES, clock: Callable[[], float] = time.monotonic) -> None:
        self._most_bytes, self._clock = most_bytes, clock
        self._copies: dict[str, _Copy] = {}
        self._one_by_one = asyncio.Lock()

    @asynccontextmanager
    async def opened(self, key: str, content: Content) -> AsyncIterator[Path]:
        """The bytes as a file during the block: the original, or a copy. Raises NotViewable if there are too many."""
        if content.path is not None:
            yield content.path
            return
        async with self._one_by_one:
            self._drop_old()
            copy = self._copies.pop(key, None) or await self._copied(content)
            self._copies[key] = copy  # the last one is the most recently used
            copy.readers += 1
        try:
            yield copy.path
        finally:
            copy.readers -= 1
            self._drop_many()

    def close(self) -> None:
        """Removes all copies."""
        while self._copies:
            self._drop(next(iter(self._copies)))

    async def _copied(self, content: Content) -> _Copy:
        path = scratch_folder() / "document"
        try:
            size = await _written(content, path, limit=self._most_bytes)
        except BaseException:
            shutil.rmtree(path.parent, ignore_errors=True)
            raise
        return _Copy(path=path, made_at=self._clock(), size=size)

    def _drop_old(self) -> None:
        oldest = self._clock() - KEPT_SECONDS
        for key in [key for key, item in self._copies.items() if item.made_at < oldest and not item.readers]:
            self._drop(key)

    def _drop_many(self) -> None:
        for key in list(self._copies):
            if sum(item.size for item in self._copies.values()) <= self._most_bytes:
                return
            if not self._copies[key].readers:
                self._drop(key)

    def _drop(self, key: str) -> None:
        shutil.rmtree(self._copies.pop(key).path.parent, ignore_errors=True)


async def _written(content: Content, path: Path, *, limit: int) -> int:
    size = 0
    async with await anyio.open_file(path, "wb") as file:
        async for chunk in content.stream():
            size += len(chunk)
            if size > limit:
                raise NotViewable(f"it is over {limit // 1024**2} MB and not on this machine: download it")
            await file.write(chunk)
    return size
