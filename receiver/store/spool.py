"""The spool: a folder that keeps documents' bytes, those of each document in a file of its own.

A file appears whole or not at all: written aside, synced, then renamed; the folders are synced too, because a renamed
file whose folder was not is not there after a power cut. Its name is the document's id and a mark that no other keeping
has. So a file is never written twice, and letting one go can't hit what was kept meanwhile.
"""

import asyncio
import contextlib
import hashlib
import os
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import islice
from pathlib import Path
from secrets import token_hex

from receiver.core.delivery_request import Content
from receiver.core.document import Document
from receiver.core.errors import AccessDenied, DocumentRefused, FileGone, StoreBusy
from receiver.core.header_block import HEAD_BYTES
from receiver.ports import Spool, StoredContent
from receiver.store.durable_files import MODE, Folders, clear_untouched, sync_file, sync_folder

CHUNK = 1024 * 1024
UNFINISHED = ".new-"
SCHEME = "spool:"
FIX = "check the disk and the permissions of MAILROOM_SPOOL; Mailroom resumes by itself once it can write"
OWNER = ".installation"
"""The file that says whose spool this is."""


class FolderSpool:
    """Keeps bytes under ``root``; locations read ``spool:<document>.<mark>``.

    Files of an earlier Mailroom are named by their checksum, and documents with the same bytes share one.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._folders = Folders()

    async def keep(
        self, source: AsyncIterator[bytes] | Path, *, limit: int, owner: Callable[[str], str]
    ) -> StoredContent:
        chunks = _chunks(source) if isinstance(source, Path) else source
        try:
            await asyncio.to_thread(self._folders.make, self.root)
            return await self._keep(chunks, limit, owner)
        except OSError as error:
            raise StoreBusy(f"the spool {self.root} cannot be written: {error.strerror}", fix=FIX) from error

    async def _keep(self, chunks: AsyncIterator[bytes], limit: int, owner: Callable[[str], str]) -> StoredContent:
        aside = self.root / f"{UNFINISHED}{token_hex(8)}"
        descriptor = await asyncio.to_thread(os.open, aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, MODE)
        digest, size, head = hashlib.sha256(), 0, b""
        try:
            with os.fdopen(descriptor, "wb") as file:
                async for chunk in chunks:
                    size += len(chunk)
                    if size > limit:
                        raise DocumentRefused(
                            f"the file is over {limit} bytes", fix="LlamaCloud accepts at most 512 MB"
                        )
                    head = head if len(head) >= HEAD_BYTES else (head + chunk)[:HEAD_BYTES]
                    digest.update(chunk)
                    await asyncio.to_thread(file.write, chunk)
                await asyncio.to_thread(sync_file, file)
            sha256 = digest.hexdigest()
            location = f"{SCHEME}{owner(sha256)}.{token_hex(4)}"
            await asyncio.to_thread(self._settle, aside, self.path_of(location))
        finally:
            await asyncio.to_thread(aside.unlink, missing_ok=True)
        return StoredContent(location=location, sha256=sha256, size=size, head=head)

    def _settle(self, aside: Path, home: Path) -> None:
        self._folders.make(home.parent)
        aside.rename(home)
        sync_folder(home.parent)

    def path_of(self, location: str) -> Path:
        """The file in which the bytes at this location lie."""
        name = location.removeprefix(SCHEME)
        return self.root / _shelf(name) / name

    async def content(self, document: Document) -> Content:
        path = self.path_of(document.content)
        if not await asyncio.to_thread(path.is_file):
            raise FileGone(f"{document.name}: its bytes are no longer in the spool {self.root}")
        return Content(
            size=document.size,
            sha256=document.sha256,
            media_type=document.media_type,
            stream=lambda: _chunks(path),
            path=path,
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
        """Shelf by shelf, so that a look costs what it looks at, however much lies there."""
        shelves = sorted(item.name for item in self.root.glob("[!.]*") if item.name >= _shelf(after) and item.is_dir())
        for shelf in shelves:
            for path in sorted((self.root / shelf).iterdir()):
                if (shelf, path.name) > (_shelf(after), after):
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


def _shelf(name: str) -> str:
    """The folder that a file lies in: two characters of its name that are different from document to document."""
    return name.partition(".")[0].removeprefix("doc_")[:2]


async def _chunks(path: Path) -> AsyncIterator[bytes]:
    """The file's bytes, read in threads."""
    blocks = _blocks(path)
    while chunk := await asyncio.to_thread(next, blocks, b""):
        yield chunk


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


_: type[Spool] = FolderSpool
