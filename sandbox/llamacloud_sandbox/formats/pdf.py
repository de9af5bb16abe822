"""The pages of a PDF, as text and as pictures, by pdfium."""

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import pypdfium2
import pypdfium2.raw

from llamacloud_sandbox.unreadable import Unreadable

# Where a hyphen ended a line pdfium leaves this character and no line end.
_HYPHEN = re.compile("\ufffe(?=[a-z])")
_POINTS_PER_INCH = 72
MOST_PIXELS = 64_000_000  # more than A0 has at 200 dots per inch


def texts(path: Path, *, wanted: Collection[int] | None, at_most: int | None) -> list[tuple[int, str]]:
    """Number (from 1) and text of each wanted page; the text of a page that is only a picture is empty."""
    with _opened(path) as document:
        numbers = islice(_selected(len(document), wanted), at_most)
        return [(number, _text(document, number)) for number in numbers]


def picture(path: Path, number: int, *, dots_per_inch: int) -> bytes:
    """One page as a grey picture in PGM, a format that needs no library to write."""
    with _opened(path) as document:
        page, scale = _page(document, number), dots_per_inch / _POINTS_PER_INCH
        if not page.get_width() * page.get_height() * scale**2 <= MOST_PIXELS:  # so that NaN is too large as well
            raise Unreadable(f"Page {number} of the PDF is too large to be drawn.")
        bitmap = page.render(scale=scale, grayscale=True)
        pixels, width, height, stride = bytes(bitmap.buffer), bitmap.width, bitmap.height, bitmap.stride
    rows = b"".join(pixels[row * stride : row * stride + width] for row in range(height))
    return b"P5\n%d %d\n255\n" % (width, height) + rows


@contextmanager
def _opened(path: Path) -> Iterator[pypdfium2.PdfDocument]:
    document = _open(path)
    try:
        yield document
    finally:
        document.close()


def _open(path: Path) -> pypdfium2.PdfDocument:
    try:
        return pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        encrypted = error.err_code == pypdfium2.raw.FPDF_ERR_PASSWORD
        cause = "The PDF is encrypted and needs a password." if encrypted else "The PDF is damaged and can't be opened."
        raise Unreadable(cause) from error


def _selected(count: int, wanted: Collection[int] | None) -> list[int]:
    """In the order in which they were asked for, as the vendor takes them (release notes of SDK 2.17.0)."""
    return [number for number in (range(1, count + 1) if wanted is None else wanted) if 1 <= number <= count]


def _text(document: pypdfium2.PdfDocument, number: int) -> str:
    text: str = _page(document, number).get_textpage().get_text_range()
    return _HYPHEN.sub("", text.replace("\r\n", "\n")).replace("\ufffe", "\n").strip()


def _page(document: pypdfium2.PdfDocument, number: int) -> pypdfium2.PdfPage:
    try:
        return document[number - 1]
    except pypdfium2.PdfiumError as error:
        raise Unreadable(f"Page {number} of the PDF is damaged and can't be read.") from error
