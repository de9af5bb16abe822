"""The interface of a file with pages that can be rendered, and the limits on a rendered picture."""

import math
from collections.abc import Sequence
from typing import Protocol

from PIL import Image

MOST_PIXELS = 4_000_000
"""Maximum pixels of a picture. With 256 colours these are at most 4 MB, and a Lambda function can return no more."""
LONGEST_PIXELS = 16_000
"""Maximum pixels of its longer side: a page may be a thousand times as high as it is wide."""
MOST_SIZES = 5000
"""Maximum pages whose sizes are reported; further pages can be rendered, too."""

Size = tuple[float, float]


class PageSource(Protocol):
    """An open file with pages."""

    @property
    def count(self) -> int: ...

    def size(self, page: int) -> Size:
        """Width and height of a page (from 1): in points, for an image in pixels; (0, 0) if it has no size."""
        ...

    def picture(self, page: int, width: int) -> Image.Image:
        """The page, so many pixels wide, less for a large page. Raises ChildRefusal."""
        ...

    def text(self, page: int) -> str:
        """The text of the page; "" for an image."""
        ...

    def close(self) -> None: ...


def scale_to(size: Size, width: int) -> float:
    """Pixels per unit for a picture of this width within the limits; slightly less, because sizes are rounded up."""
    wide, high = size
    return 0.999999 * min(width / wide, math.sqrt(MOST_PIXELS / (wide * high)), LONGEST_PIXELS / max(wide, high))


def sizes_of(source: PageSource) -> Sequence[Size]:
    return [source.size(page) for page in range(1, min(source.count, MOST_SIZES) + 1)]
