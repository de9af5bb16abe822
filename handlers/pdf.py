"""Opens one PDF and cuts it, in a process of its own: ``python -m handlers.pdf FILE``.

Mail is hostile, and a PDF library is a large piece of C++: here a crash, a bomb or an endless loop takes down a child
that holds no secret, and neither the event loop nor the worker. One JSON request a line on standard input, one answer
a line on standard output; the first answer says how many pages there are, or why the file cannot be cut.
"""

import json
import sys
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pikepdf

MEMORY_BYTES = 3 * 1024**3
"""Address space of the child. Cutting needs well under a tenth of it, whatever the packet's size."""
LOOK_SCALE = 0.5
"""Pixels per point at which a page is looked at: 36 dpi, enough to see a line of text and too coarse for dust."""
INK_LEVELS = 40
"""How much darker or lighter than the paper, of 255 levels, a pixel must be to count as ink."""
BLANK_SHARE = 0.0005
"""A page with less ink than this share of its pixels is blank."""
CARRIED = ("/OCProperties", "/OutputIntents", "/Lang")
"""What decides how pages look although it is not on a page: which layers are shown, and what colours mean."""


def main() -> int:
    """Serves one file until standard input ends."""
    _limit_memory()
    try:
        source = opened(Path(sys.argv[1]))
    except ValueError as error:
        _say({"refused": str(error)})
        return 0
    with source:
        _say({"pages": len(source.pages)})
        for line in sys.stdin:
            _say(_answer(source, json.loads(line)))
    return 0


def opened(path: Path) -> "pikepdf.Pdf":
    """The PDF, repaired when it is damaged. Raises ValueError with the reason why it cannot be cut."""
    import pikepdf

    try:
        # Read through the file, not mapped: the pages of a mapping would count as ours.
        source = pikepdf.open(path, access_mode=pikepdf.AccessMode.stream, suppress_warnings=True)
    except pikepdf.PasswordError as error:
        raise ValueError("it is locked with a password") from error
    except (pikepdf.PdfError, RuntimeError) as error:
        said = _plain(error, path)
        raise ValueError(f"it cannot be read as a PDF, not even repaired: {said}") from error
    if not len(source.pages):
        source.close()
        raise ValueError("it has no pages")
    return source


def _answer(source: "pikepdf.Pdf", asked: dict[str, Any]) -> dict[str, Any]:
    import pikepdf

    try:
        if "blank" in asked:
            return {"blank": [page for page in asked["blank"] if is_blank(source, page)]}
        cut(source, asked["cut"], Path(asked["to"]))
        return {"done": True}
    except (pikepdf.PdfError, RuntimeError) as error:
        return {"refused": _plain(error, Path(sys.argv[1]))}


def cut(source: "pikepdf.Pdf", pages: Sequence[int], to: Path) -> None:
    """Writes these pages (from 1) as a PDF of their own.

    Content, boxes, rotation, annotations and form fields come along, streams as they are compressed; links to pages
    that are not among them lose their aim. The same pages give the same bytes: no date, and an id from the content.
    """
    import pikepdf

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


def _copied(piece: "pikepdf.Pdf", source: "pikepdf.Pdf", value: Any) -> Any:
    """An object of the source as one of the piece's. Only indirect objects can be copied, and text stays text."""
    import pikepdf

    if isinstance(value, pikepdf.Dictionary | pikepdf.Array):
        return piece.copy_foreign(source.make_indirect(value))
    return value


def is_blank(source: "pikepdf.Pdf", page: int) -> bool:
    """Whether the page shows nothing but paper: no text, and hardly a pixel that differs from the rest."""
    import pikepdf
    import pypdfium2

    with pikepdf.new() as alone:
        alone.pages.append(source.pages[page - 1])
        buffer = BytesIO()
        alone.save(buffer, stream_decode_level=pikepdf.StreamDecodeLevel.none)
    document = pypdfium2.PdfDocument(buffer.getvalue(), autoclose=True)
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


def _limit_memory() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def _plain(error: Exception, path: Path) -> str:
    """The library's words without the path of our own temporary file."""
    return str(error).replace(str(path), "the file").strip()[:300]


if __name__ == "__main__":
    sys.exit(main())
