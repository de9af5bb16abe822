"""Shows a document to a person: its pages as pictures, its text, or the mail that it is, wherever its bytes are.

Pictures and texts are kept in memory for a while, because a person goes back and forth between documents.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager
from pathlib import Path
from weakref import WeakValueDictionary

import msgspec

from receiver.core.document import Document
from receiver.core.document_view import TEXT_CHARS, ShownAs, shown_as
from receiver.core.errors import Malformed, Misconfigured, NotViewable, Unreadable
from receiver.core.mail import ReadMail, ReadPart
from receiver.core.page_list import MailView, PageList, ShownText
from receiver.core.recently_used import RecentlyUsed
from receiver.pipeline.content import content_of, not_viewable_unless_read
from receiver.pipeline.context import Context
from receiver.pipeline.local_copies import KEPT_SECONDS
from receiver.ports import Viewer

CACHED_BYTES = 32 * 1024 * 1024
REASON_BYTES, REASON_SECONDS = 64 * 1024, 60.0
"""Why pages could not be drawn is kept for a minute: finding out may take a child 15 seconds, and others wait."""
FIELDS = ("to", "cc", "subject", "date")
"""Header fields of a mail that are shown after its sender."""
Make = Callable[[Path], Awaitable[bytes]]


class DocumentViews:
    """The views of documents. Every method raises NotViewable, FileGone, NotFound, Transient."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._cache = RecentlyUsed(most_bytes=CACHED_BYTES, seconds=KEPT_SECONDS)
        self._reasons = RecentlyUsed(most_bytes=REASON_BYTES, seconds=REASON_SECONDS)
        self._being_made: WeakValueDictionary[Hashable, asyncio.Lock] = WeakValueDictionary()

    async def pages(self, document: Document) -> PageList:
        """How many pages it has, and their sizes."""
        _refuse_unless(ShownAs.PAGES, document)

        async def make(path: Path) -> bytes:
            return msgspec.json.encode(await self._viewer().pages(path, document.media_type))

        return msgspec.json.decode(await self._cached(document, "pages", make), type=PageList)

    async def picture(self, document: Document, page: int, width: int) -> bytes:
        """A page (from 1) as PNG."""
        _refuse_unless(ShownAs.PAGES, document)

        async def make(path: Path) -> bytes:
            return await self._viewer().picture(path, document.media_type, page, width)

        return await self._cached(document, f"picture {page} {width}", make)

    async def text(self, document: Document, page: int | None) -> ShownText:
        """The text of one page, or of a file without pages."""
        if shown_as(document.media_type) is not ShownAs.PAGES:
            _refuse_unless(ShownAs.TEXT, document)
        elif page is None:
            raise Malformed("it has pages, and each has a text of its own: say which, ?page=1")

        async def make(path: Path) -> bytes:
            return msgspec.json.encode(await self._viewer().text(path, document.media_type, page or 1))

        return msgspec.json.decode(await self._cached(document, f"text {page}", make), type=ShownText)

    async def mail(self, document: Document) -> MailView:
        """The header and text of a mail. Its attachments are on its record."""
        _refuse_unless(ShownAs.MAIL, document)

        async def make(path: Path) -> bytes:
            return msgspec.json.encode(await self._read_mail(document, path))

        return msgspec.json.decode(await self._cached(document, "mail", make), type=MailView)

    async def _cached(self, document: Document, what: str, make: Make) -> bytes:
        key = (document.id, document.content, document.sha256, what)
        async with self._being_made.setdefault(key, asyncio.Lock()):  # concurrent requests for the same wait here
            if (found := self._cache.get(key, now=self._context.clock())) is not None:
                return found
            if (reason := self._reasons.get(key, now=self._context.clock())) is not None:
                raise NotViewable(reason.decode())
            async with self._on_disk(document) as path:
                found = await self._made(key, path, make)
            self._cache.put(key, found, now=self._context.clock())
            return found

    async def _made(self, key: Hashable, path: Path, make: Make) -> bytes:
        try:
            return await make(path)
        except NotViewable as error:
            self._reasons.put(key, str(error).encode(), now=self._context.clock())
            raise

    @asynccontextmanager
    async def _on_disk(self, document: Document) -> AsyncIterator[Path]:
        key = f"{document.id} {document.content} {document.sha256}"
        with not_viewable_unless_read():
            content = await content_of(document, self._context)
            async with self._context.copies.opened(key, content) as path:
                yield path

    async def _read_mail(self, document: Document, path: Path) -> MailView:
        reader, bounds = self._context.mail_reader, self._context.config.mail.bounds
        if reader is None:
            raise Misconfigured("this application cannot read mail: its Context has no mail_reader")
        try:
            async with reader.opened(path, name=document.name, bounds=bounds) as mails:
                if not mails:
                    raise NotViewable("it is no mail that can be read: download it")
                return await self._shown_mail(mails[0])
        except Unreadable as error:
            raise NotViewable(f"it cannot be shown: {error}") from error

    async def _shown_mail(self, mail: ReadMail) -> MailView:
        bodies = {part.file: part for part in mail.parts if part.body and part.file and "/" not in part.where}
        texts = [await self._body(part) for part in bodies.values()]
        whole = "\n\n".join(item.text for item in texts)
        fields = {"from": mail.sender} | {name: mail.metadata.get(name, "") for name in FIELDS}
        return MailView(
            fields={name: value for name, value in fields.items() if value},
            text=whole[:TEXT_CHARS],
            truncated=len(whole) > TEXT_CHARS or any(item.truncated for item in texts),
        )

    async def _body(self, part: ReadPart) -> ShownText:
        if part.text:
            return ShownText(text=part.text)
        return await self._viewer().text(Path(part.file), part.media_type, 1)

    def _viewer(self) -> Viewer:
        if self._context.viewer is None:
            raise Misconfigured("this application shows no documents: its Context has no viewer")
        return self._context.viewer


def _refuse_unless(kind: ShownAs, document: Document) -> None:
    found = shown_as(document.media_type)
    if found is kind:
        return
    if found is None:
        raise NotViewable(f"{document.media_type} is shown by its own program alone: download it")
    raise NotViewable(f"{document.media_type} is shown as {found}, and not as {kind}")
