"""The spool: a folder that keeps documents' bytes by their checksum, so that the same bytes twice are one file.

A file appears whole or not at all: written aside, synced, then renamed; the folder is synced too, because a renamed
file whose folder was not is not there after a power cut.
"""

import asyncio
import hashlib
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from receiver.core.document import Document
from receiver.core.errors import DocumentRefused, FileGone, StoreBusy
from receiver.core.parcel import Content
from receiver.ports import Kept, Spool
from receiver.store.durable import Folders, clear_untouched, sync_file, sync_folder

CHUNK = 1024 * 1024
HEAD = 1024
UNFINISHED = ".new-"


class FolderSpool:
    """Keeps bytes under ``root``; locations read ``spool:<sha256>``."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folders = Folders()

    async def keep(self, source: AsyncIterator[bytes] | Path, *, limit: int) -> Kept:
        chunks = _chunks(source) if isinstance(source, Path) else source
        try:
            await asyncio.to_thread(self._folders.make, self._root)
            return await self._keep(chunks, limit)
        except OSError as error:
            raise StoreBusy(f"the spool {self._root} cannot be written: {error.strerror}") from error

    async def _keep(self, chunks: AsyncIterator[bytes], limit: int) -> Kept:
        descriptor, aside = await asyncio.to_thread(tempfile.mkstemp, dir=self._root, prefix=UNFINISHED)
        digest, size, head = hashlib.sha256(), 0, b""
        try:
            with os.fdopen(descriptor, "wb") as file:
                async for chunk in chunks:
                    size += len(chunk)
                    if size > limit:
                        raise DocumentRefused(f"the file is over {limit} bytes", fix="LlamaCloud takes 512 MB at most")
                    head = head or chunk[:HEAD]
                    digest.update(chunk)
                    await asyncio.to_thread(file.write, chunk)
                await asyncio.to_thread(sync_file, file)
            sha256 = digest.hexdigest()
            await asyncio.to_thread(self._settle, Path(aside), sha256)
        finally:
            await asyncio.to_thread(Path(aside).unlink, missing_ok=True)
        return Kept(location=f"spool:{sha256}", sha256=sha256, size=size, head=head)

    def _settle(self, aside: Path, sha256: str) -> None:
        home = self._path(sha256)
        self._folders.make(home.parent)
        aside.replace(home)
        sync_folder(home.parent)

    def _path(self, sha256: str) -> Path:
        return self._root / sha256[:2] / sha256

    async def content(self, document: Document) -> Content:
        sha256 = document.content.removeprefix("spool:")
        path = self._path(sha256)
        if not await asyncio.to_thread(path.is_file):
            raise FileGone(f"{document.name}: its bytes are no longer in the spool {self._root}")
        return Content(
            size=document.size,
            sha256=sha256,
            media_type=document.media_type,
            stream=lambda: _chunks(path),
            path=path,
        )

    def stream(self, location: str) -> AsyncIterator[bytes]:
        """The bytes kept at this location, in chunks."""
        return _chunks(self._path(location.removeprefix("spool:")))

    async def forget(self, location: str, *, kept_before: float) -> bool:
        return await asyncio.to_thread(self._forget, self._path(location.removeprefix("spool:")), kept_before)

    def _forget(self, path: Path, kept_before: float) -> bool:
        """Keeping the same bytes again renews the file, so its age is that of the last document that needs it."""
        if not path.exists() or path.stat().st_mtime >= kept_before:
            return False
        path.unlink(missing_ok=True)
        return True

    async def clear_leftovers(self, *, before: float) -> int:
        return await asyncio.to_thread(clear_untouched, self._root.glob(f"{UNFINISHED}*"), before)


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
