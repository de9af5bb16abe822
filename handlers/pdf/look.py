"""Whether a page shows nothing but paper: nothing by what is on it, and nothing by its picture.

Only a page of which that is certain is blank. One that holds a picture which cannot be looked at, or a few specks that
could be a word, is not: what becomes of it is for LlamaCloud, or a person, to say.
"""

from io import BytesIO
from typing import Any

import pypdfium2
from PIL import Image, ImageChops, ImageFilter
from pypdfium2 import PdfiumError
from pypdfium2.raw import FPDF_PAGEOBJ_IMAGE

MOST_PIXELS = 4_000_000
"""Of a picture of a page. A page is looked at with 72 dpi, a large one with fewer."""
LEAST_SCALE = 0.2
"""Pixels per point below which a letter can no longer be seen."""
DECODED_PIXELS = 100_000_000
"""Of an image that is decoded to see whether it can be."""
AROUND = 12
"""Pixels around a place that tell what the paper is there: scans have shadows."""
FAINT = 3
"""Levels, of 255, by which ink differs from paper at least, on paper without any noise."""
NOISE = 4
"""How many times as much as nine in ten pixels it must differ on paper with noise."""
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
    if page.get_textpage().get_text_range().strip():
        return False
    things = list(page.get_objects(max_depth=8))
    width, height = page.get_size()
    if min(width, height) < 1:
        return not things
    scale = min(1.0, (MOST_PIXELS / (width * height)) ** 0.5)
    if scale < LEAST_SCALE:
        return not things
    picture = page.render(scale=scale, grayscale=True, may_draw_forms=True).to_pil().convert("L")
    return marks(picture) <= SPECKS and all(map(_can_be_seen, things))


def marks(picture: Image.Image) -> int:
    """Pixels that differ from the paper around them, by more than its noise."""
    differing = ImageChops.difference(picture, picture.filter(ImageFilter.BoxBlur(AROUND))).histogram()
    noise = _ninth_decile(differing)
    return sum(differing[max(FAINT, NOISE * noise) :])


def _ninth_decile(histogram: list[int]) -> int:
    counted, wanted = 0, 0.9 * sum(histogram)
    for level, count in enumerate(histogram):
        counted += count
        if counted >= wanted:
            return level
    return 0


def _can_be_seen(thing: Any) -> bool:
    """Whether an image can be decoded: one that cannot looks like paper."""
    if thing.type != FPDF_PAGEOBJ_IMAGE:
        return True
    width, height = thing.get_px_size()
    if width * height > DECODED_PIXELS:
        return False
    try:
        thing.get_bitmap().close()
    except PdfiumError:
        return False
    return True
