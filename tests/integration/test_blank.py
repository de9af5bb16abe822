"""A page is blank when nothing is on it, by content and by picture; everything else is for somebody to look at."""

import random
from collections.abc import Callable
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pikepdf import Array, Dictionary, Name, String
from PIL import Image, ImageDraw

from handlers.pdf.blank_page import is_paper
from handlers.pdf.source import SourcePdf

A4 = (595, 842)
Draw = Callable[[pikepdf.Pdf, Any], None]


def is_blank(folder: Path, draw: Draw, size: tuple[float, float] = A4) -> bool:
    """Whether a page with this on it is blank, in a packet with another page."""
    with pikepdf.new() as pdf:
        page = pdf.add_blank_page()
        page.obj.MediaBox = Array([0, 0, *size])
        draw(pdf, page.obj)
        pdf.add_blank_page()
        pdf.save(folder / "packet.pdf")
    source = SourcePdf(folder / "packet.pdf")
    try:
        assert source.is_blank(2)
        return source.is_blank(1)
    finally:
        source.close()


def written(content: str) -> Draw:
    def draw(pdf: pikepdf.Pdf, page: Any) -> None:
        font = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)
        page.Resources = Dictionary(Font=Dictionary(F=pdf.make_indirect(font)))
        page.Contents = pdf.make_stream(content.encode())

    return draw


def scanned(picture: Image.Image, **entries: Any) -> Draw:
    """The page as a scanner makes it: one grey picture over all of it."""

    def draw(pdf: pikepdf.Pdf, page: Any) -> None:
        jpeg = BytesIO()
        picture.save(jpeg, "JPEG", quality=90)
        image = pdf.make_stream(
            jpeg.getvalue(), Type=Name.XObject, Subtype=Name.Image, Width=picture.width, Height=picture.height,
            BitsPerComponent=8, ColorSpace=Name.DeviceGray, Filter=Name.DCTDecode, **entries,
        )  # fmt: skip
        page.Resources = Dictionary(XObject=Dictionary(Im=image))
        page.Contents = pdf.make_stream(b"q 595 0 0 842 0 0 cm /Im Do Q")

    return draw


def sheet(noise: int = 0, paper: int = 236, shadow: int = 0) -> Image.Image:
    """Paper on a scanner's glass, at 150 dpi."""
    chance = random.Random(1)
    width, height = 1240, 1754
    picture = Image.new("L", (width, height), paper)
    if noise or shadow:
        grain = [int(chance.gauss(0, noise)) for _ in range(10_007)]
        picture.putdata([
            max(0, min(255, paper - shadow * (at % width) // width + grain[(at * 7919) % 10_007]))
            for at in range(width * height)
        ])  # fmt: skip
    return picture


@cache
def looked_at(noise: int) -> Image.Image:
    """A sheet as it is looked at, with 72 dpi."""
    return sheet(noise).resize(A4)


def with_words(picture: Image.Image, ink: int) -> Image.Image:
    drawn = ImageDraw.Draw(picture)
    for line in range(3):
        drawn.text((200, 200 + 40 * line), "We hereby cancel contract 4711", fill=ink, font_size=24)
    return picture


def photographed() -> Image.Image:
    """A picture in which nearly every place differs from those around it."""
    picture = sheet()
    drawn = ImageDraw.Draw(picture)
    for at in range(0, 1754, 8):
        drawn.rectangle((0, at, 1240, at + 4), fill=60 + (at * 7) % 160)
    return picture


def typed(**entries: Any) -> Draw:
    """A form field without any look of its own."""

    def draw(pdf: pikepdf.Pdf, page: Any) -> None:
        field = pdf.make_indirect(
            Dictionary(Type=Name.Annot, Subtype=Name.Widget, FT=Name.Tx, T=String("line"), F=4,
                       Rect=Array([50, 700, 500, 720]), DA=String("/Helv 12 Tf 0 g"), **entries)
        )  # fmt: skip
        font = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)
        page.Annots = Array([field])
        pdf.Root.AcroForm = Dictionary(
            Fields=Array([field]), NeedAppearances=True, DA=String("/Helv 12 Tf 0 g"),
            DR=Dictionary(Font=Dictionary(Helv=pdf.make_indirect(font))),
        )  # fmt: skip

    return draw


def noted(subtype: Any) -> Draw:
    def draw(pdf: pikepdf.Pdf, page: Any) -> None:
        page.Annots = Array([Dictionary(Type=Name.Annot, Subtype=subtype, Rect=Array([50, 50, 70, 70]))])

    return draw


def stamped(pdf: pikepdf.Pdf, page: Any) -> None:
    """Twenty pixels, as small as pixels are drawn."""
    image = pdf.make_stream(
        bytes(20), Type=Name.XObject, Subtype=Name.Image, Width=5, Height=4, BitsPerComponent=8,
        ColorSpace=Name.DeviceGray,
    )  # fmt: skip
    page.Resources = Dictionary(XObject=Dictionary(Im=image))
    page.Contents = pdf.make_stream(b"q 5 0 0 4 300 400 cm /Im Do Q")


def broken(pdf: pikepdf.Pdf, page: Any) -> None:
    """A picture that nobody can decode shows nothing, and may be anything."""
    scanned(sheet(), Broken=True)(pdf, page)
    page.Resources.XObject.Im.write(b"\xff\xd8 no picture", filter=Name.DCTDecode)


def nothing(pdf: pikepdf.Pdf, page: Any) -> None:
    """An empty page."""


WRITTEN: dict[str, Draw] = {
    "a letter": written("BT /F 12 Tf 72 700 Td (x) Tj ET"),
    "white on white": written("1 g BT /F 12 Tf 72 700 Td (for who copies it) Tj ET"),
    "invisible, over a scan": written("BT 3 Tr /F 12 Tf 72 700 Td (read by a scanner) Tj ET"),
    "pale print": written("0.83 g 72 690 200 12 re f"),
    "a ruled line": written("0.3 w 72 400 m 500 400 l S"),
    "a stamp of twenty pixels": stamped,
    "a typed field": typed(V=String("We hereby cancel contract 4711")),
    "a chosen field": typed(V=Name.Yes),
    "a note": noted(Name.Text),
    "a stamp": noted(Name.Stamp),
    "a scan": scanned(with_words(sheet(), 40)),
    "a scan with grain": scanned(with_words(sheet(noise=4, shadow=30), 40)),
    "a pale scan": scanned(with_words(sheet(), 212)),
    "a pale scan with grain": scanned(with_words(sheet(noise=2, shadow=20), 190)),
    "a photograph": scanned(photographed()),
    "a slow change of colour": scanned(sheet(shadow=150)),
    "a dark sheet": written("0.1 g 0 0 595 842 re f"),
    "half a sheet": written("0.6 g 0 0 595 421 re f"),
    "a broken picture": broken,
}
BLANK: dict[str, Draw] = {
    "nothing": nothing,
    "a space": written("BT /F 12 Tf 72 700 Td (   ) Tj ET"),
    "white paint": written("1 g 0 0 595 842 re f"),
    "coloured paper": written("1 1 0 rg 0 0 595 842 re f"),
    "scanned paper": scanned(sheet()),
    "scanned paper with grain": scanned(sheet(noise=4)),
    "scanned paper with a shadow": scanned(sheet(noise=3, shadow=40)),
    "a field that nobody filled in": typed(),
    "a link": noted(Name.Link),
}


@pytest.mark.parametrize("draw", WRITTEN.values(), ids=WRITTEN)
def test_a_page_with_something_on_it_is_not_blank(draw: Draw, tmp_path: Path) -> None:
    assert not is_blank(tmp_path, draw)


@pytest.mark.parametrize("draw", BLANK.values(), ids=BLANK)
def test_a_page_with_nothing_on_it_is_blank(draw: Draw, tmp_path: Path) -> None:
    assert is_blank(tmp_path, draw)


@settings(max_examples=25)
@given(st.integers(3, 590), st.integers(3, 830), st.integers(0, 200), st.integers(0, 3))
def test_whatever_is_large_enough_and_dark_enough_is_seen(width: int, height: int, ink: int, noise: int) -> None:
    picture = looked_at(noise).copy()
    assert is_paper(picture)
    ImageDraw.Draw(picture).rectangle((2, 2, width + 1, height + 1), fill=ink)
    assert not is_paper(picture)


@pytest.mark.parametrize("size", [(100_000, 842), (190_000, 190_000), (0.4, 842), (0, 0)], ids=str)
def test_a_page_of_any_size_is_looked_at_in_little_memory(size: tuple[float, float], tmp_path: Path) -> None:
    assert is_blank(tmp_path, nothing, size)
    assert not is_blank(tmp_path, written("0 g 0 0 1 1 re f"), size)
