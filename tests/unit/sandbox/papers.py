"""Small PDFs made on the spot: one string per page."""

from io import BytesIO
from pathlib import Path

from reportlab.pdfgen.canvas import Canvas

from sandbox.reading import Page, Reading


def pdf_of(*pages: str, password: str | None = None) -> bytes:
    """A PDF with one page per text; an empty text gives a blank page."""
    buffer = BytesIO()
    canvas = Canvas(buffer, encrypt=password)
    for text in pages:
        block = canvas.beginText(40, 800)
        block.setFont("Helvetica", 9)
        for line in text.strip().splitlines():
            block.textLine(line)
        canvas.drawText(block)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def a_pdf(folder: Path, *pages: str, name: str = "paper.pdf", password: str | None = None) -> Path:
    """The path of such a PDF, written into `folder`."""
    path = folder / name
    path.write_bytes(pdf_of(*pages, password=password))
    return path


def a_reading(*pages: str, name: str = "paper.pdf") -> Reading:
    """What reading such a PDF gives, without the PDF."""
    return Reading(name, "0" * 64, tuple(Page(number, text.strip()) for number, text in enumerate(pages, 1)))
