"""Copies annotations and form fields, so that nothing in a piece refers to pages of other pieces.

Copies omit references to other pages and to their annotations and fields; a link loses a target that is not in the
piece. Fields keep their parent fields, which keep only the children in the piece.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name, Stream, String

from handlers.pdf.landmarks import DIRECT, Landmarks, Place, annotations, children
from handlers.pdf.uses import Uses, key, text, uses_in

_LEFT_OUT = frozenset({"/StructParent", "/StructParents", "/PieceInfo", "/Lock", "/SV"})
"""Keys that refer to the structure tree, to private data of programs, or to the fields that a signature locks."""
_FIELD = frozenset(
    {
        *("/FT", "/T", "/TU", "/TM", "/Ff", "/V", "/DV", "/AA", "/DA", "/Q", "/DS", "/RV", "/MaxLen", "/Opt"),
        *("/TI", "/I"),
    }
)
"""Keys of a field that has children, or that they inherit. Source: ISO 32000-2, 12.7.4 and 12.7.5."""
_CHOICES = frozenset({"/Opt", "/TI", "/I"})
"""Keys with a value for each child of a field or each line of a list, which would include children on other pages."""
NOT_ON_PAGES = frozenset(
    {"/Page", "/Pages", "/Catalog", "/Outlines", "/StructTreeRoot", "/StructElem", "/Thread", "/Bead", "/Sig"}
)
"""Types of objects that belong to no page. A signature belongs to the whole packet."""
_ACTIONS_LEFT_OUT = frozenset({"/GoToE", "/GoToDp", "/Thread", "/SetOCGState"})
"""Actions that concern the packet's embedded files, document parts, articles and layers."""
_CHAIN = 64
"""Maximum number of ancestors of a field."""
_GONE = object()


class Copies:
    """Copies of the annotations and fields of pages, created in the open source but not attached to it."""

    def __init__(self, source: pikepdf.Pdf, landmarks: Landmarks, pages: Mapping[Place, Dictionary]) -> None:
        """``pages`` are the copies of the piece's pages, by the place of the original."""
        self._source = source
        self._landmarks = landmarks
        self.made: dict[Place, Any] = dict(pages)
        """The copy of each object, by the place of the original."""
        self._kids: dict[Place, list[Any]] = {}
        self.tops: list[Place] = []
        """The fields without a parent."""
        self.drawn: list[Stream] = []
        """Their appearance streams."""
        self.defaults = Uses()
        """What their default appearance strings (``/DA``) use, for text that is not entered yet."""

    def prepare(self, page: Dictionary) -> None:
        """Creates empty copies of the page's annotations first, because these may refer to each other."""
        for item in annotations(page):
            if item.objgen != DIRECT and item.objgen not in self.made:
                self._promise(item.objgen)
                if item.get("/Subtype") == Name.Widget:
                    self._prepare_above(item)

    def _promise(self, place: Place) -> None:
        self.made[place] = self._source.make_indirect(Dictionary())

    def _prepare_above(self, widget: Dictionary) -> None:
        """Prepares the ancestors of a widget, up to one in the form's own list of fields."""
        field = widget
        for _ in range(_CHAIN):
            above = field.get("/Parent")
            if not isinstance(above, Dictionary) or not self._is_field(above):
                break
            known = above.objgen in self._kids
            self._kids.setdefault(above.objgen, []).append(self.made[field.objgen])
            if known:
                return
            self._promise(above.objgen)
            field = above
        self.tops.append(field.objgen)

    def _is_field(self, above: Dictionary) -> bool:
        """Whether it can be the parent of fields; a page or an annotation cannot."""
        place = above.objgen
        return place != DIRECT and place not in self._landmarks.number and place not in self._landmarks.annotations

    def annotations_of(self, page: Dictionary) -> Array:
        """Copies of the page's annotations."""
        return Array([self._annotation(item) for item in annotations(page)])

    def _annotation(self, item: Dictionary) -> Dictionary:
        copy = self._source.make_indirect(Dictionary()) if item.objgen == DIRECT else self.made[item.objgen]
        self._fill(copy, {name: value for name, value in item.items() if name != "/Kids"})
        above = item.get("/Parent")
        while isinstance(above, Dictionary) and above.objgen in self._kids:
            field = self.made[above.objgen]
            if "/Kids" in field:  # already filled
                break
            field.Kids = Array(list(self._in_order(above)))
            kept = _FIELD - (_CHOICES if len(field.Kids) < len(list(children(above, "/Kids"))) else set())
            self._fill(field, {name: value for name, value in above.items() if name in kept})
            above = above.get("/Parent")
            if isinstance(above, Dictionary) and above.objgen in self._kids:
                field.Parent = self.made[above.objgen]
        return copy

    def _in_order(self, field: Dictionary) -> Iterator[Any]:
        """The copies of a field's children, in their original order."""
        present = {item.objgen: item for item in self._kids[field.objgen]}
        for kid in children(field, "/Kids"):
            if (copy := self.made.get(kid.objgen)) is not None and copy.objgen in present:
                yield present.pop(copy.objgen)
        yield from present.values()

    def copied(self, value: Any) -> Any:
        """The value without references to other pages; None if it is one."""
        if not isinstance(value, Array | Dictionary | Stream):
            return value
        if value.objgen in self.made:
            return self.made[value.objgen]
        if self._landmarks.has(value.objgen) or _is_elsewhere(value):
            return None
        if isinstance(value, Stream):
            return self._picture(value)
        if isinstance(value, Dictionary) and value.get("/Type") == Name.OCG:
            return value
        copy: Any = Array() if isinstance(value, Array) else Dictionary()
        if value.objgen != DIRECT:
            copy = self.made[value.objgen] = self._source.make_indirect(copy)
        if isinstance(value, Array):
            copy.extend(item for item in map(self._item, value) if item is not _GONE)
        else:
            self._fill(copy, dict(value.items()))
        return copy

    def _item(self, item: Any) -> Any:
        """An item of an array. null stays, so that the other items keep their places."""
        copy = self.copied(item)
        return _GONE if copy is None and item is not None else copy

    def _picture(self, stream: Stream) -> Stream:
        if stream.get("/Subtype") == Name.Form or "/BBox" in stream:
            self.drawn.append(stream)
        return stream

    def _fill(self, copy: Dictionary, values: Mapping[str, Any]) -> None:
        going = values.get("/S") == Name.GoTo
        for name, value in values.items():
            if name in _LEFT_OUT:
                continue
            if name == "/DA" and isinstance(value, String):
                self.defaults.add(uses_in(bytes(value)))
            aimed = name == "/Dest" or (going and name == "/D")
            if (kept := self._aim(value) if aimed else self._acting(value)) is not None:
                copy[key(name)] = kept

    def _acting(self, value: Any) -> Any:
        """The value; None for an action whose target is not in the piece."""
        if isinstance(value, Dictionary):
            kind = value.get("/S")
            if kind == Name.GoTo and self._aim(value.get("/D")) is None:
                return None
            if isinstance(kind, Name) and text(kind) in _ACTIONS_LEFT_OUT:
                return None
        return self.copied(value)

    def _aim(self, value: Any) -> Any:
        """An explicit destination within the piece."""
        aim = self._landmarks.destination(value)
        if aim is None:
            return None
        page = aim[0]
        if isinstance(page, int):  # the number of the page, from 0
            pages = self._landmarks.pages
            page = pages[page] if 0 <= page < len(pages) else None
        if not isinstance(page, Dictionary) or page.objgen not in self._landmarks.number:
            return None
        copy = self.made.get(page.objgen)
        how = [item for item in list(aim)[1:] if not isinstance(item, Array | Dictionary | Stream)]
        return Array([copy, *how]) if copy is not None else None


def _is_elsewhere(value: Any) -> bool:
    if not isinstance(value, Dictionary):
        return False
    kind = value.get("/Type")
    return (isinstance(kind, Name) and text(kind) in NOT_ON_PAGES) or "/ByteRange" in value
