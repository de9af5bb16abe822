"""An image as a document: one page, or several for a TIFF (a fax, a scan)."""

from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

from handlers.child.loop import ChildRefusal
from handlers.view.page_source import Size, scale_to

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF")
SOURCE_PIXELS = 120_000_000
"""Maximum pixels of an image that is decoded: A4 at 1,200 dpi. Pillow's own limit is lower."""
_TURNED = frozenset({5, 6, 7, 8})
"""EXIF orientations in which width and height change places. Source: CIPA DC-008 (EXIF), tag 0x0112."""
_ORIENTATION = 0x0112
_BROKEN = (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError)
"""What Pillow raises for invalid images."""

Image.MAX_IMAGE_PIXELS = None  # SOURCE_PIXELS is checked here


class ImagePages:
    """An open image. An animation (GIF, WebP) is one page: its first frame."""

    def __init__(self, path: Path) -> None:
        """Raises ChildRefusal, with the reason, if it cannot be shown."""
        try:
            self._image = Image.open(path, formats=FORMATS)
            several = self._image.format == "TIFF"
            self.count = int(getattr(self._image, "n_frames", 1)) if several else 1
        except UnidentifiedImageError as error:
            raise ChildRefusal("it is damaged, and cannot be read as an image") from error
        except _BROKEN as error:
            raise ChildRefusal(f"it is damaged: {error}"[:200]) from error

    def size(self, page: int) -> Size:
        try:
            image = self._at(page)
            wide, high = image.size
            turned = image.getexif().get(_ORIENTATION) in _TURNED
        except (ChildRefusal, *_BROKEN):
            return 0.0, 0.0
        return (float(high), float(wide)) if turned else (float(wide), float(high))

    def picture(self, page: int, width: int) -> Image.Image:
        image = self._at(page)
        if image.width * image.height > SOURCE_PIXELS:
            raise ChildRefusal(f"it has {image.width} x {image.height} pixels; {SOURCE_PIXELS} can be shown")
        size = self.size(page)
        if min(size) <= 0:
            raise ChildRefusal(f"page {page} is damaged: it has no size")
        scale = min(1.0, scale_to(size, width))
        try:
            image.draft("RGB", (int(image.width * scale) + 1, int(image.height * scale) + 1))
            upright = ImageOps.exif_transpose(_on_white(image))
            return upright.resize((max(1, round(size[0] * scale)), max(1, round(size[1] * scale))))
        except _BROKEN as error:
            raise ChildRefusal(f"page {page} is damaged: {error}"[:200]) from error

    def text(self, page: int) -> str:
        return ""

    def close(self) -> None:
        self._image.close()

    def _at(self, page: int) -> Image.Image:
        try:
            self._image.seek(page - 1)
        except _BROKEN as error:
            raise ChildRefusal(f"page {page} is damaged: {error}"[:200]) from error
        return self._image


def _on_white(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image.convert("RGB")
    solid = image.convert("RGBA")
    paper = Image.new("RGBA", solid.size, "white")
    return Image.alpha_composite(paper, solid).convert("RGB")
