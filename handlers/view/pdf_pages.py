"""The pages of a PDF, rendered by PDFium."""

import math
from io import BytesIO
from pathlib import Path

import pikepdf
import pypdfium2
from PIL import Image
from pypdfium2 import PdfiumError
from pypdfium2.raw import FPDF_ERR_PASSWORD

from handlers.child.loop import ChildRefusal
from handlers.pdf.file import opened_pdf
from handlers.view.page_source import Size, scale_to


class PdfPages:
    """An open PDF, repaired if it was damaged."""

    def __init__(self, path: Path) -> None:
        """Raises ChildRefusal, with the reason, if it cannot be shown."""
        try:
            self._document = pypdfium2.PdfDocument(path)
        except PdfiumError as error:
            if error.err_code == FPDF_ERR_PASSWORD:
                raise ChildRefusal("it is locked with a password") from error
            self._document = pypdfium2.PdfDocument(_repaired(path), autoclose=True)
        self._document.init_forms()  # draws the values of form fields, too
        self.count = len(self._document)
        if not self.count:
            raise ChildRefusal("it has no pages")

    def size(self, page: int) -> Size:
        try:
            wide, high = self._document.get_page_size(page - 1)
        except PdfiumError:
            return 0.0, 0.0
        return (wide, high) if math.isfinite(wide * high) else (0.0, 0.0)

    def picture(self, page: int, width: int) -> Image.Image:
        size = self.size(page)
        if min(size) <= 0:
            raise ChildRefusal(f"page {page} is damaged: it has no size")
        try:
            drawn = self._document[page - 1].render(scale=scale_to(size, width))
        except PdfiumError as error:
            raise ChildRefusal(f"page {page} is damaged, and cannot be drawn") from error
        picture: Image.Image = drawn.to_pil()
        return picture

    def text(self, page: int) -> str:
        try:
            found: str = self._document[page - 1].get_textpage().get_text_range()
        except PdfiumError as error:
            raise ChildRefusal(f"page {page} is damaged, and its text cannot be read") from error
        return found

    def close(self) -> None:
        self._document.close()


def _repaired(path: Path) -> BytesIO:
    """The file as repaired by qpdf, because PDFium cannot read it. Raises ChildRefusal."""
    found, _ = opened_pdf(path)
    repaired = BytesIO()
    with found:
        try:
            found.save(repaired)
        except pikepdf.PikepdfError as error:
            raise ChildRefusal("it is damaged, and cannot be read as a PDF") from error
    repaired.seek(0)
    return repaired
