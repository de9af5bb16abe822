"""Sets a document in type: the same story gives the same bytes, on any machine.

Three things would make the bytes depend on the day or the machine, and are switched off: the clock and the random
file id (reportlab's invariant mode), and compression (every zlib has its own opinion). Only the fourteen fonts that
every PDF reader has are used, so no font file is needed either.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from reportlab.lib import pagesizes, units
from reportlab.lib.colors import Color, HexColor
from reportlab.lib.enums import TA_CENTER, TA_JUSTIFY, TA_LEFT, TA_RIGHT
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    Frame,
    KeepTogether,
    PageBreak,
    PageTemplate,
    Paragraph,
    Spacer,
    Table,
    TableStyle,
)

__all__ = [
    "A4",
    "INK",
    "LETTER",
    "KeepTogether",
    "Leaf",
    "PageBreak",
    "Signature",
    "Spacer",
    "grid",
    "hue",
    "mm",
    "open_canvas",
    "sign",
    "text",
    "typeset",
]

Story = Callable[[], list[Any]]

ALIGN = {"left": TA_LEFT, "right": TA_RIGHT, "center": TA_CENTER, "justify": TA_JUSTIFY}
# All lengths of reportlab are in points; it publishes no types.
A4: tuple[float, float] = pagesizes.A4
LETTER: tuple[float, float] = pagesizes.LETTER
mm: float = units.mm

INK = HexColor("#1d1d1f")


@dataclass(frozen=True)
class Leaf:
    """One page as its header and footer see it: its number, how many there are, and its size in points."""

    number: int
    of: int
    width: float
    height: float


def hue(code: str) -> Color:
    """A colour, from its `#rrggbb` code."""
    return HexColor(code)


def text(
    words: str,
    size: float = 9.5,
    *,
    font: str = "Helvetica",
    color: Color = INK,
    align: str = "left",
    before: float = 0,
    after: float = 0,
    leading: float = 0,
    indent: float = 0,
    heads: bool = False,
) -> Any:
    """A paragraph; `words` may carry reportlab's small markup (`<b>`, `<i>`, `<br/>`).

    One that `heads` what follows is never left alone at the foot of a page.
    """
    style = ParagraphStyle(
        "body",
        fontName=font,
        fontSize=size,
        leading=leading or size * 1.35,
        textColor=color,
        alignment=ALIGN[align],
        spaceBefore=before,
        spaceAfter=after,
        leftIndent=indent,
        keepWithNext=heads,
    )
    return Paragraph(words, style)


def grid(
    rows: Sequence[Sequence[Any]],
    widths: Sequence[float],
    *looks: tuple[Any, ...],
    repeat: int = 0,
    align: str = "LEFT",
) -> Any:
    """A table with columns of `widths` millimetres; `looks` are reportlab's table style commands."""
    table = Table([list(row) for row in rows], colWidths=[w * mm for w in widths], repeatRows=repeat, hAlign=align)
    plain: list[tuple[Any, ...]] = [("VALIGN", (0, 0), (-1, -1), "TOP"), ("TEXTCOLOR", (0, 0), (-1, -1), INK)]
    table.setStyle(TableStyle([*plain, *looks]))
    return table


def typeset(
    story: Story,
    *,
    title: str,
    author: str,
    size: tuple[float, float] = A4,
    margins: tuple[float, float, float, float] = (20, 20, 20, 20),
    furniture: Callable[[Canvas, Leaf], None] | None = None,
) -> bytes:
    """The PDF of a story; `margins` are top, right, bottom, left in millimetres.

    `furniture` draws what stands on each page beside the story. It may say "page 2 of 3", which is known only once
    all is set, so the story is set twice.
    """
    pages = len_of(_set(story, title, author, size, margins, furniture, 0))
    return _set(story, title, author, size, margins, furniture, pages)


def len_of(pdf: bytes) -> int:
    """The number of pages of a PDF that `typeset` made."""
    return pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page ")


def _set(story: Story, title: str, author: str, size: Any, margins: Any, furniture: Any, pages: int) -> bytes:
    buffer = BytesIO()
    top, right, bottom, left = (m * mm for m in margins)
    width, height = size

    def on_page(canvas: Canvas, _document: Any) -> None:
        if furniture:
            canvas.saveState()
            furniture(canvas, Leaf(canvas.getPageNumber(), pages, width, height))
            canvas.restoreState()

    body = Frame(left, bottom, width - left - right, height - top - bottom, 0, 0, 0, 0)
    document = BaseDocTemplate(buffer, pagesize=size, title=title, author=author, pageCompression=0, invariant=1)
    document.addPageTemplates(PageTemplate(frames=[body], onPage=on_page, pagesize=size))
    document.build(story())
    return buffer.getvalue()


def open_canvas(size: tuple[float, float], title: str, author: str) -> tuple[Canvas, BytesIO]:
    """A bare canvas and the buffer it saves into, for pages that are drawn rather than set."""
    buffer = BytesIO()
    canvas = Canvas(buffer, pagesize=size, pageCompression=0, invariant=1)
    canvas.setTitle(title)
    canvas.setAuthor(author)
    return canvas, buffer


def sign(canvas: Canvas, x: float, y: float, strokes: str, scale: float = 1.0) -> None:
    """Draws a scrawl in ballpoint blue; each letter of `strokes` bends the pen another way."""
    canvas.saveState()
    canvas.setStrokeColor(hue("#1f3a8a"))
    canvas.setLineWidth(0.9 * scale)
    path = canvas.beginPath()
    path.moveTo(x, y)
    for step, letter in enumerate(strokes.lower()):
        bend = (ord(letter) - 96) / 26
        width, rise = (5 + 7 * bend) * scale, (4 + 12 * (1 - bend)) * scale
        sign_of = 1 if step % 2 == 0 else -0.45
        path.curveTo(x + width * 0.2, y + rise * sign_of, x + width * 0.9, y + rise * sign_of * 1.1, x + width * 0.8, y)
        x += width * 0.8
    path.curveTo(x + 10 * scale, y + 3 * scale, x + 24 * scale, y - 4 * scale, x + 46 * scale, y + 3 * scale)
    canvas.drawPath(path)
    canvas.restoreState()


class Signature(Spacer):  # type: ignore[misc]  # reportlab publishes no types
    """A scrawl as a piece of a story."""

    def __init__(self, strokes: str, scale: float = 1.3) -> None:
        super().__init__(60 * mm, 16 * mm)
        self.strokes, self.scale = strokes, scale

    def draw(self) -> None:
        """Called by reportlab once the place on the page is known."""
        sign(self.canv, 2 * mm, 4 * mm, self.strokes, self.scale)
