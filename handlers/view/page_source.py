"""What a file with pages offers to whoever draws it, and the limits on a picture."""

import math
from collections.abc import Sequence
from typing import Protocol

from PIL import Image

MOST_PIXELS = 4_000_000
"""Of a picture. With 256 colours it has at most 4 MB, and a Lambda function can return no more."""
LONGEST_PIXELS = 16_000
"""Of its longer side: a page may be a thousand times as high as it is wide."""
MOST_SIZES = 5000
"""Maximum pages whose sizes are reported; further pages can be drawn, too."""

Size = tuple[float, float]


class PageSource(Protocol):
    """An open file with pages."""

    @property
    def count(self) -> int: ...

    def size(self, page: int) -> Size:
        """Width and height of a page (from 1): in points, or in pixels of an image; (0, 0) where it has none."""
        ...

    def picture(self, page: int, width: int) -> Image.Image:
        """The page, so many pixels wide, or less where it is large. Raises ChildRefusal."""
        ...

    def text(self, page: int) -> str:
        """Its text; "" for an image."""
        ...

    def close(self) -> None: ...


def scale_to(size: Size, width: int) -> float:
    """Pixels per unit for a picture of this width within the limits; a hair less, because parts of pixels count."""
    wide, high = size
    return 0.999999 * min(width / wide, math.sqrt(MOST_PIXELS / (wide * high)), LONGEST_PIXELS / max(wide, high))


def sizes_of(source: PageSource) -> Sequence[Size]:
    return [source.size(page) for page in range(1, min(source.count, MOST_SIZES) + 1)]
