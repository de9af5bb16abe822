"""Packets: several letters in one PDF, as a mail room's scanner leaves them, with the truth about their pages.

One packet keeps its text; the other is only pictures, slightly crooked, for whoever wants to try OCR.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import pikepdf
import pypdfium2
from PIL import Image

from llamacloud_sandbox.sample_mail.paper import A4, LETTER, open_canvas

SCAN_DPI = 120
JPEG_QUALITY = 40
PAPER_GREY = 247
# Degrees by which each sheet lay askew on the glass.
TILTS = (0.5, -0.3, 0.2, -0.6, 0.4, 0.0)


@dataclass(frozen=True)
class Piece:
    """One document inside a packet: the sample it is, and the category a splitter should give it."""

    name: str
    category: str
    make: Callable[[], bytes]


def _blank_page() -> bytes:
    canvas, buffer = open_canvas(A4, "Separator sheet", "Mail room")
    canvas.showPage()
    canvas.save()
    return buffer.getvalue()


BLANK = Piece("", "blank", _blank_page)


def packet(pieces: Sequence[Piece]) -> tuple[bytes, dict[str, Any]]:
    """The pieces in one PDF, and the truth about it as its JSON tells it. Form fields become part of the page."""
    truth, first = [], 1
    with pikepdf.new() as whole:
        for piece in pieces:
            with pikepdf.open(BytesIO(piece.make())) as part:
                part.generate_appearance_streams()
                part.flatten_annotations("all")
                if "/AcroForm" in part.Root:
                    del part.Root.AcroForm
                whole.pages.extend(part.pages)
                pages = list(range(first, first + len(part.pages)))
            truth.append({"pages": pages, "category": piece.category, "sample": piece.name or None})
            first += len(pages)
        buffer = BytesIO()
        whole.save(buffer, static_id=True, compress_streams=False, object_stream_mode=pikepdf.ObjectStreamMode.disable)
    return buffer.getvalue(), {"pages": first - 1, "pieces": truth}


def truth_file(name: str, about: str, truth: dict[str, Any]) -> bytes:
    """The JSON that lies beside a packet."""
    return (json.dumps({"packet": name, "about": about, **truth}, indent=2) + "\n").encode()


def scan(pdf: bytes) -> bytes:
    """The same pages as greyscale JPEGs on sheets of paper, without any text.

    The pictures depend on the versions of the renderer and of the JPEG writer; all else here is the same everywhere.
    """
    document = pypdfium2.PdfDocument(pdf)
    sheets = [_photograph(document[at], TILTS[at % len(TILTS)]) for at in range(len(document))]
    with pikepdf.new() as whole:
        for sheet in sheets:
            _add_picture(whole, sheet)
        buffer = BytesIO()
        whole.save(buffer, static_id=True, compress_streams=False, object_stream_mode=pikepdf.ObjectStreamMode.disable)
    return buffer.getvalue()


def _photograph(page: Any, tilt: float) -> Image.Image:
    """The page on the scanner's glass: narrow slips lie at the top of a full sheet, and everything a little askew."""
    picture = page.render(scale=SCAN_DPI / 72, grayscale=True).to_pil().convert("L")
    sheet_size = LETTER if abs(page.get_width() - LETTER[0]) < 1 else A4
    sheet = Image.new("L", [round(side * SCAN_DPI / 72) for side in sheet_size], PAPER_GREY)
    picture = picture.point([level * PAPER_GREY // 255 for level in range(256)])
    sheet.paste(picture, ((sheet.width - picture.width) // 2, 0))
    return sheet.rotate(tilt, Image.Resampling.BICUBIC, fillcolor=PAPER_GREY)


def _add_picture(whole: pikepdf.Pdf, sheet: Image.Image) -> None:
    jpeg = BytesIO()
    sheet.save(jpeg, "JPEG", quality=JPEG_QUALITY, dpi=(SCAN_DPI, SCAN_DPI))
    width, height = (round(side * 72 / SCAN_DPI, 2) for side in sheet.size)
    page = whole.add_blank_page(page_size=(width, height))
    image = pikepdf.Stream(whole, jpeg.getvalue(), Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Image)
    image.Width, image.Height, image.BitsPerComponent = sheet.width, sheet.height, 8
    image.ColorSpace, image.Filter = pikepdf.Name.DeviceGray, pikepdf.Name.DCTDecode
    page.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Sheet=image))
    page.Contents = pikepdf.Stream(whole, f"q {width} 0 0 {height} 0 0 cm /Sheet Do Q".encode())
