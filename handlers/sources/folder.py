"""Documents in a folder to which they were delivered: they are read, and never removed."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from receiver.core.delivery_request import Content
from receiver.core.document import Document
from receiver.core.errors import AccessDenied, FileGone
from receiver.pipeline.regular_file import open_regular
from receiver.ports import ContentSource

CHUNK = 1024 * 1024


class FolderSource:
    """The Source of ``folder://`` locations, which are those of the destination's receipts."""

    async def content(self, document: Document) -> Content:
        path = Path(document.content.removeprefix("folder://"))
        return Content(
            size=document.size,
            sha256=document.sha256,
            media_type=document.media_type,
            stream=lambda: _chunks(path),
        )

    async def release(self, location: str) -> None:
        """Delivered documents stay."""


async def _chunks(path: Path) -> AsyncIterator[bytes]:
    try:
        file = await asyncio.to_thread(open_regular, path)
        with file:
            while chunk := await asyncio.to_thread(file.read, CHUNK):
                yield chunk
    except FileNotFoundError as error:
        raise FileGone(f"{path} no longer exists") from error
    except OSError as error:
        raise AccessDenied(f"{path} cannot be read: {error.strerror}") from error


_: type[ContentSource] = FolderSource
