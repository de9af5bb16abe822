"""Small PDFs made on the spot: one string per page."""

from io import BytesIO
from pathlib import Path

from reportlab.lib.pagesizes import A4
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas
from reportlab.pdfgen.textobject import PDFTextObject

from llamacloud_sandbox.reading import Page, Reading


def pdf_of(*pages: str | bytes, password: str | None = None) -> bytes:
    """A PDF with one page per text or picture; an empty text gives a blank page."""
    buffer = BytesIO()
    canvas = Canvas(buffer, encrypt=password)
    for page in pages:
        if isinstance(page, bytes):
            canvas.drawImage(ImageReader(BytesIO(page)), 0, 0, *A4)
        else:
            canvas.drawText(_lines(canvas, page))
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def _lines(canvas: Canvas, text: str) -> PDFTextObject:
    block = canvas.beginText(40, 800)
    block.setFont("Helvetica", 9)
    for line in text.strip().splitlines():
        block.textLine(line)
    return block


def a_pdf(folder: Path, *pages: str, name: str = "paper.pdf", password: str | None = None) -> Path:
    """The path of such a PDF, written into `folder`."""
    path = folder / name
    path.write_bytes(pdf_of(*pages, password=password))
    return path


def a_reading(*pages: str, name: str = "paper.pdf") -> Reading:
    """What reading such a PDF gives, without the PDF."""
    return Reading(name, "0" * 64, tuple(Page(number, text.strip()) for number, text in enumerate(pages, 1)))
