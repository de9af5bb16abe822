"""What a file holds, decided by its content and not by its name. Runs in the reader's child only (``child``).

Each format's module is imported when the first such file comes: a child that reads PDFs never loads the others.
"""

from collections.abc import Callable, Collection
from pathlib import Path

from llamacloud_sandbox.unreadable import Unreadable

HEAD_BYTES = 16 * 1024
PDF_WITHIN = 1024  # some PDFs begin with a few bytes of something else
_PICTURES = (b"\x89PNG\r\n", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"GIF8", b"BM")

Pages = list[str]
Numbered = list[tuple[int, str]]


def read_pages(path: Path, wanted: Collection[int] | None, at_most: int | None) -> Numbered:
    """Number (from 1) and text of the wanted pages, in the order wanted; a page that is only a picture has no text.

    Raises `Unreadable` when the file gives no pages, with a text fit for a job's `error_message`.
    """
    what = kind(path)
    if what == "pdf":
        from llamacloud_sandbox.formats import pdf

        return pdf.texts(path, wanted=wanted, at_most=at_most)
    pages = dict(enumerate(_READERS[what](path), start=1))
    return [(number, pages[number]) for number in (pages if wanted is None else wanted) if number in pages][:at_most]


def scan(path: Path, number: int | None) -> Pages:
    """What tesseract recognises: on page `number` of a PDF, or on all pages of a picture file. Raises `Unreadable`."""
    from llamacloud_sandbox.formats import ocr, pdf

    if number is None:
        return ocr.recognised(path.read_bytes())
    return ["\n".join(ocr.recognised(pdf.picture(path, number, dots_per_inch=ocr.DOTS_PER_INCH)))]


def kind(path: Path) -> str:
    """What the file is: `pdf` and `picture` may hold scans. A mail with a PDF in it is a mail."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    for beginning, name in _BEGINNINGS.items():
        if head.startswith(beginning):
            return name
    if head.startswith(_PICTURES) or head[8:12] == b"WEBP":
        return "picture"
    return "pdf" if b"%PDF-" in head[:PDF_WITHIN] and not _is_mail(head) else "text"


def _is_mail(head: bytes) -> bool:
    from llamacloud_sandbox.formats import texts

    return texts.is_mail(head)


def _office(path: Path) -> Pages:
    from llamacloud_sandbox.formats import office

    return office.pages(path)


def _ole(path: Path) -> Pages:
    from llamacloud_sandbox.formats import ole

    return ole.pages(path)


def _rtf(path: Path) -> Pages:
    from llamacloud_sandbox.formats import rtf

    return rtf.pages(path)


def _text(path: Path) -> Pages:
    from llamacloud_sandbox.formats import texts

    content = path.read_bytes()
    if not content.strip():
        raise Unreadable("The file is empty.")
    if texts.is_html(content):
        return texts.html(content)
    return texts.mail(content) if texts.is_mail(content) else texts.plain(content)


_BEGINNINGS = {b"%PDF-": "pdf", b"PK\x03\x04": "office", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "ole", b"{\\rtf": "rtf"}
_READERS: dict[str, Callable[[Path], Pages]] = {
    "office": _office,
    "ole": _ole,
    "rtf": _rtf,
    "picture": lambda _: [""],
    "text": _text,
}
