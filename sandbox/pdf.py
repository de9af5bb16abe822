"""The pages of a PDF, as text or as pictures, by pdfium."""

import re
import threading
from collections.abc import Collection, Iterator

import pypdfium2
import pypdfium2.raw

from sandbox.unreadable import Unreadable

# pdfium keeps global state: two threads in it at once crash the process, even on two different documents.
_ONE_AT_A_TIME = threading.Lock()

# Where a hyphen ended a line pdfium leaves this character and no line end.
_HYPHEN = re.compile("\ufffe(?=[a-z])")


def pages(
    content: bytes, *, wanted: Collection[int] | None = None, at_most: int | None = None
) -> list[tuple[int, str]]:
    """Number (from 1) and text of each wanted page; the text of a page that is only a picture is empty."""
    with _ONE_AT_A_TIME:
        return list(_texts(content, wanted, at_most))


def _texts(content: bytes, wanted: Collection[int] | None, at_most: int | None) -> Iterator[tuple[int, str]]:
    document = _open(content)
    try:
        for number in _selected(len(document), wanted, at_most):
            yield number, _text(document, number)
    finally:
        document.close()


def _text(document: pypdfium2.PdfDocument, number: int) -> str:
    page = document[number - 1]
    text: str = page.get_textpage().get_text_range()
    return _HYPHEN.sub("", text.replace("\r\n", "\n")).replace("\ufffe", "\n").strip()


def _selected(count: int, wanted: Collection[int] | None, at_most: int | None) -> list[int]:
    numbers = range(1, count + 1) if wanted is None else sorted(n for n in set(wanted) if 1 <= n <= count)
    return list(numbers)[:at_most]


def _open(content: bytes) -> pypdfium2.PdfDocument:
    try:
        return pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        encrypted = error.err_code == pypdfium2.raw.FPDF_ERR_PASSWORD
        cause = "The PDF is encrypted and needs a password." if encrypted else "The PDF is damaged or not a PDF."
        raise Unreadable(cause) from error
