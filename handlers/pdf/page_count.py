"""Counts the pages of PDFs, one after another: ``python -m handlers.pdf.page_count``."""

from pathlib import Path
from typing import Any

from handlers.child.loop import answer_questions
from handlers.pdf.file import opened_pdf


def main() -> None:
    """Serves files until standard input ends."""
    answer_questions(counted)


def counted(asked: dict[str, Any]) -> dict[str, Any]:
    """Answers ``{"count": PATH}`` with ``{"pages": 3}``. Raises ChildRefusal if the pages cannot be counted."""
    source, _ = opened_pdf(Path(asked["count"]))
    with source:
        return {"pages": len(source.pages)}


if __name__ == "__main__":
    main()
