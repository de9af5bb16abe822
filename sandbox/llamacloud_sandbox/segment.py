"""The words of splitting: how to cut a packet, and the pieces it was cut into."""

from dataclasses import dataclass

UNCATEGORIZED = "uncategorized"


@dataclass(frozen=True)
class Strategy:
    """How to cut: what becomes of pages that fit no category, and the fewest pages of a piece."""

    uncategorized: str = "include"  # include: a segment of their own; forbid: all pages get a category; omit: left out
    min_pages: int = 1
    instructions: str = ""  # accepted and ignored: the lexical judge can't follow instructions


@dataclass(frozen=True)
class Segment:
    """Consecutive pages that are one document: category (or `uncategorized`), page numbers, high, medium or low."""

    category: str
    pages: tuple[int, ...]
    confidence: str
