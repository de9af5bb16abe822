"""A file's text, page by page: what the judge gets to see."""

from dataclasses import dataclass

from llamacloud_sandbox.unreadable import Unreadable

__all__ = ["Page", "Reading", "Unreadable"]


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
