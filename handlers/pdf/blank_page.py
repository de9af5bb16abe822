"""Decides whether a page is blank: by its contents, and by its rendered picture.

A page is blank only if that is certain. A page with a picture that cannot be decoded, or with a few specks that could
be a word, is not: LlamaCloud or a person decides about it.
"""

from io import BytesIO
from typing import Any

import pypdfium2
from PIL import Image, ImageChops, ImageFilter
from pypdfium2 import PdfiumError
from pypdfium2.raw import FPDF_PAGEOBJ_IMAGE, FPDF_PAGEOBJ_TEXT

MOST_PIXELS = 4_000_000
"""Of a picture of a page. A page is looked at with 72 dpi, a large one with fewer."""
LEAST_SCALE = 0.2
"""Pixels per point below which a letter can no longer be seen."""
DECODED_PIXELS = 100_000_000
"""Maximum pixels of an image that is decoded to see whether it can be."""
AROUND = 12
"""Pixels around a place that tell what the paper is there: scans have shadows."""
FAINT = 3
"""Levels, of 255, by which ink differs from paper at least, on paper without any noise."""
NOISE = 4
"""How many times as much as nine in ten pixels it must differ on paper with noise."""
NOISIEST = 8
"""Levels by which nine in ten pixels of paper differ at most: what differs more is a picture."""
DARK = 128
"""Levels below which it is no paper: a dark sheet may be the back of something, or a lid that was open."""
SHADOW = 64
"""Levels between the darkest and the lightest place of a sheet at most."""
SPECKS = 8
"""Pixels that may differ all the same: fewer than the smallest letter has."""


def shows_nothing(page: BytesIO) -> bool:
    """Whether the one page of this PDF is certainly blank."""
    document = pypdfium2.PdfDocument(page.getvalue(), autoclose=True)
    try:
        document.init_forms()  # what is typed into fields is drawn, too
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
    """Whether this picture shows only paper: light, evenly lit, with hardly a pixel beyond its noise."""
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
    """Whether it can be read: a text without letters, or an image that cannot be decoded, looks like paper, too."""
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
