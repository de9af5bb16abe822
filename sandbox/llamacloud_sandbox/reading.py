"""A file's text, page by page: what the judge gets to see.

What a file is, is decided by its content; its name is only carried along.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from llamacloud_sandbox import docx, ocr, pdf, texts
from llamacloud_sandbox.unreadable import Unreadable

__all__ = ["Page", "Reading", "Unreadable", "read"]

_PICTURES = (b"\x89PNG\r\n", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"GIF8", b"BM")
_REFUSED = {
    b"\xd0\xcf\x11\xe0": "an old Office file (.doc, .xls, .ppt): save it as DOCX or PDF",
    b"{\\rtf": "RTF: save it as DOCX or PDF",
    b"PK\x03\x04": "a ZIP archive or an Office file other than DOCX",
}


@dataclass(frozen=True)
class Page:
    """One page: its number in the file (from 1) and its text, empty for a scan that was not recognised."""

    number: int
    text: str


@dataclass(frozen=True)
class Reading:
    """A file as read: its name, the SHA-256 of its bytes (hex), and the pages that were asked for."""

    name: str
    sha256: str
    pages: tuple[Page, ...]


def read(
    path: Path, name: str, *, ocr: bool = False, pages: Collection[int] | None = None, max_pages: int | None = None
) -> Reading:
    """The text of the file at `path`; of its first `max_pages` or of the numbered `pages` only, when given.

    A page that is a picture has text only with `ocr`. Raises `Unreadable` when nothing can be read, with a text fit
    for a job's `error_message`.
    """
    content = path.read_bytes()
    if b"%PDF-" in content[:1024]:
        found = _pdf(content, pages, max_pages, recognise=ocr)
    else:
        numbered = dict(enumerate(_pages(content, recognise=ocr), start=1))
        wanted = numbered if pages is None else pages
        found = [(number, numbered[number]) for number in wanted if number in numbered][:max_pages]
    return Reading(name, hashlib.sha256(content).hexdigest(), tuple(Page(*page) for page in found))


def _pdf(
    content: bytes, wanted: Collection[int] | None, at_most: int | None, *, recognise: bool
) -> list[tuple[int, str]]:
    found = pdf.texts(content, wanted=wanted, at_most=at_most)
    scans = [number for number, text in found if not any(letter.isalnum() for letter in text)] if recognise else []
    draw = [partial(pdf.picture, content, number, dots_per_inch=ocr.DOTS_PER_INCH) for number in scans]
    seen = dict(zip(scans, ocr.recognised_together(draw), strict=True)) if scans else {}
    return [(number, seen.get(number, text)) for number, text in found]


def _pages(content: bytes, *, recognise: bool) -> list[str]:
    if not content.strip():
        raise Unreadable("The file is empty.")
    if content.startswith(_PICTURES) or content[8:12] == b"WEBP":
        return ocr.recognised(content) if recognise else [""]
    if docx.is_docx(content):
        return docx.pages(content)
    for beginning, kind in _REFUSED.items():
        if content.startswith(beginning):
            raise Unreadable(f"The file type is not supported: {kind}.")
    if texts.is_html(content):
        return texts.html(content)
    return texts.mail(content) if texts.is_mail(content) else texts.plain(content)
