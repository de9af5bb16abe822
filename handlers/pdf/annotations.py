"""Copies annotations and form fields, so that nothing in a piece leads to pages of other pieces.

A copy omits references to other pages, to their annotations and to their fields; a link whose target is not in the
piece loses it. Fields keep the fields above them, with their own kids alone.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name, Stream, String

from handlers.pdf.landmarks import DIRECT, Landmarks, Place, annotations, children
from handlers.pdf.uses import Uses, key, text, uses_in

_LEFT_OUT = frozenset({"/StructParent", "/StructParents", "/PieceInfo", "/Lock", "/SV"})
"""Keys that lead to the structure tree, to private data of programs, to the fields that a signature locks."""
_FIELD = frozenset(
    {
        *("/FT", "/T", "/TU", "/TM", "/Ff", "/V", "/DV", "/AA", "/DA", "/Q", "/DS", "/RV", "/MaxLen", "/Opt"),
        *("/TI", "/I"),
    }
)
"""What a field has that others are under, or hands down to them. Source: ISO 32000-2, 12.7.4 and 12.7.5."""
_CHOICES = frozenset({"/Opt", "/TI", "/I"})
"""What a field says of each of its kids, or of the lines of a list: kids of other pages would be among them."""
NOT_ON_PAGES = frozenset(
    {"/Page", "/Pages", "/Catalog", "/Outlines", "/StructTreeRoot", "/StructElem", "/Thread", "/Bead", "/Sig"}
)
"""Kinds of objects that belong to no page. A signature belongs to the packet as a whole."""
_ACTIONS_LEFT_OUT = frozenset({"/GoToE", "/GoToDp", "/Thread", "/SetOCGState"})
"""Actions on the packet's embedded files, document parts, articles and layers."""
_CHAIN = 64
"""Maximum fields above a field."""
_GONE = object()


class Copies:
    """Copies of pages' annotations and fields, made in the open source and not attached to it."""

    def __init__(self, source: pikepdf.Pdf, landmarks: Landmarks, pages: Mapping[Place, Dictionary]) -> None:
        """``pages`` are the copies of the piece's pages, by the place of the original."""
        self._source = source
        self._landmarks = landmarks
        self.made: dict[Place, Any] = dict(pages)
        """The copy of each object, by the place of the original."""
        self._kids: dict[Place, list[Any]] = {}
        self.tops: list[Place] = []
        """The fields that have none above them."""
        self.drawn: list[Stream] = []
        """What they look like: the forms that are drawn for them."""
        self.defaults = Uses()
        """What they use where they say how a text is to be drawn that is yet to come (``/DA``)."""

    def prepare(self, page: Dictionary) -> None:
        """Makes the copies, still empty, of what stands on the page: these may refer to each other."""
        for item in annotations(page):
            if item.objgen != DIRECT and item.objgen not in self.made:
                self._promise(item.objgen)
                if item.get("/Subtype") == Name.Widget:
                    self._prepare_above(item)

    def _promise(self, place: Place) -> None:
        self.made[place] = self._source.make_indirect(Dictionary())

    def _prepare_above(self, widget: Dictionary) -> None:
        """The fields above a widget, up to one that stands in the form itself."""
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
        """Whether fields may be under it; what stands on a page itself, or is one, is not."""
        place = above.objgen
        return place != DIRECT and place not in self._landmarks.number and place not in self._landmarks.annotations

    def annotations_of(self, page: Dictionary) -> Array:
        """What stands on the page, copied."""
        return Array([self._annotation(item) for item in annotations(page)])

    def _annotation(self, item: Dictionary) -> Dictionary:
        copy = self._source.make_indirect(Dictionary()) if item.objgen == DIRECT else self.made[item.objgen]
        self._fill(copy, {name: value for name, value in item.items() if name != "/Kids"})
        above = item.get("/Parent")
        while isinstance(above, Dictionary) and above.objgen in self._kids:
            field = self.made[above.objgen]
            if "/Kids" in field:  # filled before
                break
            field.Kids = Array(list(self._in_order(above)))
            kept = _FIELD - (_CHOICES if len(field.Kids) < len(list(children(above, "/Kids"))) else set())
            self._fill(field, {name: value for name, value in above.items() if name in kept})
            above = above.get("/Parent")
            if isinstance(above, Dictionary) and above.objgen in self._kids:
                field.Parent = self.made[above.objgen]
        return copy

    def _in_order(self, field: Dictionary) -> Iterator[Any]:
        """The copies of a field's kids in the order of the original."""
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
        """An item of an array: one that is null stays, because the places of others count on it."""
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
        """A destination within the piece, spelt out."""
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
