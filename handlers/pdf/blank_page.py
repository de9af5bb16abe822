"""Decides whether a page is blank, by its contents and its rendered image.

A page is blank only if that is certain. A page with an image that cannot be decoded, or with specks that could be a
word, is not blank: LlamaCloud or a person decides about it.
"""

from io import BytesIO
from typing import Any

import pypdfium2
from PIL import Image, ImageChops, ImageFilter
from pypdfium2 import PdfiumError
from pypdfium2.raw import FPDF_PAGEOBJ_IMAGE, FPDF_PAGEOBJ_TEXT

MOST_PIXELS = 4_000_000
"""Maximum size of a page's rendered image. Pages are rendered at 72 dpi, large ones at less."""
LEAST_SCALE = 0.2
"""Pixels per point below which letters can no longer be seen."""
DECODED_PIXELS = 100_000_000
"""Maximum pixels of an image that is decoded to check that it can be decoded."""
AROUND = 12
"""Radius in pixels in which the local brightness of the paper is measured: scans have shadows."""
FAINT = 3
"""Minimum difference of ink from noiseless paper, in levels of 255."""
NOISE = 4
"""On noisy paper, ink differs at least by so many times the ninth decile of the differences."""
NOISIEST = 8
"""Maximum ninth decile, in levels, of the differences on paper. An image with a greater one is a picture."""
DARK = 128
"""Darkest level of paper. A darker sheet may be a cover, or a scan with an open lid."""
SHADOW = 64
"""Maximum difference, in levels, between the darkest and the lightest place of a sheet."""
SPECKS = 8
"""Pixels that may differ nevertheless: fewer than in the smallest letter."""


def shows_nothing(page: BytesIO) -> bool:
    """Whether the one page of this PDF is certainly blank."""
    document = pypdfium2.PdfDocument(page.getvalue(), autoclose=True)
    try:
        document.init_forms()  # draws the values of form fields, too
        return _shows_nothing(document[0])
    finally:
        document.close()


def _shows_nothing(page: Any) -> bool:
    text = page.get_textpage()
    if text.get_text_range().strip():
        return False
    things = list(page.get_objects(max_depth=8, textpage=text))
    width, height = page.get_size()
    if min(width, height) < 1:
        return not things
    scale = min(1.0, (MOST_PIXELS / (width * height)) ** 0.5)
    if scale < LEAST_SCALE:
        return not things
    picture = page.render(scale=scale, grayscale=True, may_draw_forms=True).to_pil().convert("L")
    return is_paper(picture) and all(map(_can_be_seen, things))


def is_paper(picture: Image.Image) -> bool:
    """Whether this image shows only paper: light, evenly lit, and with hardly a pixel beyond its noise."""
    paper = picture.filter(ImageFilter.BoxBlur(AROUND))
    levels = [level for level, count in enumerate(paper.histogram()) if count]
    differing = ImageChops.difference(picture, paper).histogram()
    noise = _ninth_decile(differing)
    if levels[0] < DARK or levels[-1] - levels[0] > SHADOW or noise > NOISIEST:
        return False
    return sum(differing[max(FAINT, NOISE * noise) :]) <= SPECKS


def _ninth_decile(histogram: list[int]) -> int:
    counted, wanted = 0, 0.9 * sum(histogram)
    for level, count in enumerate(histogram):
        counted += count
        if counted >= wanted:
            return level
    return 0


def _can_be_seen(thing: Any) -> bool:
    """Whether it is certain what it shows: text without glyphs and images that cannot be decoded look like paper,
    too."""
    if thing.type == FPDF_PAGEOBJ_TEXT:
        return bool(thing.extract())
    if thing.type != FPDF_PAGEOBJ_IMAGE:
        return True
    width, height = thing.get_px_size()
    if width * height > DECODED_PIXELS:
        return False
    try:
        thing.get_bitmap()
    except PdfiumError:
        return False
    return True
