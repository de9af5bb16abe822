"""The spool: a folder that keeps documents' bytes, those of each document in a file of its own.

A file appears whole or not at all: written aside, synced, then renamed; the folders are synced too, because a renamed
file whose folder was not is not there after a power cut (file_group.py). Its name is the document's id and a mark that
no other keeping has. So a file is never written twice, and letting one go can't hit what was kept meanwhile.
"""

import asyncio
import contextlib
import functools
import hashlib
import os
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from secrets import token_hex
from typing import Any, BinaryIO, TypeVar

from receiver.core.delivery_request import Content
from receiver.core.document import Document
from receiver.core.errors import AccessDenied, DocumentRefused, FileGone, StoreBusy
from receiver.core.header_block import HEAD_BYTES
from receiver.ports import Spool, StoredContent
from receiver.store.durable_files import MODE, Folders, clear_untouched, sync_file, sync_folder
from receiver.store.file_group import FileGroup, path_of, shelf_of

CHUNK = 1024 * 1024
HELD = 256 * 1024
"""Bytes that are held in memory before they are written: a smaller file is written, synced and named in one go."""
SMALL = 64 * 1024
"""Bytes of a document that are read at once, when they are asked for."""
AT_ONCE = 16
"""Files that are written and synced side by side: their syncs cost the disk little more than one."""
UNFINISHED = ".new-"
SCHEME = "spool:"
FIX = "check the disk and the permissions of MAILROOM_SPOOL; Mailroom resumes by itself once it can write"
R = TypeVar("R")
OWNER = ".installation"
"""The file that says whose spool this is."""


class FolderSpool:
    """Keeps bytes under ``root``; locations read ``spool:<document>.<mark>``.

    Files of an earlier Mailroom are named by their checksum, and documents with the same bytes share one.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._folders = Folders()
        self._group = FileGroup(root, self._folders)

    async def keep(
        self, source: AsyncIterator[bytes] | Path, *, limit: int, owner: Callable[[str], str]
    ) -> StoredContent:
        chunks = _chunks(source) if isinstance(source, Path) else source
        aside = Aside(self.root / f"{UNFINISHED}{token_hex(8)}", limit)
        try:
            async for chunk in chunks:
                aside.add(chunk)
                if aside.holds_much:
                    await _in_thread(self._write, aside)
            return await _in_thread(self._finish, aside, owner)
        except OSError as error:
            raise StoreBusy(f"the spool {self.root} cannot be written: {error.strerror}", fix=FIX) from error
        finally:
            if aside.file is not None:
                await _in_thread(aside.remove)

    def _write(self, aside: "Aside") -> None:
        self._folders.make(self.root)
        aside.write()

    def _finish(self, aside: "Aside", owner: Callable[[str], str]) -> StoredContent:
        self._write(aside)
        try:
            aside.sync()
            sha256 = aside.digest.hexdigest()
            name = self._group.settle(aside.path, owner(sha256))
        finally:
            aside.remove()
        return StoredContent(location=f"{SCHEME}{name}", sha256=sha256, size=aside.size, head=aside.head)

    def path_of(self, location: str) -> Path:
        """The file in which the bytes at this location lie."""
        return path_of(self.root, location.removeprefix(SCHEME))

    async def content(self, document: Document) -> Content:
        path = self.path_of(document.content)
        try:
            stream = await asyncio.to_thread(_opened, path, document.size)
        except FileNotFoundError as error:
            raise FileGone(f"{document.name}: its bytes are no longer in the spool {self.root}") from error
        return Content(
            size=document.size, sha256=document.sha256, media_type=document.media_type, stream=stream, path=path
        )

    def stream(self, location: str) -> AsyncIterator[bytes]:
        """The bytes kept at this location, in chunks."""
        return _chunks(self.path_of(location))

    async def release(self, location: str) -> None:
        path = self.path_of(location)
        try:
            await asyncio.to_thread(path.unlink, missing_ok=True)
        except OSError as error:
            fix = "give Mailroom's user permission to remove it"
            raise AccessDenied(f"{path} cannot be removed: {error.strerror}", fix=fix) from error

    def is_empty(self) -> bool:
        """Whether no document's bytes lie here."""
        return next(self._listed(""), None) is None

    async def listed(self, *, after: str, limit: int) -> list[tuple[str, float]]:
        return await asyncio.to_thread(lambda: list(islice(self._listed(after.removeprefix(SCHEME)), limit)))

    def _listed(self, after: str) -> Iterator[tuple[str, float]]:
        """Folder by folder, so that the cost depends on what is read, not on the size of the spool."""
        begun = shelf_of(after)
        shelves = sorted(item.name for item in self.root.glob("[!.]*") if item.name >= begun and item.is_dir())
        for shelf in shelves:
            for path in sorted((self.root / shelf).iterdir()):
                if (shelf, path.name) > (begun, after):
                    with contextlib.suppress(FileNotFoundError):  # it was released just now
                        yield f"{SCHEME}{path.name}", path.stat().st_mtime

    async def claim(self, installation: str) -> str:
        try:
            return await asyncio.to_thread(self._claim, installation)
        except OSError as error:
            raise StoreBusy(f"the spool {self.root} cannot be written: {error.strerror}", fix=FIX) from error

    def owner(self) -> str:
        """The installation that it belongs to; "" while it is nobody's, or where that cannot be read."""
        try:
            return (self.root / OWNER).read_text()
        except (OSError, UnicodeDecodeError):
            return ""

    def _claim(self, installation: str) -> str:
        self._folders.make(self.root)
        sign = self.root / OWNER
        if not sign.exists():
            aside = self.root / f"{UNFINISHED}{token_hex(4)}"
            with aside.open("wb") as file:
                file.write(installation.encode())
                sync_file(file)
            with contextlib.suppress(FileExistsError):  # another process was faster
                os.link(aside, sign)
            aside.unlink()
            sync_folder(self.root)
        return sign.read_text()

    async def clear_leftovers(self, *, before: float) -> int:
        return await asyncio.to_thread(clear_untouched, self.root.glob(f"{UNFINISHED}*"), before)


class Aside:
    """A file under a passing name, and what is known of its bytes so far."""

    def __init__(self, path: Path, limit: int) -> None:
        self.path = path
        self.file: BinaryIO | None = None
        self.digest, self.size, self.head = hashlib.sha256(), 0, b""
        self._limit = limit
        self._held: list[bytes] = []
        self._holds = 0

    def add(self, chunk: bytes) -> None:
        """Takes the next bytes, in memory. Raises DocumentRefused when they are too many."""
        self.size += len(chunk)
        if self.size > self._limit:
            raise DocumentRefused(f"the file is over {self._limit} bytes", fix="LlamaCloud accepts at most 512 MB")
        self.head = self.head if len(self.head) >= HEAD_BYTES else (self.head + chunk)[:HEAD_BYTES]
        self.digest.update(chunk)
        self._held.append(chunk)
        self._holds += len(chunk)

    @property
    def holds_much(self) -> bool:
        """Whether what it holds should be written."""
        return self._holds > HELD

    def write(self) -> None:
        """Writes what it holds. Raises OSError."""
        if self.file is None:
            self.file = os.fdopen(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, MODE), "wb")
        held, self._held, self._holds = self._held, [], 0
        self.file.writelines(held)

    def sync(self) -> None:
        """Its bytes are on the disk. Raises OSError."""
        assert self.file is not None
        sync_file(self.file)

    def remove(self) -> None:
        """Removes it where it still has its passing name."""
        if self.file is not None:
            self.file.close()
            self.path.unlink(missing_ok=True)
            self.file = None


@functools.cache
def _threads() -> ThreadPoolExecutor:
    """Of their own: a disk that hangs holds these, and none that others need."""
    return ThreadPoolExecutor(AT_ONCE, "mailroom-spool")


async def _in_thread(work: Callable[..., R], *arguments: Any) -> R:
    return await asyncio.get_running_loop().run_in_executor(_threads(), functools.partial(work, *arguments))


def _opened(path: Path, size: int) -> Callable[[], AsyncIterator[bytes]]:
    """Streams the file. A small one is read right here: each look at the disk is a hop to a thread and back."""
    if not path.is_file():  # the location of a document whose bytes were removed is the spool's folder
        raise FileNotFoundError(path)
    if size > SMALL:
        return lambda: _chunks(path)
    with path.open("rb") as file:
        whole = file.read(size + 1)  # one byte more shows whoever reads that it has grown
    return lambda: _only(whole)


async def _only(whole: bytes) -> AsyncIterator[bytes]:
    if whole:
        yield whole


async def _chunks(path: Path) -> AsyncIterator[bytes]:
    """The file's bytes, read in threads."""
    blocks = _blocks(path)
    while chunk := await asyncio.to_thread(next, blocks, b""):
        yield chunk
        if len(chunk) < CHUNK:  # the last one: another hop to a thread would only say so
            blocks.close()
            return


def _blocks(path: Path) -> Generator[bytes, None, None]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


_: type[Spool] = FolderSpool
