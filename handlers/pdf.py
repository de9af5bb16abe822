"""Opens one PDF and cuts it, in a process of its own (handlers/child.py): a PDF library is a large piece of C++.

Asked to open a file it says how many pages there are, or why the file cannot be cut; then it looks at pages and cuts.
"""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import pikepdf
import pypdfium2

from handlers.child_side import Refused, serve

RENEW_BYTES = 24 * 1024 * 1024
"""How much is copied from a packet before it is opened anew. The price is some hundredths of a second."""
LOOK_SCALE = 0.5
"""Pixels per point at which a page is looked at: 36 dpi, enough to see a line of text and too coarse for dust."""
INK_LEVELS = 40
"""How much darker or lighter than the paper, of 255 levels, a pixel must be to count as ink."""
BLANK_SHARE = 0.0005
"""A page with less ink than this share of its pixels is blank."""
CARRIED = ("/OCProperties", "/OutputIntents", "/Lang")
"""What decides how pages look although it is not on a page: which layers are shown, and what colours mean."""


def main() -> None:
    """Serves one file."""
    sources: list[Source] = []
    serve(lambda asked: _answer(sources, asked))


class Source:
    """An open packet that is opened anew now and then: what was copied from it, pikepdf keeps in memory until then."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._pdf = opened(path)
        self.count = len(self._pdf.pages)
        self._copied = 0

    def cut(self, pages: Sequence[int], to: Path) -> None:
        cut(self._pdf, pages, to)
        self._renew(to.stat().st_size)

    def is_blank(self, page: int) -> bool:
        with _alone(self._pdf, page) as buffer:
            blank = shows_nothing(buffer)
            size = len(buffer.getbuffer())
        self._renew(size)
        return blank

    def _renew(self, copied: int) -> None:
        self._copied += copied
        if self._copied > RENEW_BYTES:
            self._pdf.close()
            self._pdf, self._copied = opened(self.path), 0


def opened(path: Path) -> pikepdf.Pdf:
    """The PDF, repaired when it is damaged. Raises Refused with the reason why it cannot be cut."""
    try:
        # Read through the file, not mapped: the pages of a mapping would count as ours.
        source = pikepdf.open(path, access_mode=pikepdf.AccessMode.stream, suppress_warnings=True)
    except pikepdf.PasswordError as error:
        raise Refused("it is locked with a password") from error
    except pikepdf.PdfError as error:
        said = _plain(error, path)
        raise Refused(f"it cannot be read as a PDF, not even repaired: {said}") from error
    if not len(source.pages):
        source.close()
        raise Refused("it has no pages")
    return source


def _answer(sources: list[Source], asked: dict[str, Any]) -> dict[str, Any]:
    if "unlock" in asked:
        unlock(Path(asked["unlock"]), asked["password"], Path(asked["to"]))
        return {"done": True}
    if "open" in asked:
        sources.append(Source(Path(asked["open"])))
        return {"pages": sources[0].count}
    try:
        if "blank" in asked:
            return {"blank": [page for page in asked["blank"] if sources[0].is_blank(page)]}
        sources[0].cut(asked["cut"], Path(asked["to"]))
        return {"done": True}
    except pikepdf.PdfError as error:
        raise Refused(_plain(error, sources[0].path)) from error


def unlock(path: Path, password: str, to: Path) -> None:
    """Writes the PDF without its password, and otherwise as it is. Raises Refused."""
    try:
        with pikepdf.open(path, password=password, access_mode=pikepdf.AccessMode.stream) as source:
            if not source.is_encrypted:
                raise Refused("it is not locked")
            source.save(to, encryption=False)
    except pikepdf.PasswordError as error:
        raise Refused("this is not its password") from error
    except pikepdf.PdfError as error:
        raise Refused(f"it cannot be read as a PDF: {_plain(error, path)}") from error


def cut(source: pikepdf.Pdf, pages: Sequence[int], to: Path) -> None:
    """Writes these pages (from 1) as a PDF of their own.

    Content, boxes, rotation, annotations and form fields come along, streams as they are compressed; links to pages
    that are not among them lose their aim. The same pages give the same bytes: no date, and an id from the content.
    """
    with pikepdf.new() as piece:
        piece.add_pages_from(source, [page - 1 for page in pages])
        for name in CARRIED:
            if name in source.Root:
                piece.Root[name] = _copied(piece, source, source.Root[name])
        piece.save(
            to,
            min_version=source.pdf_version,
            deterministic_id=True,
            compress_streams=False,
            stream_decode_level=pikepdf.StreamDecodeLevel.none,
            object_stream_mode=pikepdf.ObjectStreamMode.generate,
        )


def _copied(piece: pikepdf.Pdf, source: pikepdf.Pdf, value: Any) -> Any:
    """An object of the source as one of the piece's. Only indirect objects can be copied, and text stays text."""
    if isinstance(value, pikepdf.Dictionary | pikepdf.Array):
        return piece.copy_foreign(source.make_indirect(value))
    return value


def is_blank(source: pikepdf.Pdf, page: int) -> bool:
    """Whether the page shows nothing but paper."""
    with _alone(source, page) as buffer:
        return shows_nothing(buffer)


def _alone(source: pikepdf.Pdf, page: int) -> BytesIO:
    """The page as a PDF of its own, repaired where the packet is damaged: what draws pages is more particular."""
    buffer = BytesIO()
    with pikepdf.new() as alone:
        alone.pages.append(source.pages[page - 1])
        alone.save(buffer, stream_decode_level=pikepdf.StreamDecodeLevel.none)
    return buffer


def shows_nothing(page: BytesIO) -> bool:
    """Whether the one page of this PDF has no text, and hardly a pixel that differs from the rest."""
    document = pypdfium2.PdfDocument(page.getvalue(), autoclose=True)
    try:
        shown = document[0]
        if shown.get_textpage().get_text_range().strip():
            return False
        picture = shown.render(scale=LOOK_SCALE, grayscale=True).to_pil().convert("L")
    finally:
        document.close()
    levels = picture.histogram()
    paper = levels.index(max(levels))
    ink = sum(count for level, count in enumerate(levels) if abs(level - paper) > INK_LEVELS)
    return bool(ink < BLANK_SHARE * picture.width * picture.height)


def _plain(error: Exception, path: Path) -> str:
    """The library's words without the path of our own temporary file."""
    return str(error).replace(str(path), "the file").strip()[:300]


if __name__ == "__main__":
    main()
