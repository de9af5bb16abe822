"""Renders pages and extracts text: ``python -m handlers.view``, started by ``child_viewer`` (protocol:
handlers/child/process.py)."""

from contextlib import closing
from pathlib import Path
from typing import Any

from PIL import Image

from handlers.child.loop import ChildRefusal, answer_questions
from handlers.view.image_pages import ImagePages
from handlers.view.page_source import PageSource, sizes_of
from handlers.view.pdf_pages import PdfPages
from handlers.view.plain_text import file_text
from receiver.core.document_view import TEXT_CHARS, ShownAs, shown_as
from receiver.core.media import PDF

LARGEST = 4_000_000
"""Maximum bytes of a picture in full colour; a larger one is reduced to 256 colours."""


def answer(asked: dict[str, Any]) -> dict[str, Any]:
    """The ``pages``, a ``picture`` or the ``text`` of one file. Raises ChildRefusal if it cannot be shown."""
    try:
        return _answered(asked)
    except MemoryError as error:
        raise ChildRefusal("showing it takes more memory than a document may use") from error


def _answered(asked: dict[str, Any]) -> dict[str, Any]:
    path, media_type = Path(asked["path"]), asked["media_type"]
    if asked["do"] == "text" and shown_as(media_type) is ShownAs.TEXT:
        text, goes_on = file_text(path, media_type)
        return _shortened(text, goes_on)
    pages: PageSource = PdfPages(path) if media_type == PDF else ImagePages(path)
    with closing(pages) as source:
        return _of_pages(source, asked)


def _of_pages(source: PageSource, asked: dict[str, Any]) -> dict[str, Any]:
    if asked["do"] == "pages":
        return {"count": source.count, "sizes": sizes_of(source)}
    if asked["page"] > source.count:
        return {"missing": source.count}
    if asked["do"] == "text":
        return _shortened(source.text(asked["page"]), goes_on=False)
    save_png(source.picture(asked["page"], asked["width"]), Path(asked["to"]))
    return {"done": True}


def save_png(picture: Image.Image, to: Path) -> None:
    """Writes the picture, with fewer colours if it would be too large for a response."""
    picture.save(to, "PNG", compress_level=4)
    if to.stat().st_size > LARGEST:
        picture.convert("RGB").quantize(256).save(to, "PNG")


def _shortened(text: str, goes_on: bool) -> dict[str, Any]:
    whole = text.encode("utf-8", "replace").decode()  # text from a PDF may contain lone surrogates
    return {"text": whole[:TEXT_CHARS], "truncated": goes_on or len(whole) > TEXT_CHARS}


if __name__ == "__main__":
    answer_questions(answer)
