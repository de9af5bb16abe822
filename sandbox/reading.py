"""A file's text, page by page: what the judge gets to see.

What a file is, is decided by its content; its name is only carried along.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from sandbox import pdf
from sandbox.unreadable import Unreadable

__all__ = ["Page", "Reading", "Unreadable", "read"]


@dataclass(frozen=True)
class Page:
    """One page: its number in the file (from 1) and its text, empty for a scan that was not recognised."""

    number: int
    text: str


@dataclass(frozen=True)
class Reading:
    """A file as read: its name, the SHA-256 of its bytes (hex), and the pages that were asked for."""

    name: str
    sha256: str
    pages: tuple[Page, ...]


def read(
    path: Path, name: str, *, ocr: bool = False, pages: Collection[int] | None = None, max_pages: int | None = None
) -> Reading:
    """The text of the file at `path`; of its first `max_pages` or of the numbered `pages` only, when given.

    Raises `Unreadable` when nothing can be read, with a text fit for a job's `error_message`.
    """
    content = path.read_bytes()
    found = pdf.pages(content, wanted=pages, at_most=max_pages)
    return Reading(name, hashlib.sha256(content).hexdigest(), tuple(Page(*page) for page in found))
