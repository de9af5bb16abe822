"""Cuts a piece out of a packet: a separate PDF that looks like its pages and contains nothing of the others.

Only the keys that make up a page (``_PAGE``) are copied. Everything else stays in the packet: outlines, names,
metadata, the structure tree, articles, scripts, signatures, and what other pages draw. Streams keep their compression.
"""

from collections.abc import Sequence
from typing import Any, BinaryIO

import pikepdf
from pikepdf import Array, Dictionary, Name, Stream

from handlers.child.loop import ChildRefusal
from handlers.pdf.annotations import NOT_ON_PAGES, Copies
from handlers.pdf.form import form_of
from handlers.pdf.landmarks import Landmarks, inherited
from handlers.pdf.layers import layers_of
from handlers.pdf.resources import Doubt, Needs, Reducer, cut_off
from handlers.pdf.uses import text

_INHERITED = ("/MediaBox", "/CropBox", "/Rotate")
_PAGE = (
    *("/BleedBox", "/TrimBox", "/ArtBox", "/BoxColorInfo", "/UserUnit", "/Group", "/OutputIntents"),
    *("/AF", "/Metadata", "/Thumb", "/VP", "/Tabs", "/Dur", "/Trans", "/LastModified"),
)
"""A page's own keys besides contents, resources, annotations and inherited ones (ISO 32000-2, table 31)."""
_PACKET = ("/OutputIntents", "/Lang")
"""Keys of the packet that affect how pages look and are read: output intents and the language."""


class PieceWriter:
    """Cuts pieces out of one open packet."""

    def __init__(self, source: pikepdf.Pdf) -> None:
        self._source = source
        self._reducer = Reducer(source)
        self._landmarks = Landmarks(source)

    def cut(self, pages: Sequence[int], to: BinaryIO) -> None:
        """Writes these pages (from 1).

        The same pages give the same bytes: no date, and an id from the content. Raises ChildRefusal if it is uncertain
        what belongs to a page.
        """
        with pikepdf.new() as piece:
            whole = piece.copy_foreign(self._source.make_indirect(self._copied(pages)))
            _cut_ways_out(piece)
            for page in whole.Pages:
                page.Type = Name.Page
                piece.pages.append(pikepdf.Page(page))
            for name in (*_PACKET, "/ViewerPreferences", "/AcroForm"):
                if name in whole:
                    piece.Root[name] = whole[name]
            if (layers := layers_of(piece, self._source)) is not None:
                piece.Root.OCProperties = layers
            piece.save(
                to,
                min_version=self._source.pdf_version,
                deterministic_id=True,
                compress_streams=False,
                stream_decode_level=pikepdf.StreamDecodeLevel.none,
                object_stream_mode=pikepdf.ObjectStreamMode.generate,
            )

    def _copied(self, pages: Sequence[int]) -> Dictionary:
        """All parts of the piece, copied within the source: pages (not yet marked as such), form, colours, language."""
        originals = {number: self._landmarks.pages[number - 1] for number in pages}
        made = {number: self._source.make_indirect(Dictionary()) for number in pages}
        copies = Copies(self._source, self._landmarks, {originals[n].objgen: made[n] for n in pages})
        for original in originals.values():
            copies.prepare(original)
        outside = Needs()
        for number, original in originals.items():
            outside.add(self._fill(made[number], original, copies))
            self._refuse(number, outside.doubts, pages)
        whole = Dictionary(Pages=Array(list(made.values())))
        if (form := form_of(copies, self._landmarks, self._reducer, outside.missing)) is not None:
            whole.AcroForm = form
        root = self._source.Root
        for name in _PACKET:
            if name in root:
                whole[name] = root[name]
        preferences = root.get("/ViewerPreferences")
        if isinstance(preferences, Dictionary) and isinstance(preferences.get("/Direction"), Name):
            whole.ViewerPreferences = Dictionary(Direction=preferences.Direction)
        return whole

    def _fill(self, page: Dictionary, original: Dictionary, copies: Copies) -> Needs:
        for name in _INHERITED:
            if (value := inherited(original, name)) is not None:
                page[name] = value
        for name in _PAGE:
            if name in original and (value := copies.copied(original[name])) is not None:
                page[name] = value
        copies.drawn.clear()
        if "/Annots" in original:
            page.Annots = copies.annotations_of(original)
        contents = _contents(original)
        for item in contents:
            cut_off(item)
        if contents:
            page.Contents = contents[0] if len(contents) == 1 else Array(contents)
        page.Resources, outside = self._reducer.page(inherited(original, "/Resources"), contents, copies.drawn)
        return outside

    def _refuse(self, number: int, doubts: Sequence[Doubt], pages: Sequence[int]) -> None:
        for doubt in doubts:
            others = set(range(1, len(self._landmarks.pages) + 1)) - set(pages)
            if self._landmarks.shared(doubt.resources, sorted(others)):
                raise ChildRefusal(
                    f"page {number} cannot be decoded, so its own pictures cannot be told from those it shares with "
                    f"other pages: {doubt.why}"
                )


def _contents(page: Dictionary) -> list[Any]:
    contents = page.get("/Contents")
    listed = contents if isinstance(contents, Array) else (contents,)
    return [item for item in listed if isinstance(item, Stream)]


def _cut_ways_out(piece: pikepdf.Pdf) -> None:
    """Empties copied objects that belong to no page: an unexpected key refers to them."""
    own = (piece.Root.objgen, piece.Root.Pages.objgen)
    for item in piece.objects:
        kind = item.get("/Type") if isinstance(item, Dictionary) and item.objgen not in own else None
        if isinstance(kind, Name) and text(kind) in NOT_ON_PAGES:
            for name in list(item.keys()):
                del item[name]
