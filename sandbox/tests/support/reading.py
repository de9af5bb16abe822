"""Reads files as the sandbox does, where neither their name nor their hash matters."""

import atexit
from functools import cache
from pathlib import Path

from llamacloud_sandbox.children import Children
from llamacloud_sandbox.reader import Reader
from llamacloud_sandbox.reading import Reading


@cache
def children() -> Children:
    """Child processes within the usual bounds, the same ones for all tests."""
    children = Children()
    atexit.register(children.close)
    return children


def read(path: Path, *, ocr: bool = False, pages: list[int] | None = None, max_pages: int | None = None) -> Reading:
    """The file's text. Raises `Unreadable`."""
    return Reader(children(), ocr=ocr).read(path, "paper.pdf", "0" * 64, pages=pages, max_pages=max_pages)
