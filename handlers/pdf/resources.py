"""Reduces resources to those that are used: the pages of a packet often share one dictionary with all pictures.

What a page draws (forms, patterns, fonts with drawn glyphs, soft masks) may have resources and draw, too. These are
reduced once, in the open source itself, because they use the same names wherever they are drawn.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name, Stream

from handlers.pdf.glyphs import drawn_glyphs, glyph_names
from handlers.pdf.uses import OUTER, Uses, key, text, uses_of

Place = tuple[int, int]
"""Number and generation of an indirect object."""
_DRAWING = frozenset(
    {
        *("/Length", "/Filter", "/DecodeParms", "/F", "/FFilter", "/FDecodeParms"),
        *("/ColorSpace", "/Decode", "/Mask", "/SMask", "/Alternates", "/Intent"),
        *("/BBox", "/Matrix", "/Resources", "/Group", "/Ref", "/ExtGState", "/Shading"),
        *("/OC", "/OPI", "/Metadata", "/AF", "/Measure", "/PtData"),
    }
)
"""Keys of content streams, pictures, forms and patterns that may refer to other objects and are kept.

Source: ISO 32000-2, tables 5, 74, 87, 93 and 94. Private data and the structure tree are not among them.
"""
_STRUCTURE = ("/StructParent", "/StructParents")
_IMPLIED = ("/DefaultGray", "/DefaultRGB", "/DefaultCMYK")
"""Colour spaces that content uses without naming them."""


@dataclass(slots=True)
class Needs:
    """What a drawn object needs from its surroundings."""

    missing: Uses = field(default_factory=Uses)
    """Names that it uses without defining them: viewers look for them in the resources of what draws it."""
    doubts: list["Doubt"] = field(default_factory=list)

    def add(self, other: "Needs") -> None:
        self.missing.add(other.missing)
        self.doubts += other.doubts


@dataclass(frozen=True, slots=True)
class Doubt:
    """Resources that are kept completely, because the content that uses them cannot be decoded."""

    resources: Any
    why: str


class _DrawnGlyphsError(Exception):
    """There is a font with drawn glyphs, so the shown text matters from now on."""


class Reducer:
    """Reduces the resources of one open source."""

    def __init__(self, source: pikepdf.Pdf) -> None:
        self._source = source
        self._glyphs = False
        self._known: dict[Place, Needs] = {}
        self._fonts: dict[tuple[Place, frozenset[str]], tuple[Any, Needs]] = {}

    def page(self, resources: Any, contents: Iterable[Stream], drawn: Iterable[Stream]) -> tuple[Dictionary, Needs]:
        """The page's resources, reduced to those that its contents and the streams ``drawn`` on it use."""
        contents, drawn = list(contents), list(drawn)
        try:
            return self._page(resources, contents, drawn)
        except _DrawnGlyphsError:
            self._glyphs = True
            self._known.clear()
            return self._page(resources, contents, drawn)

    def _page(self, resources: Any, contents: list[Stream], drawn: list[Stream]) -> tuple[Dictionary, Needs]:
        needs = Needs()
        for item in drawn:
            needs.add(self.drawn(item))
        needs.missing.add(uses_of(contents, glyphs=self._glyphs))
        return self.scope(resources, needs)

    def drawn(self, form: Stream) -> Needs:
        """What a form or a pattern needs. Its resources are reduced to those that it uses."""
        if (known := self._known.get(form.objgen)) is not None:
            return known
        self._known[form.objgen] = Needs()  # in case it draws itself
        cut_off(form)
        needs = self._known[form.objgen] = self._inside(form, [form])
        return needs

    def _inside(self, owner: Any, contents: list[Any]) -> Needs:
        """What contents need beyond their owner's resources, which are reduced."""
        needs = Needs(uses_of(contents, glyphs=self._glyphs))
        if isinstance(owner.get("/Resources"), Dictionary):
            owner["/Resources"], needs = self.scope(owner["/Resources"], needs)
        return needs

    def scope(self, resources: Any, needs: Needs) -> tuple[Dictionary, Needs]:
        """These resources, reduced to the needed ones, and what is needed from further outside.

        Kept objects may draw and use further names of these resources, so this repeats until nothing new is found.
        """
        known, done = _categories(resources), Uses()
        kept = {
            category: {name: entries[name] for name in _IMPLIED if name in entries}
            for category, entries in known.items()
        }
        more = needs.missing
        while done.add(more):
            inside = self._look(known, kept, done)
            needs.doubts += inside.doubts
            more = inside.missing
        unknown = {(category, name) for category, name in done.names if name not in kept.get(category, {})}
        shown = {font: codes for font, codes in done.shown.items() if font not in kept.get("/Font", {})}
        if done.unreadable:
            needs.doubts.append(Doubt(resources, done.unreadable))
        return _reduced(resources, kept), Needs(Uses(unknown, done.anywhere, shown), needs.doubts)

    def _look(self, known: dict[str, Dictionary], kept: dict[str, dict[str, Any]], done: Uses) -> Needs:
        """Adds the needed entries to ``kept``, and returns what these need in turn."""
        needs = Needs()
        for category, name in sorted(_found(done, known)):
            entry = known[category][key(name)]
            if category == "/Font" and drawn_glyphs(entry):
                codes = done.shown.get(name, set()) | done.shown.get(OUTER, set())
                kept[category][name], more = self._font(entry, codes)
                needs.add(more)
            elif name not in kept[category]:
                kept[category][name] = entry
                needs.add(self._entry(category, entry))
        return needs

    def _font(self, font: Any, codes: set[int]) -> tuple[Any, Needs]:
        """A copy of the font with only the shown glyphs, and what these need."""
        if not self._glyphs:
            raise _DrawnGlyphsError
        names = glyph_names(font, codes)
        place = (font.objgen, names)
        if font.objgen == (0, 0) or place not in self._fonts:
            copy = Dictionary(font)
            copy.CharProcs = _made({name: font.CharProcs[key(name)] for name in names})
            glyphs = [item for item in copy.CharProcs.values() if isinstance(item, Stream)]
            needs = self._inside(copy, glyphs)
            self._fonts[place] = self._source.make_indirect(copy), needs
        return self._fonts[place]

    def _entry(self, category: str, entry: Any) -> Needs:
        match category:
            case "/XObject" if isinstance(entry, Stream):
                return self._picture(entry)
            case "/Pattern" if isinstance(entry, Stream):
                return self.drawn(entry)
            case "/Pattern" if isinstance(entry, Dictionary):
                state = self._state(entry.get("/ExtGState"))
                state.missing.add(_colours(entry.get("/Shading")))
                return state
            case "/ExtGState":
                return self._state(entry)
            case "/Shading":
                return Needs(_colours(entry))
        return Needs()

    def _picture(self, entry: Stream) -> Needs:
        if entry.get("/Subtype") == Name.Form:
            return self.drawn(entry)
        cut_off(entry)
        return Needs(_colours(entry))

    def _state(self, state: Any) -> Needs:
        """What a graphics state needs: it may mask with a form, and set a font."""
        needs = Needs()
        if not isinstance(state, Dictionary):
            return needs
        mask = state.get("/SMask")
        form = mask.get("/G") if isinstance(mask, Dictionary) else None
        if isinstance(form, Stream):
            needs.add(self.drawn(form))
        font = state.get("/Font")
        if isinstance(font, Array) and len(font) and drawn_glyphs(font[0]):
            _, more = self._font(font[0], set(range(256)))
            needs.add(more)
        return needs


def cut_off(drawn: Stream) -> None:
    """Removes all references from a drawn object to objects that are not needed to draw it."""
    for name, value in list(drawn.items()):
        leads_on = isinstance(value, Array | Dictionary | Stream) and name not in _DRAWING
        if leads_on or name in _STRUCTURE:
            del drawn[key(name)]


def _dictionary(value: Any) -> Dictionary:
    return value if isinstance(value, Dictionary) else Dictionary()


def _categories(resources: Any) -> dict[str, Dictionary]:
    return {key: value for key, value in _dictionary(resources).items() if isinstance(value, Dictionary)}


def _found(uses: Uses, known: dict[str, Dictionary]) -> Iterator[tuple[str, str]]:
    for category, name in uses.names:
        if category in known and key(name) in known[category]:
            yield category, name
    for category, entries in known.items() if uses.unreadable else ():
        yield from ((category, name) for name, _ in entries.items())
    for category, entries in known.items() if uses.anywhere else ():
        yield from ((category, name) for name in uses.anywhere if key(name) in entries)


def _reduced(resources: Any, kept: dict[str, dict[str, Any]]) -> Dictionary:
    """The reduced resources. Entries that are not dictionaries of names (the old ``/ProcSet``) are kept."""
    others = {name: value for name, value in _dictionary(resources).items() if name not in kept}
    return _made({**others, **{category: _made(entries) for category, entries in kept.items() if entries}})


def _made(entries: dict[str, Any]) -> Dictionary:
    made = Dictionary()
    for name, value in entries.items():
        if value is not None:
            made[key(name)] = value
    return made


def _colours(owner: Any) -> Uses:
    """Names in the colour space of a picture or a shading, which may refer to resources."""
    space = owner.get("/ColorSpace") if isinstance(owner, Dictionary | Stream) else None
    parts = space if isinstance(space, Array) else (space,)
    return Uses({("/ColorSpace", text(item)) for item in parts if isinstance(item, Name)})
