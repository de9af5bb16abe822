"""Opens a file and returns its page count, or the reason why it cannot be cut. Then checks pages and cuts pieces."""

from pathlib import Path
from typing import Any

import pikepdf

from handlers.child.loop import ChildRefusal, answer_questions
from handlers.pdf.file import plain_error
from handlers.pdf.source import SourcePdf, without_password


def main() -> None:
    """Serves one file."""
    sources: list[SourcePdf] = []
    answer_questions(lambda asked: _answer(sources, asked))


def _answer(sources: list[SourcePdf], asked: dict[str, Any]) -> dict[str, Any]:
    if "unlock" in asked:
        without_password(Path(asked["unlock"]), asked["password"], Path(asked["to"]))
        return {"done": True}
    if "open" in asked:
        sources.append(SourcePdf(Path(asked["open"])))
        return {"pages": sources[0].count, "files": sources[0].files()}
    try:
        if "blank" in asked:
            return {"blank": [page for page in asked["blank"] if sources[0].is_blank(page)]}
        sources[0].cut(asked["cut"], Path(asked["to"]))
        return {"done": True}
    except pikepdf.PikepdfError as error:
        raise ChildRefusal(plain_error(error, sources[0].path)) from error


if __name__ == "__main__":
    main()
